"""Determinism: the same input with another output or another schedule."""

from typing import Any

import pytest

from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import book, caught, fail, give, owe, twins

SCHEDULING = [
    "TimerCreated",
    "SubOrchestrationScheduled",
    "OrchestrationChained",
    "ExternalSubscribed",
    "QueueSubscribed",
]


def _another_output(recorded: Recorded, op: int, output: Any) -> None:
    for put in (owe, give, book):
        put(recorded, op, output)


def _event(recorded: Recorded, op: int, event_id: int) -> Any:
    return where(instance=recorded.instance(op), event_id=event_id)


def test_the_same_input_with_another_output(recorded: Recorded) -> None:
    """Even an output that the instance expects must be its twins' output."""
    odd = twins(recorded)[1]
    _another_output(recorded, odd, ["other"])
    found = caught(recorded)
    assert list(found) == ["determinism"]
    (finding,) = found["determinism"].findings
    assert finding.instance == recorded.instance(odd)
    assert finding.what == "another output for the same input"
    assert '["other"] where others gave [{"token":"$|1|0.0"' in finding.detail


def test_no_output_where_others_have_one(recorded: Recorded) -> None:
    """A null is another output as well."""
    odd = twins(recorded)[1]
    _another_output(recorded, odd, None)
    (finding,) = caught(recorded)["determinism"].findings
    assert finding.instance == recorded.instance(odd)
    assert "null where others gave" in finding.detail


def test_another_input_may_have_another_output(recorded: Recorded) -> None:
    """A whole class with an output of its own is no violation."""
    for op in twins(recorded):
        _another_output(recorded, op, "ours")
    assert caught(recorded) == {}


def test_the_same_input_with_other_work_scheduled(recorded: Recorded) -> None:
    """An activity that was scheduled with another input is another schedule."""
    odd = twins(recorded)[2]
    recorded.swap("history", _event(recorded, odd, 2), r"\"delay_ms\":10", r"\"delay_ms\":11")
    found = caught(recorded)
    assert list(found) == ["determinism"]
    (finding,) = found["determinism"].findings
    assert (finding.instance, finding.what) == (
        recorded.instance(odd),
        "another history for the same input",
    )
    assert finding.detail.endswith("it did not schedule what others did, in their order")


def test_the_same_work_in_another_order(recorded: Recorded) -> None:
    """Scheduling events that changed places are another schedule."""
    odd = twins(recorded)[2]
    second, third = (recorded.lines("history", _event(recorded, odd, n))[0] for n in (2, 3))
    recorded.change("history", _event(recorded, odd, 2), data=third["data"])
    recorded.change("history", _event(recorded, odd, 3), data=second["data"])
    for event_id, source in ((5, 3), (6, 2)):
        recorded.change("history", _event(recorded, odd, event_id), source=source)
    assert list(caught(recorded)) == ["determinism"]


@pytest.mark.parametrize("kind", SCHEDULING)
def test_one_scheduling_event_more(recorded: Recorded, kind: str) -> None:
    """Whatever kind of work is scheduled beside the rest, it is seen: it stands after the end, too."""
    odd = twins(recorded)[0]
    (event,) = recorded.lines("history", _event(recorded, odd, 8))
    recorded.add("history", {**event, "event_id": 9, "kind": kind, "data": "{}"})
    assert {"determinism", "history"} <= caught(recorded).keys()


def test_a_completion_is_missing(recorded: Recorded) -> None:
    """An instance that ended with fewer completions than its twins is told with both numbers."""
    odd = twins(recorded)[0]
    recorded.drop("history", _event(recorded, odd, 6))
    (finding,) = caught(recorded)["determinism"].findings
    assert finding.detail.endswith("2 completions where others have 3")


def test_a_completion_is_there_twice(recorded: Recorded) -> None:
    """One activity must not complete its instance twice."""
    odd = twins(recorded)[0]
    recorded.double("history", _event(recorded, odd, 6))
    (finding,) = caught(recorded)["determinism"].findings
    assert finding.detail.endswith("4 completions where others have 3")


def test_completions_may_arrive_in_any_order(recorded: Recorded) -> None:
    """Which activity ends first is not for the program to say."""
    odd = twins(recorded)[0]
    fifth, sixth = (recorded.lines("history", _event(recorded, odd, n))[0] for n in (5, 6))
    for event_id, other in ((5, sixth), (6, fifth)):
        recorded.change(
            "history", _event(recorded, odd, event_id), data=other["data"], source=other["source"]
        )
    assert caught(recorded) == {}


def test_the_order_of_lines_says_nothing(recorded: Recorded) -> None:
    """Events are in order by their ids, wherever they stand in the file."""
    recorded.put("history", reversed(recorded.lines("history")))
    assert caught(recorded) == {}


def test_failed_instances_are_not_compared(recorded: Recorded) -> None:
    """A failure is another check's matter; its shorter history is no lack of determinism."""
    odd = twins(recorded)[0]
    fail(recorded, odd, "broken", category="application")
    recorded.drop("history", _event(recorded, odd, 6))
    assert list(caught(recorded)) == ["success", "history"]


def test_all_twins_differ(recorded: Recorded) -> None:
    """Without a majority all but one are findings: nothing is agreed on by nobody."""
    ops = twins(recorded)
    for op in ops:
        _another_output(recorded, op, {"n": op})
    found = caught(recorded)["determinism"]
    assert found.found == len(ops) - 1


def test_inputs_that_were_given_once_prove_nothing(recorded: Recorded) -> None:
    """Sixteen instances of sixteen inputs have no twin among them, so the answer is unknown."""
    second = twins(recorded)[1]
    recorded.drop("ops", lambda line: line.get("op", 0) >= second)
    check = recorded.checks()["determinism"]
    assert (check.verdict, check.seen) == (Verdict.UNKNOWN, 0)
