"""A recording loaded for its pictures says the same in them as the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from duroxide_stress.errors import RecordingError
from duroxide_stress.measure.metrics import window
from duroxide_stress.measure.percentiles import latency_percentiles, timer_percentiles
from duroxide_stress.measure.series import series
from duroxide_stress.recording.glance import glance
from duroxide_stress.recording.tables import Recording
from recordings.make import Recorded
from recordings.save import SAVED

CELLS = sorted(path.parent for path in SAVED.glob("*/*/cell.json"))


@pytest.mark.parametrize("directory", CELLS, ids=lambda path: path.parent.name)
def test_pictures_are_the_same(directory: Path) -> None:
    """Of every scenario, of the real engine, and of a cell that went wrong."""
    less, whole = glance(directory), Recording(directory)
    measured = window(whole)
    assert series(less) == series(whole) is not None
    assert latency_percentiles(less, measured) == latency_percentiles(whole, measured)
    assert timer_percentiles(less, measured) == timer_percentiles(whole, measured)


def test_what_pictures_do_not_need_stays_on_disk(recorded: Recorded) -> None:
    """No activity executions, no outputs, and of the history only ends and timers."""
    found = glance(recorded.directory)
    assert found.one("SELECT count(*) FROM effects") == 0
    assert found.one("SELECT count(output) + count(expect_output) FROM ops") == 0
    kinds = found.rows("SELECT DISTINCT kind FROM history")
    assert kinds == [("OrchestrationCompleted",)]


def test_damage_is_seen(recorded: Recorded) -> None:
    """A file shorter than the recording says is refused, as everywhere."""
    path = recorded.path("ops")
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(RecordingError, match=r"ops\.jsonl is damaged"):
        glance(recorded.directory)
