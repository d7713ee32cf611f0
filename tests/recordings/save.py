"""Writes `saved/`: a small recording of every scenario, and what its judgement must say.

`python -m recordings.save` from `tests/` (or `make recordings`) renews the recordings of the reference
engine and every `expected.json`; `--real` also records the released engine anew. Read the difference
before you keep it: it is what a user's old recording would be judged to be now.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.judge import judge_run
from duroxide_stress.plan import Cell, Plan
from duroxide_stress.recording.store import write_json
from recordings.make import make_run, small_cell

SAVED = Path(__file__).parent / "saved"
MAX_INSTANCES = 6
TINY: dict[str, Any] = {"duration_secs": 0.1, "warmup_secs": 0, "max_concurrent": MAX_INSTANCES}
CELLS: dict[str, Cell] = {
    cell.scenario: cell
    for cell in (
        small_cell("parallel", **{**TINY, "max_concurrent": 5, "activity_delay_ms": 40}),
        small_cell("timers", {"count": 2, "herd": 2}, **TINY),
        small_cell("long-running", {"generations": 3, "period_ms": 20}, **TINY),
        small_cell("sub-orchestrations", {"width": 2, "depth": 2}, **TINY),
        small_cell("large-payload", {"max_kb": 1}, **{**TINY, "activity_delay_ms": 20}),
        small_cell("events", {"every_ms": 50}, **{**TINY, "max_concurrent": 2}),
        small_cell("failures", {"fails": 1}, **{**TINY, "max_concurrent": 4}),
        small_cell("cancellation", {"within_ms": 400}, **{**TINY, "max_concurrent": 3}),
        small_cell("races", **{**TINY, "max_concurrent": 3}),
        small_cell(
            "versions",
            {"turns": 3, "pause_ms": 90},
            **{**TINY, "duration_secs": 0.5, "max_concurrent": 3},
        ),
        msgspec.structs.replace(
            small_cell("mixed", **{**TINY, "max_concurrent": 5, "activity_delay_ms": 50}),
            options={"mixed": {"parallel": 1, "timers": 1, "events": 1}},
        ),
    )
}
KEPT = (
    "verdict",
    "launched",
    "completed",
    "failed",
    "undecided",
    "failed_by_category",
    "activities_executed",
    "orchestrations_per_sec",
    "latency_ms",
    "figures",
    "parts",
)
"""Fields of a cell's judgement that are expected to stay."""
REAL = "parallel-duroxide"
BLOCKED = "cancellation-blocked"
"""Duroxide 0.2.2 on a file: a cancel for a child that was never started blocks its queue. Made by
chance, so it is not made anew."""


def expectation(run: Path) -> dict[str, Any]:
    """What is held against `expected.json`: verdict, counts, figures and checks of the one cell."""
    (cell,) = judge_run(run).cells
    built = msgspec.to_builtins(cell)
    checks = {
        check["name"]: {key: check[key] for key in ("verdict", "asked", "seen", "found")}
        for check in built["checks"]
    }
    return {**{key: built[key] for key in KEPT}, "checks": checks}


def record(name: str, cell: Cell) -> None:
    """Put a cell's recording on the reference engine in place of the old one."""
    shutil.rmtree(SAVED / name, ignore_errors=True)
    make_run(SAVED / name, cell)


def record_real() -> None:
    """The same for the released engine, without a word about the machine it ran on."""
    from duroxide_stress import run_stress_test

    config = msgspec.structs.replace(
        CELLS["parallel"].config, orch_concurrency=1, worker_concurrency=1, poll_interval_ms=10
    )
    cell = Cell("parallel", "sqlite-file", config)
    run = SAVED / REAL
    shutil.rmtree(run, ignore_errors=True)
    run_stress_test(Plan("saved", (cell,), "duroxide-stress run --seed 1"), out=run)
    strip(run)


def strip(run: Path) -> None:
    """Leave nothing but records, and no word about the machine."""
    for path in (run / "result.json", *run.glob("*/*.log")):
        path.unlink()
    head = json.loads((run / "plan.json").read_bytes())
    write_json(run / "plan.json", {**head, "environment": {"host": "saved", "cpus": 2}})


def main(*words: str) -> None:
    """Renew what was asked for, then every expectation."""
    for name, cell in CELLS.items():
        record(name, cell)
    if "--real" in words:
        record_real()
    for run in sorted(path for path in SAVED.iterdir() if path.is_dir()):
        write_json(run / "expected.json", expectation(run))


if __name__ == "__main__":
    main(*sys.argv[1:])
