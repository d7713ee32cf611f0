"""What a planted bug is: the reference engine with one method that does the wrong thing.

A bug strikes some instances and leaves the others alone, as real ones do; checks that compare instances
with each other have a majority to go by. Nothing of a recording is touched: what the tool records is
what the wrong engine did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from duroxide_stress.engines.base import EffectSink
from duroxide_stress.engines.reference.world import World
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.recording.records import Effect, Execution, HistoryEvent
from duroxide_stress.scenarios.base import Workload
from duroxide_stress.selftest.struck import Strike

SMALL: dict[str, Any] = {
    "duration_secs": 0.6,
    "warmup_secs": 0.1,
    "max_concurrent": 6,
    "tasks_per_instance": 3,
    "wait_timeout_secs": 2,
}
"""Of a planted bug's cell: virtual time costs little, instances and checks cost real time."""

HOSTS: dict[str, Any] = {
    "nodes": 2,
    "worker_lock_timeout_ms": 2_000,
    "orchestrator_lock_timeout_ms": 2_000,
    "duration_secs": 4,
    "activity_delay_ms": 150,
    "wait_timeout_secs": 20,
}
"""Of a cell whose hosts are struck: locks that expire within it, and time to go on after that."""

_OP = re.compile(r"-(\d{7,})")


def struck(instance: str, every: int = 5) -> bool:
    """Whether a bug strikes this instance: one in `every`, and the children of that one."""
    found = _OP.search(instance)
    return found is not None and int(found[1]) % every == 2 % every


class Planted(World):
    """The reference engine, to be made wrong in one place."""

    every: ClassVar[int] = 5
    """One in so many instances is struck, from the third on."""

    def __init__(self) -> None:
        super().__init__()
        self._before: set[str] = set()

    def serve(self, cell: Cell, workload: Workload, effects: EffectSink) -> None:
        def sink(effect: Effect) -> None:
            effects(self.ran(effect))

        super().serve(cell, workload, sink)

    def strikes(self, instance: str) -> bool:
        """Whether the bug strikes this instance."""
        return struck(instance, self.every)

    def once(self, instance: str) -> bool:
        """Whether the bug strikes this instance for the first time."""
        first = self.strikes(instance) and instance not in self._before
        self._before.add(instance)
        return first

    def ran(self, effect: Effect) -> Effect:
        """What an activity did, as it happens."""
        return effect

    def booked(self, book: Execution) -> Execution:
        """What the engine's books say of an execution of an instance that is struck."""
        return book

    def collect(self) -> Iterator[Execution | HistoryEvent]:
        for record in super().collect():
            if isinstance(record, Execution) and self.strikes(record.instance):
                yield self.booked(record)
            else:
                yield record


class Bug(msgspec.Struct, frozen=True):
    """One planted bug, and the check that is there for it."""

    name: str
    check: str
    """The check that must find it."""
    scenario: str
    plant: type[Planted]
    options: dict[str, int] = {}
    """Of the scenario."""
    config: dict[str, Any] = {}
    """What its cell has beside `SMALL`."""
    strikes: tuple[Strike, ...] = ()
    """What is done to its hosts meanwhile."""

    @property
    def what(self) -> str:
        """What the engine does wrong, in a sentence."""
        return (self.plant.__doc__ or "").strip()

    @property
    def cell(self) -> Cell:
        """The cell it is shown in."""
        options = {self.scenario: self.options} if self.options else {}
        config = StressTestConfig(**{**SMALL, **self.config})
        return Cell(self.scenario, "reference", config, options=options)
