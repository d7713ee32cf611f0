"""Canaries: small instances of known output, started at a steady pace beside any load.

    canary     start ── activity ── timer (10 ms) ── activity ── end        every `canary_every_ms`
    the load   whatever the scenario does

They take no place of the load's, so that they go on when it stands still: what becomes of them says
whether one instance's trouble is another's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duroxide_stress.oracle import Oracle
from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Json, Program, Sequence, Timer
from duroxide_stress.recording.records import CANARY
from duroxide_stress.scenarios.base import Order, Release, Workload
from duroxide_stress.scenarios.tree import input_values, instance_prefix

PROGRAMS: dict[str, Program] = {CANARY: Sequence((Activity(0), Timer(10), Activity(0)))}


class WithCanaries:
    """A workload, and canaries beside it."""

    def __init__(self, load: Workload, cell: Cell) -> None:
        self._load = load
        self._prefix, self._values = instance_prefix(cell, CANARY), input_values(cell, CANARY)
        self._oracle = Oracle(PROGRAMS)
        self.programs: dict[str, Program] = {**load.programs, **PROGRAMS}

    @property
    def release(self) -> Release | None:
        return self._load.release

    @property
    def limit(self) -> int | None:
        return self._load.limit

    @property
    def register(self) -> Callable[[Any], None] | None:
        return self._load.register

    def order(self, op: int) -> Order:
        """The load's own."""
        return self._load.order(op)

    def canary(self, op: int) -> Order:
        """A canary under that op."""
        group = op % len(self._values)
        instance, value = f"{self._prefix}-{op:07d}", self._values[group]
        owed = self._oracle.expect(CANARY, instance, value, f"{CANARY}:{group}")
        return Order(op, instance, CANARY, value, owed, CANARY)

    def complaint(self, op: int, status: str, output: Json, error: str | None) -> str | None:
        """The load's own; of a canary nobody has to be asked."""
        return self._load.complaint(op, status, output, error)
