"""A comparison as typed values: what `compare --json` writes, what its reports show."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from duroxide_stress.verdict import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_TARGET_MISSED,
    EXIT_UNKNOWN,
    EXIT_VIOLATED,
    Verdict,
)

SCHEMA = "duroxide-stress/compare/1"

Outcome: TypeAlias = Literal[
    "faster", "slower", "less", "more", "no difference seen", "cannot tell"
]
"""`less` and `more` are for memory and CPU, where `faster` would be the wrong word."""


class Change(msgspec.Struct, frozen=True):
    """One figure of one cell, on both sides."""

    metric: str
    title: str
    unit: str
    base: float | None
    """The geometric mean over the runs that counted; null when there is none."""
    candidate: float | None
    change_pct: float | None
    """(candidate / base - 1) x 100."""
    low_pct: float | None
    high_pct: float | None
    """The 95 % interval of the change; null when nothing says how much the figure varies."""
    smallest_pct: float | None
    """The smallest slowdown or gain that such a comparison sees in 80 % of cases."""
    p: float | None
    """How often a difference as great would be seen if there were none."""
    outcome: Outcome
    why: str = ""
    """Of `cannot tell`, in one sentence."""
    confirmed: bool = False
    """Whether the difference stands when all figures of the comparison are allowed for (Holm)."""


class SideCell(msgspec.Struct, frozen=True):
    """One side of one cell."""

    verdict: Verdict
    """The worst of its runs'."""
    engines: tuple[str, ...]
    recordings: tuple[str, ...]
    left_out: tuple[str, ...]
    """Runs whose figures do not count, each with why."""


class CellComparison(msgspec.Struct, frozen=True):
    """One cell on both sides."""

    name: str
    scenario: str
    provider: str
    config: str
    """Of the base; what differs on purpose is in `notes`."""
    base: SideCell
    candidate: SideCell
    basis: str
    """What the intervals rest on, in words."""
    notes: tuple[str, ...]
    changes: tuple[Change, ...]


class Side(msgspec.Struct, frozen=True):
    """What was compared."""

    name: str
    engines: tuple[str, ...]
    machine: str
    tool: str
    """The versions of duroxide-stress that recorded it."""
    verdict: Verdict
    """The worst of all its cells', also of those that the other side does not have."""


class Comparison(msgspec.Struct, frozen=True):
    """The whole comparison."""

    schema: str
    base: Side
    candidate: Side
    turns: str
    """In which order the sides ran, one letter a run; empty when they did not run in turn."""
    broken: tuple[str, ...]
    """Promises that were violated, the side first."""
    warnings: tuple[str, ...]
    unmatched: tuple[str, ...]
    """Cells that only one side has."""
    cells: tuple[CellComparison, ...]
    command: str = ""
    interrupted: bool = False

    @property
    def told(self) -> int:
        """How many figures have a verdict other than `cannot tell`."""
        return sum(c.outcome != "cannot tell" for cell in self.cells for c in cell.changes)

    @property
    def slower(self) -> tuple[tuple[CellComparison, Change], ...]:
        """Slowdowns that stand when all figures are allowed for: what a gate may fail on."""
        return tuple(
            (cell, change)
            for cell in self.cells
            for change in cell.changes
            if change.outcome == "slower" and change.confirmed
        )

    @property
    def untold(self) -> tuple[CellComparison, ...]:
        """Cells of which nothing can be told: a gate must not pass on them."""
        return tuple(
            cell
            for cell in self.cells
            if all(change.outcome == "cannot tell" for change in cell.changes)
        )

    def exit_code(self, *, fail_on_slower: bool = False) -> int:
        """0 no regression, 1 the candidate violates a promise, 3 nothing could be told, 4 slower."""
        if self.interrupted:
            return EXIT_INTERRUPTED
        if self.candidate.verdict is Verdict.VIOLATED:
            return EXIT_VIOLATED
        if fail_on_slower and self.slower:
            return EXIT_TARGET_MISSED
        if not self.told or (fail_on_slower and (self.untold or self.unmatched)):
            return EXIT_UNKNOWN
        return EXIT_OK


def document(comparison: Comparison) -> str:
    """The comparison as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode() + "\n"
