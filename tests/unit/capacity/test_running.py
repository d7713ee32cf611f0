"""What ends a search that is none of its steps."""

from pathlib import Path

import pytest

from duroxide_stress.capacity.running import Asked, Ground, run_capacity
from duroxide_stress.capacity.slo import read_slo
from duroxide_stress.config import Choices, build_plan
from duroxide_stress.errors import RecordingError, RunError
from duroxide_stress.plan import Cell
from duroxide_stress.runner import SilentObserver

FULL = "No space left on device"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RunError(f"the recording cannot be written: {FULL}"), "the recording cannot be written"),
        (RecordingError("its ops.jsonl is damaged"), "its ops.jsonl is damaged"),
        (OSError(28, FULL), f"a step could not be recorded: OSError: [Errno 28] {FULL}"),
    ],
)
def test_a_step_that_cannot_be_recorded_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    """Its grid point says why it ended, and the others have their turn."""
    plan = build_plan(Choices(providers=("reference",), configs=("1/1", "2/2")))
    asked = Asked(read_slo("p99<1s"), 100.0, True, 600.0, plan)
    tried: list[str] = []

    def full(self: Ground, cell: Cell, name: str) -> None:
        tried.append(str(cell.config.concurrency))
        raise error

    monkeypatch.setattr(Ground, "carried_out", full)
    result = run_capacity(Ground(asked, tmp_path, SilentObserver(), {}))
    assert tried == ["1/1", "2/2"]
    assert all(point.stopped.startswith(said) for point in result.points)
    assert (result.best, result.interrupted) == (None, False)
