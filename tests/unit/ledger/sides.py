"""Runs to compare: on the reference engine, and on one whose activities take a fifth longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.engines.reference.engine import ReferenceEngine
from duroxide_stress.engines.reference.workers import Job, Workers
from duroxide_stress.engines.reference.world import World
from duroxide_stress.judge import judge_run, save_result
from duroxide_stress.ledger.compare import Wanted, compare
from duroxide_stress.ledger.compare_result import Change, Comparison
from duroxide_stress.ledger.compare_sources import CellSample, Source, read_source
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.recording.store import read_run
from duroxide_stress.selftest.recorder import record_cell
from recordings.make import make_run

LOAD: dict[str, Any] = {"duration_secs": 8, "warmup_secs": 1, "max_concurrent": 4}
MACHINE = {
    "host": "here",
    "machine": "x86_64",
    "cpus": 4,
    "memory_bytes": 2**33,
    "python": "3.11.1",
}


class SlowWorkers(Workers):
    """Every activity takes a fifth longer."""

    def _begin(self, job: Job) -> None:
        longer = {**job.given, "delay_ms": int(job.given["delay_ms"]) * 6 // 5}
        super()._begin(msgspec.structs.replace(job, given=longer))


class SlowWorld(World):
    """The reference engine, slowed down."""

    crew = SlowWorkers


def load_cell(scenario: str = "parallel", **config: Any) -> Cell:
    """A cell long enough for blocks of time."""
    return Cell(scenario, "reference", StressTestConfig(**{**LOAD, **config}))


def slow_run(run: Path, cell: Cell) -> Path:
    """What `make_run` makes, by the slower engine."""
    made = make_run(run)
    head = read_run(made)
    plan = msgspec.structs.replace(head.plan, cells=(cell,))
    head = msgspec.structs.replace(head, plan=plan)
    (run / "plan.json").write_bytes(msgspec.json.encode(head))
    record_cell(run, cell, ReferenceEngine(SlowWorld))
    return run


def judged_source(run: Path, name: str | None = None) -> Source:
    """A recording as a side."""
    save_result(run, judge_run(run))
    return msgspec.structs.replace(read_source(str(run)), name=name or run.name)


def altered(sample: CellSample, scale: float = 1.0, **fields: Any) -> CellSample:
    """A run as if it had been made on a real engine at another time: its figures times `scale`. It has
    no recording, unless it is given one, which takes a while to read."""
    cell = sample.result
    stretched = {
        name: value * scale
        for name in ("mean", "p50", "p95", "p99")
        if (value := getattr(cell.latency_ms, name)) is not None
    }
    assert cell.orchestrations_per_sec is not None
    result = msgspec.structs.replace(
        cell,
        engine=fields.pop("engine", "duroxide 0"),
        orchestrations_per_sec=cell.orchestrations_per_sec / scale,
        latency_ms=msgspec.structs.replace(cell.latency_ms, **stretched),
        **{k: fields.pop(k) for k in list(fields) if k in type(cell).__struct_fields__},
    )
    given = {"environment": MACHINE, "directory": None, **fields}
    return msgspec.structs.replace(sample, result=result, **given)


def recorded(sample: CellSample, scale: float = 1.0, **fields: Any) -> CellSample:
    """The same with its recording, so that a single run has an interval."""
    return altered(sample, scale, directory=sample.directory, **fields)


def changes(base: Source, candidate: Source, **wanted: Any) -> dict[str, Change]:
    """The changes of the only cell, by metric."""
    (cell,) = compared(base, candidate, **wanted).cells
    return {change.metric: change for change in cell.changes}


def compared(base: Source, candidate: Source, **wanted: Any) -> Comparison:
    """The whole comparison."""
    return compare(base, candidate, Wanted(**wanted))
