"""A scenario run and judged in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from duroxide_stress.plan import Cell
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import CellResult, Figure
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, small_cell

FEW: dict[str, Any] = {"max_concurrent": 1, "duration_secs": 0.1, "warmup_secs": 0}
"""One instance after the other, for a tenth of a second: at the limits that is one."""


class Judged:
    """One cell on the reference engine: its judgement, its lines, its tables."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.cell: CellResult = recorded.judged()
        self.tables = Recording(recorded.directory)

    def figure(self, name: str) -> Figure:
        """The scenario's own figure of this name."""
        (figure,) = [figure for figure in self.cell.figures if figure.name == name]
        return figure

    def seen(self, check: str) -> int:
        """How much evidence a check had."""
        (found,) = [found for found in self.cell.checks if found.name == check]
        return found.seen

    def all_is_well(self, *unseen: str) -> None:
        """Every instance ended as planned, no check has found anything, and those that were asked
        had something to see, but for these (and those that compare instances: there may be one)."""
        assert [f for check in self.cell.checks for f in check.findings] == []
        bad = [c.name for c in self.cell.checks if c.asked and c.verdict is not Verdict.OK]
        assert set(bad) <= {"determinism", "isolation", *unseen}
        assert self.cell.completed == self.cell.launched > 0
        assert self.cell.failed == 0


JudgedOf = Callable[..., Judged]


@pytest.fixture
def judged(recording_of: Callable[[Cell], Recorded]) -> JudgedOf:
    """Runs a scenario with these options and configuration, and judges it."""

    def run(scenario: str, options: dict[str, int] | None = None, **config: Any) -> Judged:
        return Judged(recording_of(small_cell(scenario, options, **config)))

    return run
