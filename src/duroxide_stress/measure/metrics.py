"""Counts, rates and latencies of one cell.

- Counts cover every instance the cell launched, warm-up and drain included: a wrong result in the
  warm-up is a wrong result.
- Rates count what happened inside the measuring window, over the window's length.
- Rates and latencies are the load's: canaries beside it are counted, and stand in a part of their own.
- Latency covers instances that were due inside the window, however late they ended, so that a stall
  at the end of the window cannot hide.
"""

from __future__ import annotations

import msgspec

from duroxide_stress.recording.records import CANARY
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import CATEGORIES, Latency, Part, Window
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

WORDS_SHOWN = 5
LOAD = f"o.part <> '{CANARY}'"
"""A condition that keeps the load's own instances, of the table `ops` as `o`."""


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
    """Count ends as the client saw them, with the failure's category from the engine's books.

    An instance that fails where its program plans a failure counts as completed.
    """
    by_end = dict(
        recording.rows(
            "SELECT CASE WHEN as_planned THEN 'completed' "
            "WHEN ended IN ('ok', 'fail') OR info_reason = 'timeout' THEN 'failed' "
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
        "WHERE (o.ended IN ('ok', 'fail') AND NOT o.as_planned) OR o.info_reason = 'timeout' "
        "GROUP BY class"
    ):
        by_category[category] = number
    words = recording.rows(
        "SELECT coalesce(e.error, o.error) AS words, count(*) AS n FROM ops o "
        "LEFT JOIN ends e USING (instance) WHERE o.ended = 'fail' AND NOT o.as_planned "
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
    measured = Window(begin, end, (end - begin) / NS_PER_SEC, 0)
    return msgspec.structs.replace(measured, completions=_completions(recording, measured))


def _completions(recording: Recording, measured: Window, part: str | None = None) -> int:
    found: int = recording.one(
        "SELECT count(*) FROM ops o JOIN ends e USING (instance) WHERE o.as_planned "
        f"AND e.ended_ms * 1000000 >= $begin AND e.ended_ms * 1000000 < $finish{_of(part)}",
        begin=measured.begin_ns,
        finish=measured.end_ns,
    )
    return found


def activities(recording: Recording, measured: Window) -> tuple[int, float | None]:
    """(activity executions that ended, over the cell; executions per second inside the window)."""
    total = recording.one("SELECT count(*) FROM effects WHERE phase <> 'begin'")
    if measured.secs is None:
        return total, None
    inside = recording.one(
        "SELECT count(*) FROM effects e LEFT JOIN ops o USING (instance) WHERE e.phase <> 'begin' "
        f"AND e.at_ns >= $begin AND e.at_ns < $finish AND coalesce({LOAD}, true)",
        begin=measured.begin_ns,
        finish=measured.end_ns,
    )
    return total, inside / measured.secs


def latency(recording: Recording, measured: Window, clock: str, part: str | None = None) -> Latency:
    """The distribution of `latencies`; none when the window never began."""
    if measured.begin_ns is None:
        return Latency()
    return distribution(recording, latencies(clock, part), NS_PER_MS, **due_within(measured))


def latencies(clock: str, part: str | None = None) -> str:
    """A query of latencies in ns as the column `v`, from due to `durable` (the engine's timestamp),
    `seen` (the client's) or `begun` (the client's start call: the driver's lateness). Null where one
    never came. `due_within` gives its parameters."""
    ended = {
        "durable": f"e.ended_ms * {NS_PER_MS}",
        "seen": "o.seen_ns",
        "begun": "o.begun_ns",
    }[clock]
    wanted = "o.begun_ns IS NOT NULL" if clock == "begun" else "o.as_planned"
    return (
        f"SELECT {ended} - o.due_ns AS v "
        f"FROM ops o LEFT JOIN ends e USING (instance) WHERE {wanted} "
        f"AND o.due_ns >= $begin AND o.due_ns < $finish{_of(part)}"
    )


def due_within(measured: Window) -> dict[str, int]:
    """The parameters of `latencies`; the window must have begun."""
    if measured.begin_ns is None:
        raise ValueError("the window never began")
    finish = measured.end_ns if measured.end_ns is not None else 2**62
    return {"begin": measured.begin_ns, "finish": finish}


def distribution(
    recording: Recording, values: str, scale: int = 1, **parameters: object
) -> Latency:
    """Mean, nearest-rank percentiles and maximum of the column `v` of a query, over `scale`.

    Nulls are left out. `v` holds whole numbers, so that the sum is exact: a sum of fractions would
    depend on the order in which the rows come.
    """
    count, total, *ranks = recording.rows(
        "SELECT count(*), sum(v)::HUGEINT, quantile_disc(v, 0.5), quantile_disc(v, 0.95), "
        "quantile_disc(v, 0.99), quantile_disc(v, 0.999), max(v) "
        f"FROM (SELECT v::BIGINT AS v FROM ({values})) WHERE v IS NOT NULL",
        **parameters,
    )[0]
    if not count:
        return Latency()
    return Latency(count, *(round(value / scale, 3) for value in (total / count, *ranks)))


def parts(recording: Recording, measured: Window) -> tuple[Part, ...]:
    """The figures of each part of a mixed workload; nothing where there is only one."""
    names = [name for (name,) in recording.rows("SELECT DISTINCT part FROM ops ORDER BY part")]
    if len(names) < 2:
        return ()
    return tuple(_part(recording, measured, name) for name in names)


def _part(recording: Recording, measured: Window, name: str) -> Part:
    launched, completed, failed = recording.rows(
        "SELECT count(*), count(*) FILTER (WHERE as_planned), count(*) FILTER (WHERE "
        "(ended IN ('ok', 'fail') AND NOT as_planned) OR info_reason = 'timeout') "
        "FROM ops WHERE part = $part",
        part=name,
    )[0]
    inside = _completions(recording, measured, name)
    return Part(
        name=name,
        launched=launched,
        completed=completed,
        failed=failed,
        orchestrations_per_sec=None if measured.secs is None else inside / measured.secs,
        latency_ms=latency(recording, measured, "durable", name),
    )


def _of(part: str | None) -> str:
    """A condition that keeps one part, or the load; names are ours, letters and hyphens."""
    return f" AND {LOAD}" if part is None else f" AND o.part = '{part}'"


def time_per_completion_ms(recording: Recording) -> float | None:
    """Run time, warm-up to drained, over completions: the harness's figure that this replaces."""
    begin, drained = recording.mark("begin"), recording.mark("drained")
    completed = recording.one(f"SELECT count(*) FROM ops o WHERE o.as_planned AND {LOAD}")
    if begin is None or drained is None or not completed:
        return None
    return (drained - begin) / NS_PER_MS / int(completed)


PROCESSES = """
SELECT source, node, max(at_ns) AS last_ns, min(at_ns) AS first_ns,
       max(cpu_ns) - CASE WHEN max(born_ns) IS NULL THEN min(cpu_ns) ELSE 0 END AS cpu_ns
FROM samples LEFT JOIN (
  SELECT 'engine' AS source, node, min(at_ns) AS born_ns FROM nodes WHERE what = 'starting'
  GROUP BY node HAVING born_ns BETWEEN $begin AND $finish) USING (source, node)
WHERE cpu_ns IS NOT NULL AND at_ns BETWEEN $begin AND $finish
  AND list_contains($sources, source) GROUP BY source, node
"""
"""One row a process: the CPU time it used within the window, and when it was first and last seen there.
A process counts its time from its own start, so one that started inside the window used all of it."""


def cores_used(recording: Recording, measured: Window, *sources: str) -> float | None:
    """Cores that these sources kept busy over the window, summed; None without two samples each.

    Of several processes of one source each used its own time, within the time in which any was seen.
    What a process used after it was last seen, a quarter of a second at most, is lost when it dies.
    """
    if measured.secs is None:
        return None
    rows = recording.rows(
        "SELECT source, sum(cpu_ns) / (max(last_ns) - min(first_ns)) "
        f"FROM ({PROCESSES}) GROUP BY source HAVING max(last_ns) > min(first_ns) ORDER BY source",
        begin=measured.begin_ns,
        finish=measured.end_ns,
        sources=list(sources),
    )
    return sum(float(cores) for _, cores in rows) if rows else None
