"""A scenario's own figures, each from the evidence it leaves: what left none gives none.

- timer lateness: fired minus due, both by the engine's clock, of timers that fired in the window
- generations: executions of continuing instances that ended in the window, their rate, the time each
  took from first to last event, and how many events its history has
- sub-orchestrations: children that ended in the window, their rate, and their duration
- pause at the hand-over: of instances alive when a node was replaced, from their last event before the
  old node was told to stop to their first one after that
- failed attempts: activity executions that failed by plan in the window
- races: those won in the window, their rate; the time from the win to the cancel request for the loser;
  of the lost activities the share that ran to the end all the same, and how long after that request
"""

from __future__ import annotations

from duroxide_stress.measure.metrics import distribution
from duroxide_stress.recording.races import tabulate_races
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Figure, Window
from duroxide_stress.units import NS_PER_MS

EXECUTIONS = """
WITH spans AS (
  SELECT h.instance, h.execution, min(h.ts_ms) AS begun_ms, max(h.ts_ms) AS ended_ms,
         count(*) AS events, count(*) OVER (PARTITION BY h.instance) AS executions
  FROM history h GROUP BY h.instance, h.execution)
SELECT s.*, x.parent
FROM spans s JOIN executions x USING (instance, execution)
WHERE x.status NOT IN ('Running', 'NotStarted')
"""
HAND_OVERS = f"""
SELECT min(ts_ms) FILTER (WHERE ts_ms >= told_ms) - max(ts_ms) FILTER (WHERE ts_ms < told_ms) AS v
FROM history, (SELECT at_ns // {NS_PER_MS} AS told_ms FROM nodes WHERE what = 'stopping')
GROUP BY instance HAVING v IS NOT NULL
"""

LOST = """
SELECT r.instance, r.cancel_ms, min(f.at_ns // 1000000) AS ran_until_ms
FROM won_races r LEFT JOIN effects f
  ON f.token = TRY(r.lost_data ->> '$.input.token') AND f.phase = 'end'
WHERE r.lost_kind = 'ActivityScheduled' AND r.cancel IS NOT NULL AND r.lost_done IS NULL
GROUP BY r.instance, r.race, r.cancel_ms
"""


def figures(recording: Recording, measured: Window) -> tuple[Figure, ...]:
    """Every figure that this recording has evidence for."""
    if measured.secs is None or measured.begin_ns is None or measured.end_ns is None:
        return ()
    recording.db.execute(f"CREATE OR REPLACE TEMP TABLE spans AS {EXECUTIONS}")
    ended = _inside("ended_ms * 1000000", measured)
    found = [
        _spread(recording, "timer lateness", "ms",
                f"SELECT late_ms AS v FROM timers WHERE {_inside('ts_ms * 1000000', measured)}"),
        _rate(recording, "generations", measured.secs,
              f"SELECT 1 FROM spans WHERE executions > 1 AND {ended}"),
        _spread(recording, "time per generation", "ms",
                "SELECT ended_ms - begun_ms AS v FROM spans "
                f"WHERE executions > 1 AND {ended}"),
        _spread(recording, "history of a generation", "events",
                f"SELECT events AS v FROM spans WHERE executions > 1 AND {ended}"),
        _rate(recording, "sub-orchestrations", measured.secs,
              f"SELECT 1 FROM spans WHERE parent IS NOT NULL AND {ended}"),
        _spread(recording, "time per sub-orchestration", "ms",
                "SELECT ended_ms - begun_ms AS v FROM spans "
                f"WHERE parent IS NOT NULL AND {ended}"),
        _spread(recording, "pause at the hand-over", "ms", HAND_OVERS),
        _rate(recording, "failed attempts", measured.secs,
              "SELECT 1 FROM effects WHERE phase = 'failed' "
              f"AND {_inside('at_ns', measured)}"),
        *_races(recording, measured, measured.secs),
    ]  # fmt: skip
    return tuple(figure for figure in found if figure is not None)


def _races(recording: Recording, measured: Window, secs: float) -> list[Figure | None]:
    """A loser that completed before its cancel was seen to is not among the lost activities."""
    tabulate_races(recording)
    recording.db.execute(
        "CREATE OR REPLACE TEMP TABLE won_races AS SELECT * FROM races "
        f"WHERE won IS NOT NULL AND {_inside('won_ms * 1000000', measured)}"
    )
    recording.db.execute(f"CREATE OR REPLACE TEMP TABLE lost_activities AS {LOST}")
    return [
        _rate(recording, "races", secs, "SELECT 1 FROM won_races"),
        _spread(recording, "win to cancel of the loser", "ms",
                "SELECT cancel_ms - won_ms AS v FROM won_races WHERE cancel IS NOT NULL"),
        _share(recording, "lost activities run to the end",
               "SELECT ran_until_ms IS NOT NULL FROM lost_activities"),
        _spread(recording, "run of a lost activity after its cancel", "ms",
                "SELECT greatest(ran_until_ms - cancel_ms, 0) AS v FROM lost_activities "
                "WHERE ran_until_ms IS NOT NULL"),
    ]  # fmt: skip


def _inside(moment_ns: str, measured: Window) -> str:
    """A condition that the moment lies in the window, its end excluded as for all rates."""
    return f"{moment_ns} >= {measured.begin_ns} AND {moment_ns} < {measured.end_ns}"


def _rate(recording: Recording, name: str, secs: float, rows: str) -> Figure | None:
    count = recording.one(f"SELECT count(*) FROM ({rows})")
    return Figure(name, "/s", count, value=count / secs) if count else None


def _spread(recording: Recording, name: str, unit: str, values: str) -> Figure | None:
    spread = distribution(recording, values)
    return Figure(name, unit, spread.samples, spread=spread) if spread.samples else None


def _share(recording: Recording, name: str, rows: str) -> Figure | None:
    """Of how many things, in percent, one column of truth values is true."""
    ((count, true),) = recording.rows(
        f"SELECT count(*), count(*) FILTER (WHERE x) FROM ({rows}) t(x)"
    )
    return Figure(name, "%", count, value=true / count * 100) if count else None
