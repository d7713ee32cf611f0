"""Parallel Orchestrations: fan out to N activities, wait for all, fan in.

start ──┬── activity 0 ──┬── [result 0, ..., result N-1]
        ├── activity 1 ──┤
        └── activity N-1 ┘
"""

from __future__ import annotations

from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Parallel, Program
from duroxide_stress.scenarios.tree import Settings, TreeScenario


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """`tasks_per_instance` activities of `activity_delay_ms` each."""
    config = cell.config
    step = Activity(config.activity_delay_ms)
    return {"parallel": Parallel((step,) * config.tasks_per_instance)}


SCENARIO = TreeScenario(
    name="parallel",
    title="Parallel Orchestrations",
    summary="Each orchestration fans out to N activities and waits for all to complete.",
    build=build,
)
