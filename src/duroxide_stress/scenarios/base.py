"""The contract of a scenario: programs to register, and an endless supply of instances to start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from duroxide_stress.oracle import Expectation
from duroxide_stress.plan import Cell
from duroxide_stress.program import Json, Program
from duroxide_stress.recording.records import ActionKind
from duroxide_stress.scenarios.options import Option


class Action(msgspec.Struct, frozen=True):
    """One client call to a running instance."""

    kind: ActionKind
    after_ms: int
    """Since the instance's start was acknowledged, or since the sender's call before it returned,
    whichever is later: one sender's calls never overtake each other."""
    name: str = ""
    data: Json = None
    sender: str = ""


class Order(msgspec.Struct, frozen=True, gc=False):
    """One instance to start: what the driver submits and what it must come to."""

    op: int
    """Position in the cell, from 0; the op's number in the recording."""
    instance: str
    orchestration: str
    input: Json
    expect: Expectation
    part: str
    """The scenario it belongs to: a mixed workload has several."""
    actions: tuple[Action, ...] = ()


class Release(msgspec.Struct, frozen=True):
    """Newer code for the workload's orchestrations, brought by another node while the first serves.

    The new node has both: instances that began with the old code must go on with it.
    """

    version: str
    programs: dict[str, Program]
    """The same names as the workload's programs, or some of them."""
    after_secs: float
    """When the new node is started, since the load began."""


FIRST_VERSION = "1.0.0"
"""What Duroxide calls the version of an orchestration that is registered without one."""


class Workload(Protocol):
    """A scenario bound to a cell: a pure value, the same in every process of the run."""

    @property
    def programs(self) -> dict[str, Program]:
        """Orchestration name → program, to be registered with the engine."""
        ...

    @property
    def release(self) -> Release | None:
        """The newer code that takes over in the middle of the load, if the scenario has any."""
        ...

    @property
    def limit(self) -> int | None:
        """How many instances the cell starts at most; None: as many as the load asks for."""
        ...

    @property
    def register(self) -> Callable[[Any], None] | None:
        """For a user's own workflows: registers them on a runtime of the SDK. Else None."""
        ...

    def order(self, op: int) -> Order:
        """The op-th instance of the cell, a pure function of the plan and `op`."""
        ...

    def complaint(self, op: int, status: str, output: Json, error: str | None) -> str | None:
        """What a user's predicate has against an end; None without one."""
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

    @property
    def options(self) -> tuple[Option, ...]:
        """What can be set with `--option name.option=value`."""
        ...

    @property
    def lasting(self) -> bool:
        """Whether instances live through the whole run instead of being replaced."""
        ...

    def clash(self, settings: Mapping[str, int]) -> str:
        """What is wrong with options that are each within their limits, as a sentence; empty when
        nothing is."""
        ...

    def workload(self, cell: Cell) -> Workload:
        """Bind the scenario to a cell's configuration, options and seed."""
        ...
