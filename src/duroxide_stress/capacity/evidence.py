"""From a step's recording and its judgement to what the search needs to know."""

from __future__ import annotations

import math
from bisect import bisect_right
from pathlib import Path

import msgspec

from duroxide_stress.capacity.steps import Seen
from duroxide_stress.measure.metrics import LOAD
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import CellResult
from duroxide_stress.units import NS_PER_MS
from duroxide_stress.verdict import Verdict

MOMENTS = 40
"""How often within the window the instances in flight are counted."""
NOTHING = Seen(0.0, (), 0, 0, 0, 0, 0)


def broken_promises(cell: CellResult, success: float) -> tuple[str, ...]:
    """Checks that were violated. Failures that the objective allows are no violation here."""
    if cell.verdict is not Verdict.VIOLATED:
        return ()
    names = [check.name for check in cell.checks if check.verdict is Verdict.VIOLATED]
    if not names:
        return cell.reasons[:1]
    allowed = cell.success_rate is not None and success <= cell.success_rate < 100
    return tuple(name for name in names if not (allowed and name == "success"))


def evidence(directory: Path, cell: CellResult, success: float, spent_secs: float) -> Seen:
    """What a step's cell showed. `directory` is the cell's."""
    if cell.window.begin_ns is None or cell.window.end_ns is None:
        why = cell.reasons[0] if cell.reasons else "its window never closed"
        return msgspec.structs.replace(NOTHING, unproven=why, spent_secs=spent_secs)
    recording = Recording(directory)
    try:
        end = recording.end
        cut = end is None or end.ended != "finished"
        begin, finish = cell.window.begin_ns, cell.window.end_ns
        rows = recording.rows(
            "SELECT o.due_ns, o.begun_ns, e.ended_ms, o.as_planned FROM ops o "
            f"LEFT JOIN ends e USING (instance) WHERE {LOAD}"
        )
    finally:
        recording.close()
    latencies = sorted(
        (ended * NS_PER_MS - due) / NS_PER_MS if planned and ended is not None else math.inf
        for due, _, ended, planned in rows
        if begin <= due < finish
    )
    return Seen(
        secs=cell.window.secs or 0.0,
        latencies_ms=tuple(latencies),
        started=cell.offered.started,
        completed=cell.window.completions,
        dropped=cell.offered.dropped,
        succeeded=cell.completed,
        failed=cell.failed,
        in_flight=_in_flight(rows, begin, finish),
        broken=broken_promises(cell, success),
        unproven=end.reason if cut and end is not None else "",
        spent_secs=spent_secs,
    )


def _in_flight(
    rows: list[tuple[int, int | None, int | None, bool]], begin: int, finish: int
) -> tuple[int, ...]:
    begun = sorted(row[1] for row in rows if row[1] is not None)
    ended = sorted(row[2] * NS_PER_MS for row in rows if row[1] is not None and row[2] is not None)
    moments = [begin + (finish - begin) * n // MOMENTS for n in range(1, MOMENTS + 1)]
    return tuple(bisect_right(begun, at) - bisect_right(ended, at) for at in moments)
