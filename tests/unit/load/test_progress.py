"""The latency of the last completions, as displays show it: never judged, never heavy."""

from __future__ import annotations

import math

import msgspec

from duroxide_stress.load.progress import RECENT, Recent
from duroxide_stress.recording.records import CANARY, Invoke, Ok
from duroxide_stress.scenarios.registry import scenario_named
from duroxide_stress.units import NS_PER_MS

from ..virtual import cell, run_cell

CELL = cell()
WORKLOAD = scenario_named(CELL.scenario).workload(CELL)


def test_the_latency_told_is_that_of_the_recording() -> None:
    """From due to the end that the client saw, nearest-rank, of all as long as they are few."""
    run = run_cell(cell(max_concurrent=3, activity_delay_ms=37, duration_secs=2))
    due = {op.op: op.due_ns for op in run.ops.of(Invoke)}
    last = run.told[-1]
    ended = run.ops.of(Ok)[: last.completed]
    assert 10 < len(ended) < RECENT
    seen = sorted((ok.at_ns - due[ok.op]) / NS_PER_MS for ok in ended)
    assert len(set(seen)) > 3
    assert last.latency_p50_ms == seen[math.ceil(0.5 * len(seen)) - 1]
    assert last.latency_p99_ms == seen[math.ceil(0.99 * len(seen)) - 1]
    assert run.told[0].latency_p50_ms is None or run.told[0].completed > 0


def test_only_the_last_count() -> None:
    """An early outlier is forgotten, and memory does not grow."""
    recent = Recent()
    for op in range(RECENT + 1):
        recent.began(WORKLOAD.order(op), 0)
        recent.completed(op, 10**9 * NS_PER_MS if op == 0 else 7 * NS_PER_MS)
    assert recent.percentiles_ms() == (7, 7)
    assert not recent._due_ns


def test_what_did_not_complete_has_no_latency() -> None:
    """Given up, refused, or a canary beside the load."""
    recent = Recent()
    order = WORKLOAD.order(0)
    recent.began(order, 0)
    recent.forget(0)
    recent.completed(0, 5)
    recent.began(msgspec.structs.replace(order, op=1, part=CANARY), 0)
    recent.completed(1, 5)
    recent.forget(2)
    assert recent.percentiles_ms() == (None, None)
    assert not recent._due_ns
