"""The spec's performance targets: parallel orchestrations on file-based SQLite.

Baseline 1/1 ≥ 10 orchestrations/s, optimised 2/2 ≥ 15, average latency below 200 ms (stress test
spec, Performance Targets). They are of a closed loop on one node that nobody strikes. A target that
arithmetic forbids at the cell's load is out of reach, not missed: with N in flight and at most X
completions a second, mean latency is at least N/X.
"""

from __future__ import annotations

from duroxide_stress.recording.records import CellHead
from duroxide_stress.result import Ceiling, TargetResult, TargetState

THROUGHPUT = {"1/1": 10.0, "2/2": 15.0}
LATENCY_MS = 200.0


def targets(
    head: CellHead,
    rate: float | None,
    mean_latency_ms: float | None,
    limit: Ceiling,
    *,
    trustworthy: bool,
) -> tuple[TargetResult, ...]:
    """The targets that apply to this cell, each with its state."""
    config = str(head.cell.config.concurrency)
    cell = head.cell
    disturbed = cell.faults or cell.config.nodes > 1 or cell.config.load != "closed"
    if cell.scenario != "parallel" or cell.provider != "sqlite-file" or disturbed:
        return ()
    top = limit.orchestrations_per_sec
    in_flight = head.cell.config.max_concurrent
    bound = THROUGHPUT.get(config, 0.0)
    reach_rate = (
        "" if top is None or top >= bound else (f"{limit.limit} allow at most {top:.1f} orch/s")
    )
    least_ms = None if top is None else in_flight * 1000 / top
    reach_latency = (
        ""
        if least_ms is None or least_ms < LATENCY_MS
        else (
            f"{in_flight} in flight at no more than {top:.1f} orch/s ({limit.limit}) take "
            f"{least_ms:,.0f} ms on average at the least"
        )
    )
    held = mean_latency_ms is not None and mean_latency_ms < LATENCY_MS
    latency = _state(
        "average latency", LATENCY_MS, mean_latency_ms, reach_latency, trustworthy, held
    )
    if config not in THROUGHPUT:
        return (latency,)
    held = rate is not None and rate >= bound
    return (_state("throughput", bound, rate, reach_rate, trustworthy, held), latency)


def _state(
    name: str, bound: float, value: float | None, unreachable: str, trusted: bool, held: bool
) -> TargetResult:
    state: TargetState = "met" if held else "missed"
    reason = ""
    if value is None:
        state, reason = "no_figure", "the cell gave no figure"
    elif not held and unreachable:
        state, reason = "out_of_reach", unreachable
    elif not trusted:
        state, reason = "untrusted", "the figure is not trustworthy, see health"
    return TargetResult(name, bound, value, state, reason)
