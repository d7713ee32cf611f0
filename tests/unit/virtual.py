"""A cell on the reference engine in virtual time: no process, no sleep, everything kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from duroxide_stress.engines.reference.session import WorldSession
from duroxide_stress.engines.reference.world import World
from duroxide_stress.load.driver import Driver
from duroxide_stress.load.progress import Progress
from duroxide_stress.oracle import Oracle
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.program import Json, Program
from duroxide_stress.recording.records import (
    Effect,
    Execution,
    Fail,
    HistoryEvent,
    Info,
    Mark,
    Ok,
)
from duroxide_stress.scenarios.base import Action, Order, Release, Workload
from duroxide_stress.scenarios.registry import scenario_named

T = TypeVar("T")
ENDS = (Ok, Fail, Info)
QUICK: dict[str, Any] = {"duration_secs": 1, "warmup_secs": 0.2, "max_concurrent": 4}


def cell(
    scenario: str = "parallel", options: dict[str, dict[str, int]] | None = None, **config: Any
) -> Cell:
    """A quick cell of this scenario with these fields changed."""
    fields = StressTestConfig(**{**QUICK, **config})
    return Cell(scenario, "reference", fields, options=options or {})


class Tape:
    """Records in the order they were written."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def write(self, record: msgspec.Struct) -> None:
        """Keep one record."""
        self.records.append(record)

    def of(self, *kinds: type[T]) -> list[T]:
        """Those of these types."""
        return [record for record in self.records if isinstance(record, kinds)]


class OneRoot(msgspec.Struct, frozen=True):
    """A workload that gives every instance the same program and input, and its own client calls."""

    programs: dict[str, Program]
    value: Json = None
    root: str = "one"
    actions: tuple[Action, ...] = ()
    limit: int | None = None
    register: None = None
    release: Release | None = None

    def order(self, op: int) -> Order:
        name = f"one-{op}"
        expectation = Oracle(self.programs).expect(self.root, name, self.value, "alike")
        return Order(op, name, self.root, self.value, expectation, "one", self.actions)

    def complaint(self, op: int, status: str, output: Json, error: str | None) -> None:
        return None


@dataclass
class Run:
    """What a run left behind."""

    driver: Driver
    ops: Tape
    samples: Tape
    told: list[Progress]
    finished: bool = False
    effects: list[Effect] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    history: dict[str, list[HistoryEvent]] = field(default_factory=dict)

    @property
    def marks(self) -> dict[str, int]:
        """Name of each mark and its time."""
        return {mark.name: mark.at_ns for mark in self.ops.of(Mark)}

    @property
    def ends_per_op(self) -> Counter[int]:
        """How many ends each op has; one is right."""
        return Counter(end.op for end in self.ops.of(*ENDS))


def drive(
    session: Any,
    workload: Workload,
    config: StressTestConfig,
    aborted: Callable[[], bool] = lambda: False,
) -> Run:
    """Offer the load to any session and keep what the driver wrote."""
    ops, samples, told = Tape(), Tape(), []
    driver = Driver(
        session,
        workload,
        config,
        ops,
        samples,
        aborted=aborted,
        tell=told.append,
    )
    run = Run(driver, ops, samples, told)
    run.finished = driver.run()
    return run


def run_cell(
    of: Cell,
    workload: Workload | None = None,
    aborted_after_secs: float | None = None,
) -> Run:
    """Run a whole cell on the reference engine, books included."""
    work = workload or scenario_named(of.scenario).workload(of)
    world, effects = World(), Tape()
    world.serve(of, work, effects.write)
    session = WorldSession(world)
    begun = session.now_ns()

    def aborted() -> bool:
        passed_ns = session.now_ns() - begun
        return aborted_after_secs is not None and passed_ns >= aborted_after_secs * 1e9

    run = drive(session, work, of.config, aborted)
    run.effects = effects.of(Effect)
    for record in world.collect():
        if isinstance(record, Execution):
            run.executions.append(record)
        else:
            run.history.setdefault(record.instance, []).append(record)
    return run
