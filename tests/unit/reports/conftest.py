"""Results to be shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from duroxide_stress.judge import judge_run
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.result import (
    Ceiling,
    CellResult,
    Figure,
    Latency,
    Memory,
    Part,
    RunResult,
    TargetResult,
)

MakeCell = Callable[..., CellResult]
replace = msgspec.structs.replace


@pytest.fixture(scope="session")
def clean(pristine: Path) -> RunResult:
    """The judgement of the clean recording."""
    return judge_run(pristine)


@pytest.fixture
def make_cell(clean: RunResult) -> MakeCell:
    """A clean cell with some of its fields changed."""
    return lambda **fields: replace(clean.cells[0], **fields)


@pytest.fixture
def standard(clean: RunResult, make_cell: MakeCell) -> RunResult:
    """A result as the standard suite gives it: two stores at two configurations, wide figures."""
    cells = []
    for provider, label in (("sqlite-memory", "In-Memory SQLite"), ("sqlite-file", "File SQLite")):
        for n in (1, 2):
            cells.append(make_cell(provider=provider, provider_label=label, **_figures(n)))
    return replace(clean, cells=tuple(cells))


@pytest.fixture
def several(standard: RunResult) -> RunResult:
    """A result of three scenarios on two stores, with parts and figures of their own."""
    spread = Latency(1790, 1040.4, 1039.6, 1101.2, 1204.9, 1300.0, 1400.0)
    parts = (
        Part("parallel", 17_901, 17_900, 1, 1234.5678, spread),
        Part("sub-orchestrations", 17, 17, 0, None, Latency()),
    )
    figures = (
        Figure("timer lateness", "ms", 17_901, spread=spread),
        Figure("time per sub-orchestration", "ms", 17_901, spread=spread),
        Figure("history of a generation", "events", 24, spread=Latency(24, *[1234.0] * 6)),
        Figure("generations", "/s", 24, value=1234.5678),
    )
    scenarios = {
        "parallel": {"title": "Parallel Orchestrations"},
        "timers": {"title": "Timer-Based Orchestrations", "figures": figures},
        "mixed": {"title": "Mixed Workloads", "parts": parts, "figures": figures[1:]},
    }
    cells = [
        replace(cell, scenario=name, targets=(), **fields)
        for name, fields in scenarios.items()
        for cell in (standard.cells[0], standard.cells[2])
    ]
    return replace(standard, cells=tuple(cells))


def _figures(n: int) -> dict[str, Any]:
    latency = Latency(1790, 1040.4 / n, 1039.6 / n, 1101.2, 1204.9, 1300.0, 1400.0)
    return {
        "config": f"{n}/{n}",
        "settings": StressTestConfig(orch_concurrency=n, worker_concurrency=n),
        "completed": 17_901 * n,
        "failed": 0,
        "orchestrations_per_sec": 1234.5678 * n,
        "activities_per_sec": 6172.839 * n,
        "latency_ms": latency,
        "time_per_completion_ms": 51.25 / n,
        "ceiling": Ceiling(20.0 * n, "activity workers", 0.914, "activity workers"),
        "memory_mb": Memory(1042.4, 37.0, None),
        "cpu_cores": 1.25,
        "targets": (
            TargetResult("throughput", 10.0, 18.25, "met"),
            TargetResult("average latency", 200.0, 1040.4, "out_of_reach", "N/X says so"),
        ),
    }
