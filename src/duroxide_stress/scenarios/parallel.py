"""Parallel Orchestrations: fan out to N activities, wait for all, fan in.

start ──┬── activity 0 ──┬── [result 0, ..., result N-1]
        ├── activity 1 ──┤
        └── activity N-1 ┘
"""

from __future__ import annotations

import msgspec

from duroxide_stress.oracle import expect
from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Parallel, Step
from duroxide_stress.scenarios.base import Order
from duroxide_stress.seeds import stream

INPUT_CLASSES = 16
"""How many different inputs a cell uses: few enough that each is given to several instances, which
is what lets the determinism check compare."""


class ParallelWorkload(msgspec.Struct, frozen=True):
    """Every instance runs the same fan-out over one of a few inputs."""

    program: Parallel
    prefix: str
    values: tuple[int, ...]

    @property
    def programs(self) -> dict[str, Step]:
        return {"parallel": self.program}

    def order(self, op: int) -> Order:
        group = op % len(self.values)
        instance = f"{self.prefix}-{op:07d}"
        value = self.values[group]
        return Order(
            op=op,
            instance=instance,
            orchestration="parallel",
            input=value,
            expect=expect(self.program, instance, value, alike=f"parallel:{group}"),
        )


class ParallelScenario:
    """The spec's current scenario."""

    name = "parallel"
    title = "Parallel Orchestrations"
    summary = "Each orchestration fans out to N activities and waits for all to complete."

    def workload(self, cell: Cell) -> ParallelWorkload:
        config = cell.config
        rng = stream(config.seed, cell.key, "inputs")
        return ParallelWorkload(
            program=Parallel((Activity(config.activity_delay_ms),) * config.tasks_per_instance),
            prefix=f"par-{rng.randrange(16**8):08x}",
            values=tuple(rng.randrange(2**31) for _ in range(INPUT_CLASSES)),
        )
