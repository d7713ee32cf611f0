"""Counts, rates and latencies of one cell.

- Counts cover every instance the cell launched, warm-up and drain included: a wrong result in the
  warm-up is a wrong result.
- Rates count what happened inside the measuring window, over the window's length.
- Latency covers instances that were due inside the window, however late they ended, so that a stall
  at the end of the window cannot hide.
"""

from __future__ import annotations

import msgspec

from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import CATEGORIES, Latency, Window
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

WORDS_SHOWN = 5


class Counts(msgspec.Struct, frozen=True):
    """How the launched instances ended."""

    launched: int
    completed: int
    failed: int
    undecided: int
    by_category: dict[str, int]
    words: dict[str, int]

    @property
    def success_rate(self) -> float | None:
        ended = self.completed + self.failed
        return 100 * self.completed / ended if ended else None


def counts(recording: Recording) -> Counts:
    """Count ends as the client saw them, with the failure's category from the engine's books."""
    by_end = dict(
        recording.rows(
            "SELECT CASE WHEN ended = 'ok' THEN 'completed' "
            "WHEN ended = 'fail' OR info_reason = 'timeout' THEN 'failed' "
            "ELSE 'undecided' END AS how, count(*) FROM ops GROUP BY how"
        )
    )
    by_category = dict.fromkeys(CATEGORIES, 0)
    for category, number in recording.rows(
        "SELECT CASE WHEN o.info_reason = 'timeout' THEN 'timeout' "
        "WHEN o.fail_where = 'start' THEN 'client' "
        "WHEN e.category IN ('infrastructure', 'configuration', 'poison') THEN e.category "
        "ELSE 'application' END AS class, count(*) "
        "FROM ops o LEFT JOIN ends e USING (instance) "
        "WHERE o.ended = 'fail' OR o.info_reason = 'timeout' GROUP BY class"
    ):
        by_category[category] = number
    words = recording.rows(
        "SELECT coalesce(e.error, o.error) AS words, count(*) AS n FROM ops o "
        "LEFT JOIN ends e USING (instance) WHERE o.ended = 'fail' "
        f"GROUP BY words ORDER BY n DESC, words LIMIT {WORDS_SHOWN}"
    )
    return Counts(
        launched=recording.one("SELECT count(*) FROM ops"),
        completed=by_end.get("completed", 0),
        failed=by_end.get("failed", 0),
        undecided=by_end.get("undecided", 0),
        by_category=by_category,
        words={str(text): number for text, number in words},
    )


def window(recording: Recording) -> Window:
    """The measuring window and the durable ends inside it."""
    begin, end = recording.mark("window_begin"), recording.mark("window_end")
    if begin is None or end is None:
        return Window(begin, end, None, 0)
    completions = recording.one(
        "SELECT count(*) FROM ops o JOIN ends e USING (instance) "
        "WHERE o.ended = 'ok' AND e.ended_ms * 1000000 >= $begin AND e.ended_ms * 1000000 < $finish",
        begin=begin,
        finish=end,
    )
    return Window(begin, end, (end - begin) / NS_PER_SEC, completions)


def activities(recording: Recording, measured: Window) -> tuple[int, float | None]:
    """(activity executions that ended, over the cell; executions per second inside the window)."""
    total = recording.one("SELECT count(*) FROM effects WHERE phase = 'end'")
    if measured.secs is None:
        return total, None
    inside = recording.one(
        "SELECT count(*) FROM effects WHERE phase = 'end' AND at_ns >= $begin AND at_ns < $finish",
        begin=measured.begin_ns,
        finish=measured.end_ns,
    )
    return total, inside / measured.secs


def latency(recording: Recording, measured: Window, clock: str) -> Latency:
    """Latency from due to `durable` (the engine's timestamp), `seen` (the client's) or `begun`
    (the client's start call: the driver's lateness)."""
    ended = {
        "durable": f"e.ended_ms * {NS_PER_MS}",
        "seen": "o.seen_ns",
        "begun": "o.begun_ns",
    }[clock]
    wanted = "o.begun_ns IS NOT NULL" if clock == "begun" else "o.ended = 'ok'"
    if measured.begin_ns is None:
        return Latency()
    row = recording.rows(
        f"""
        SELECT count(*), avg(ms), quantile_disc(ms, 0.5), quantile_disc(ms, 0.95),
               quantile_disc(ms, 0.99), quantile_disc(ms, 0.999), max(ms)
        FROM (SELECT ({ended} - o.due_ns) / {NS_PER_MS}.0 AS ms
              FROM ops o LEFT JOIN ends e USING (instance)
              WHERE {wanted} AND o.due_ns >= $begin AND o.due_ns < $finish)
        WHERE ms IS NOT NULL
        """,
        begin=measured.begin_ns,
        finish=measured.end_ns if measured.end_ns is not None else 2**62,
    )[0]
    figures = [None if value is None else round(float(value), 3) for value in row[1:]]
    return Latency(row[0], *figures)


def time_per_completion_ms(recording: Recording, completed: int) -> float | None:
    """Run time, warm-up to drained, over completions: the harness's figure that this replaces."""
    begin, drained = recording.mark("begin"), recording.mark("drained")
    if begin is None or drained is None or not completed:
        return None
    return (drained - begin) / NS_PER_MS / completed


def cores_used(recording: Recording, measured: Window, *sources: str) -> float | None:
    """Cores that these sources kept busy over the window, summed; None without two samples each."""
    if measured.secs is None:
        return None
    rows = recording.rows(
        "SELECT source, (max(cpu_ns) - min(cpu_ns)) / (max(at_ns) - min(at_ns)) FROM samples "
        "WHERE cpu_ns IS NOT NULL AND at_ns BETWEEN $begin AND $finish "
        "AND list_contains($sources, source) GROUP BY source HAVING max(at_ns) > min(at_ns)",
        begin=measured.begin_ns,
        finish=measured.end_ns,
        sources=list(sources),
    )
    return sum(float(cores) for _, cores in rows) if rows else None
