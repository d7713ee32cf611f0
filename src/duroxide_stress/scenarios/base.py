"""The contract of a scenario: programs to register, and an endless supply of instances to start."""

from __future__ import annotations

from typing import Protocol

import msgspec

from duroxide_stress.oracle import Expectation
from duroxide_stress.plan import Cell
from duroxide_stress.program import Json, Step


class Order(msgspec.Struct, frozen=True):
    """One instance to start: what the driver submits and what it must come to."""

    op: int
    """Position in the cell, from 0; the op's number in the recording."""
    instance: str
    orchestration: str
    input: Json
    expect: Expectation


class Workload(Protocol):
    """A scenario bound to a cell: a pure value, the same in every process of the run."""

    @property
    def programs(self) -> dict[str, Step]:
        """Orchestration name → program, to be registered with the engine."""
        ...

    def order(self, op: int) -> Order:
        """The op-th instance of the cell, a pure function of the plan and `op`."""
        ...


class Scenario(Protocol):
    """A named workload pattern."""

    @property
    def name(self) -> str:
        """The word on the command line."""
        ...

    @property
    def title(self) -> str:
        """The heading of its table."""
        ...

    @property
    def summary(self) -> str:
        """One sentence for `duroxide-stress list scenarios`."""
        ...

    def workload(self, cell: Cell) -> Workload:
        """Bind the scenario to a cell's configuration, options and seed."""
        ...
