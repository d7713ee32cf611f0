"""Are the percentiles true when the engine stalls? The experiment of coordinated omission.

The reference engine serves 2,000 instances a second, each in the same few ms, and then stands still for
1.4 s within a window of 30 s, in virtual time. What users feel is arithmetic: an instance that was due t
seconds into the stall waits 1.4 - t seconds and is served, one that was in flight waits all of it. So
the percentiles are known, and the reported ones are held against them. The naive figure beside them is
what a closed loop reports: its clients wait during the stall, so nobody is due who could feel it.

    python benchmarks/fidelity.py

Exit code 1 when a percentile is off by more than 1 %.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

from duroxide_stress.engines.reference.engine import ReferenceEngine
from duroxide_stress.engines.reference.session import CALL_NS
from duroxide_stress.engines.reference.world import TURN_NS, World
from duroxide_stress.judge import judge_cell
from duroxide_stress.plan import Cell, Plan, StressTestConfig
from duroxide_stress.recording.records import FORMAT, RunHead
from duroxide_stress.recording.store import read_run, write_json
from duroxide_stress.result import CellResult
from duroxide_stress.selftest.recorder import record_cell
from duroxide_stress.selftest.struck import Strike, Struck
from duroxide_stress.units import NS_PER_MS

RATE, WINDOW_SECS, STALL_SECS, STALL_AT_SECS = 2_000, 30.0, 1.4, 10.0
SERVICE_MS = 20
SERVED_MS = CALL_NS / NS_PER_MS + 2 * TURN_NS / NS_PER_MS + SERVICE_MS
"""What the reference engine needs for one: the start call, two turns, the activity."""
WITHIN = 0.01
CLIENTS = 48
"""A closed loop of so many has some 2,000 instances a second of 24 ms each."""


def measured(config: StressTestConfig) -> CellResult:
    """One cell through the harness: driver, recording, tables, percentiles."""
    with tempfile.TemporaryDirectory() as home:
        run = Path(home)
        cell = Cell("parallel", "reference", config)
        plan = Plan("fidelity", (cell,), "python benchmarks/fidelity.py")
        write_json(run / "plan.json", RunHead(FORMAT, plan, {}, 0))
        strikes = (Strike("pause", STALL_AT_SECS, STALL_SECS),)
        engine: ReferenceEngine = Struck(strikes, World)
        record_cell(run, cell, engine)
        return judge_cell(run, cell, read_run(run))


def truth(share: float) -> float:
    """The percentile by arithmetic, nearest rank. Those due in the stall wait for what is left of it,
    those in flight when it begins for all of it; all others are served at once."""
    total = round(RATE * WINDOW_SECS)
    struck = round(RATE * (STALL_SECS + SERVED_MS / 1000))
    place = math.ceil(share * total) - (total - struck)  # from 1: the shortest of the struck
    waited_ms = min(max(place, 0) * 1000 / RATE, STALL_SECS * 1000)
    return SERVED_MS + waited_ms


def main() -> int:
    """Print truth, reported and naive percentiles, and say whether the reported ones are true."""
    base = StressTestConfig(
        duration_secs=WINDOW_SECS, warmup_secs=1, tasks_per_instance=1,
        activity_delay_ms=SERVICE_MS, orch_concurrency=1_000, worker_concurrency=1_000,
        worker_lock_timeout_ms=3_600_000, orchestrator_lock_timeout_ms=3_600_000,
    )  # fmt: skip
    import msgspec

    opened = measured(
        msgspec.structs.replace(base, load=f"constant:{RATE}/s", max_concurrent=100_000)
    )
    closed = measured(msgspec.structs.replace(base, max_concurrent=CLIENTS))
    print(
        f"{RATE} instances/s for {WINDOW_SECS:g} s, a stall of {STALL_SECS:g} s; ms from due to end"
    )
    print(f"{'':8}{'truth':>10}{'reported':>10}{'off':>8}{'naive':>10}")
    wrong = 0
    for name, share in (("P50", 0.5), ("P95", 0.95), ("P99", 0.99), ("P99.9", 0.999)):
        field = {"P99.9": "p999"}.get(name, name.lower())
        right = truth(share)
        told = getattr(opened.latency_ms, field) or math.nan
        naive = getattr(closed.latency_ms, field) or math.nan
        off = told / right - 1
        wrong += not abs(off) <= WITHIN
        print(f"{name:8}{right:10.1f}{told:10.1f}{off:8.2%}{naive:10.1f}")
    print(
        f"open loop: {opened.offered.started} started of {RATE * WINDOW_SECS:.0f} wanted, "
        f"{opened.offered.dropped} dropped; closed loop of {CLIENTS}: "
        f"{closed.orchestrations_per_sec or 0:,.0f} instances/s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
