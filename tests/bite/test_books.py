"""Books: places where the engine says two things of one."""

import json

import pytest

from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import CELLS, RecordingOf, caught, told


def test_an_execution_that_the_engine_does_not_list(recorded: Recorded) -> None:
    """Books without an instance row are found, with what the execution says of itself."""
    recorded.change("executions", where(instance=recorded.instance(6)), listed=False)
    found = caught(recorded)
    assert list(found) == ["books"]
    (finding,) = found["books"].findings
    assert finding.what == "an execution without an instance"
    assert "its completed execution" in finding.detail


def test_an_instance_with_another_status_than_its_execution(recorded: Recorded) -> None:
    """The one is Completed and the other says Running."""
    one = recorded.instance(6)
    recorded.change("executions", where(instance=one), instance_status="Running")
    words = "the instance has another status than its execution"
    assert told(recorded, "books") == {(one, words)}


def test_an_old_recording_without_the_instances_status(recorded: Recorded) -> None:
    """What was never asked cannot disagree."""
    recorded.change("executions", where(current=True), instance_status=None)
    assert told(recorded, "books") == set()


def test_an_output_that_the_last_event_does_not_have(recorded: Recorded) -> None:
    """The row and the event were written in one commit."""
    one = recorded.instance(6)
    recorded.change("executions", where(instance=one), output="[]")
    words = "the last event has another output than the execution"
    assert told(recorded, "books") == {(one, words)}


def test_two_current_executions(recording_of: RecordingOf) -> None:
    """Only the last can be."""
    recorded = recording_of(CELLS["long-running"])
    one = recorded.instance(0)
    recorded.change("executions", where(instance=one, execution=2), current=True)
    assert (one, "more than one current execution") in told(recorded, "books")


def test_an_earlier_execution_that_did_not_continue(recording_of: RecordingOf) -> None:
    """Something came after it all the same."""
    recorded = recording_of(CELLS["long-running"])
    one = recorded.instance(0)
    recorded.change("executions", where(instance=one, execution=2), status="Completed")
    assert told(recorded, "books") == {(one, "an earlier execution that did not continue")}


@pytest.mark.parametrize(
    "name", ["total_instances", "total_events", "completed_instances", "failed_instances"]
)
def test_totals_that_lie(recorded: Recorded, name: str) -> None:
    """The engine's own metrics are held against what was copied out of it."""
    path = recorded.directory / "metrics.json"
    metrics = json.loads(path.read_bytes())
    path.write_text(json.dumps({**metrics, name: metrics[name] + 1}))
    (finding,) = recorded.checks("books")["books"].findings
    assert finding.what == "the engine's totals differ from its books"
    assert finding.detail == f"{name} {metrics[name] + 1}, counted {metrics[name]}"


def test_totals_of_an_aged_store(recorded: Recorded) -> None:
    """What the store was aged with is in the totals and not in the books; nothing else may be."""
    path = recorded.directory / "metrics.json"
    metrics = json.loads(path.read_bytes())
    aged = {"aged_instances": 100, "aged_executions": 100, "aged_events": 400}
    old = {"total_instances": 100, "completed_instances": 100, "total_executions": 100,
           "total_events": 400}  # fmt: skip
    both = {name: count + old.get(name, 0) for name, count in metrics.items()}
    path.write_text(json.dumps({**both, **aged}))
    assert told(recorded, "books") == set()
    path.write_text(json.dumps({**both, **aged, "total_events": both["total_events"] - 1}))
    (finding,) = recorded.checks("books")["books"].findings
    counted = metrics["total_events"]
    assert finding.detail == f"total_events {counted - 1}, counted {counted}"


def test_totals_that_nobody_keeps(recorded: Recorded) -> None:
    """Said, and not held against the engine."""
    (recorded.directory / "metrics.json").unlink()
    check = recorded.checks("books")["books"]
    assert (check.verdict, check.note) == (
        Verdict.OK,
        "the engine keeps no totals to compare with",
    )
