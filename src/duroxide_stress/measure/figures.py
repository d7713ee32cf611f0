"""A scenario's own figures, each from the evidence it leaves: what left none gives none.

- timer lateness: fired minus due, both by the engine's clock, of timers that fired in the window
- generations: executions of continuing instances that ended in the window, their rate, the time each
  took from first to last event, and how many events its history has
- sub-orchestrations: children that ended in the window, their rate, and their duration
- pause at the hand-over: of instances alive when a node was replaced, from their last event before the
  old node was told to stop to their first one after that
- failed attempts: activity executions that failed by plan in the window
"""

from __future__ import annotations

from duroxide_stress.measure.metrics import distribution
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
    ]  # fmt: skip
    return tuple(figure for figure in found if figure is not None)


def _inside(moment_ns: str, measured: Window) -> str:
    """A condition that the moment lies in the window, its end excluded as for all rates."""
    return f"{moment_ns} >= {measured.begin_ns} AND {moment_ns} < {measured.end_ns}"


def _rate(recording: Recording, name: str, secs: float, rows: str) -> Figure | None:
    count = recording.one(f"SELECT count(*) FROM ({rows})")
    return Figure(name, "/s", count, value=count / secs) if count else None


def _spread(recording: Recording, name: str, unit: str, values: str) -> Figure | None:
    spread = distribution(recording, values)
    return Figure(name, unit, spread.samples, spread=spread) if spread.samples else None
