"""The workload most scenarios share: one or more root programs over a few input values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TypeAlias

import msgspec

from duroxide_stress.oracle import Oracle
from duroxide_stress.plan import Cell
from duroxide_stress.program import Json, Program
from duroxide_stress.scenarios.base import Order, Release
from duroxide_stress.scenarios.options import Option, defaults
from duroxide_stress.seeds import stream

INPUT_CLASSES = 4
"""How many different inputs a cell uses: few enough that each is given to several instances, which
is what lets the determinism check compare."""

Settings: TypeAlias = Mapping[str, int]
"""A scenario's options, every one with a value."""


class TreeWorkload(msgspec.Struct, frozen=True, dict=True):
    """Instances take turns over the root programs; input values repeat."""

    part: str
    programs: dict[str, Program]
    roots: tuple[str, ...]
    prefix: str
    values: tuple[int, ...]
    limit: int | None = None
    release: Release | None = None
    dress: Callable[[Order], Order] = lambda order: order
    """What a scenario adds to its orders: client calls, and what they change of the expectation."""

    @property
    def register(self) -> None:
        return None

    def complaint(self, op: int, status: str, output: Json, error: str | None) -> None:
        return None

    def order(self, op: int) -> Order:
        """The op-th instance: root and value follow from `op` alone."""
        root = self.roots[op % len(self.roots)]
        group = op // len(self.roots) % len(self.values)
        return self.make(op, root, self.values[group], f"{root}:{group}")

    @cached_property
    def _oracle(self) -> Oracle:
        return Oracle(self.programs)

    def make(self, op: int, root: str, value: Json, alike: str) -> Order:
        """An order for one instance of `root` with what the oracle says of it."""
        instance = f"{self.prefix}-{op:07d}"
        expectation = self._oracle.expect(root, instance, value, alike)
        return self.dress(Order(op, instance, root, value, expectation, self.part))


class TreeScenario(msgspec.Struct, frozen=True):
    """A scenario whose instances are programs, with client calls if `dress` adds some."""

    name: str
    title: str
    summary: str
    build: Callable[[Cell, Settings], dict[str, Program]]
    """The programs; those whose names begin with the scenario's own are roots."""
    options: tuple[Option, ...] = ()
    dress: Callable[[Cell, Settings, Order], Order] = lambda cell, settings, order: order
    release: Callable[[Cell, Settings], Release | None] = lambda cell, settings: None
    clash: Callable[[Settings], str] = lambda settings: ""
    """What is wrong with options that are each within their limits; empty when nothing is."""
    lasting: bool = False
    """Whether instances live through the whole run: then as many are started as run at once."""

    def settings(self, cell: Cell) -> dict[str, int]:
        """The options' values for this cell."""
        return {**defaults(self.options), **cell.options.get(self.name, {})}

    def workload(self, cell: Cell) -> TreeWorkload:
        """Bind the scenario to a cell's configuration, options and seed."""
        settings = self.settings(cell)
        programs = self.build(cell, settings)
        return TreeWorkload(
            part=self.name,
            programs=programs,
            roots=tuple(name for name in programs if name.startswith(self.name)),
            prefix=instance_prefix(cell, self.name),
            values=input_values(cell, self.name)[: 2 if self.lasting else None],
            limit=cell.config.max_concurrent if self.lasting else None,
            release=self.release(cell, settings),
            dress=partial(self.dress, cell, settings),
        )


def instance_prefix(cell: Cell, part: str) -> str:
    """What the ids of a part's instances begin with, different in every cell and repeat."""
    return f"{part.partition('-')[0]}-{_cell_word(cell)}"


def instance_pattern(cell: Cell) -> str:
    """A regular expression that finds any root instance id of the cell within a text."""
    return rf"[a-z]+-{_cell_word(cell)}-\d{{7,}}"


def _cell_word(cell: Cell) -> str:
    return f"{stream(cell.config.seed, cell.key, 'ids').randrange(16**8):08x}"


def input_values(cell: Cell, part: str) -> tuple[int, ...]:
    """The input values of a part, drawn from the plan's seed."""
    rng = stream(cell.config.seed, cell.work, part, "inputs")
    return tuple(rng.randrange(2**31) for _ in range(INPUT_CLASSES))
