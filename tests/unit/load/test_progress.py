"""The latency of the last completions, as displays show it: never judged, never heavy."""

from __future__ import annotations

import math

from duroxide_stress.load.progress import RECENT, Recent
from duroxide_stress.recording.records import Invoke, Ok
from duroxide_stress.scenarios.canary import WithCanaries
from duroxide_stress.scenarios.registry import scenario_named
from duroxide_stress.units import NS_PER_MS

from ..virtual import cell, run_cell


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
    assert recent.percentiles_ms() == (None, None)
    for op in range(RECENT + 1):
        recent.add(10**9 * NS_PER_MS if op == 0 else 7 * NS_PER_MS)
    assert recent.percentiles_ms() == (7, 7)


def test_canaries_beside_the_load_do_not_count() -> None:
    """They are quicker, and there are many of them."""
    of = cell(
        max_concurrent=3, activity_delay_ms=400, duration_secs=2, canary_every_ms=20,
        worker_concurrency=50,
    )  # fmt: skip
    work = WithCanaries(scenario_named(of.scenario).workload(of), of)
    told = run_cell(of, work).told[-1]
    assert told.completed > 10
    assert told.latency_p50_ms is not None
    assert told.latency_p50_ms >= 400
