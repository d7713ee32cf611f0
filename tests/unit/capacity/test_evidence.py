"""What counts as a broken promise in a step."""

import msgspec
import pytest

from duroxide_stress.capacity.evidence import broken_promises
from duroxide_stress.judge import _unjudged
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.result import CellResult, CheckResult
from duroxide_stress.verdict import Verdict


def cell(rate: float, *violated: str) -> CellResult:
    """A judged cell with such a success rate, in which these checks alarmed."""
    checks = tuple(CheckResult(name, "", Verdict.VIOLATED, 1, "runs", True, 1) for name in violated)
    return msgspec.structs.replace(
        _unjudged(Cell("parallel", "reference", StressTestConfig()), "the host crashed"),
        verdict=Verdict.VIOLATED,
        success_rate=rate,
        checks=checks,
    )


@pytest.mark.parametrize(
    ("found", "success", "broken"),
    [
        (cell(100, "effects", "books"), 100, ("effects", "books")),
        (cell(99.5, "success", "books"), 99, ("books",)),
        (cell(99.5, "success"), 99, ()),
        (cell(99.5, "success"), 99.9, ("success",)),
        (cell(99.5), 99, ("the host crashed",)),
        (msgspec.structs.replace(cell(100, "effects"), verdict=Verdict.UNKNOWN), 100, ()),
    ],
)
def test_broken_promises(found: CellResult, success: float, broken: tuple[str, ...]) -> None:
    """Failures that the objective allows are none; a crash of the host always is one."""
    assert broken_promises(found, success) == broken
