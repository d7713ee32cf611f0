"""Isolation: another instance's id where it does not belong."""

import pytest

from recordings.make import Recorded, where

from .planted import caught, told


def _the_finding(recorded: Recorded, owner: str, foreign: str) -> str:
    (finding,) = caught(recorded)["isolation"].findings
    assert finding.what == "the id of another instance"
    assert finding.instance == owner
    assert finding.detail.startswith(f"{foreign} in ")
    return finding.detail


@pytest.mark.parametrize(
    ("event_id", "place"),
    [(2, "ActivityScheduled"), (5, "ActivityCompleted"), (8, "OrchestrationCompleted")],
)
def test_a_foreign_id_in_a_history_event(recorded: Recorded, event_id: int, place: str) -> None:
    """Input, result or output in the books: the event is named."""
    mine, foreign = recorded.instance(3), recorded.instance(9)
    event = where(instance=mine, event_id=event_id)
    recorded.swap("history", event, f"{mine}|1|0.0", f"{foreign}|1|0.0")
    detail = _the_finding(recorded, mine, foreign)
    assert detail.endswith(f"history event {event_id} {place}")


def test_a_foreign_id_in_an_output(recorded: Recorded) -> None:
    """What the client was given names another instance: that is also a wrong output."""
    mine, foreign = recorded.instance(3), recorded.instance(9)
    recorded.swap("ops", where(op=3, type="ok"), mine, foreign)
    assert _the_finding(recorded, mine, foreign).endswith("the output given to the client")
    assert list(caught(recorded)) == ["outputs", "determinism", "isolation"]


def test_a_foreign_id_in_an_activitys_token(recorded: Recorded) -> None:
    """An activity that ran for one instance with the input of another: nobody else sees it."""
    mine, foreign = recorded.instance(3), recorded.instance(9)
    effect = where(token=f"{mine}|1|0.1", phase="begin")
    recorded.change("effects", effect, token=f"{foreign}|1|0.1")
    assert _the_finding(recorded, mine, foreign).endswith("an activity's context")
    assert list(caught(recorded)) == ["isolation"]


def test_a_foreign_instance_in_an_activitys_context(recorded: Recorded) -> None:
    """The engine tells the activity another instance than the one whose input it has."""
    mine, foreign = recorded.instance(3), recorded.instance(9)
    effect = where(token=f"{mine}|1|0.1", phase="end")
    recorded.change("effects", effect, instance=foreign)
    assert _the_finding(recorded, foreign, mine).endswith("an activity's context")


@pytest.mark.parametrize("context", ["", "nobody"])
def test_an_activity_that_belongs_to_nobody(recorded: Recorded, context: str) -> None:
    """A context without any instance of this cell does not fit the token either."""
    mine = recorded.instance(3)
    effect = where(token=f"{mine}|1|0.1", phase="end")
    recorded.change("effects", effect, instance=context)
    _the_finding(recorded, context, mine)


def test_several_foreign_ids_are_several_findings(recorded: Recorded) -> None:
    """One text with two strangers is two leaks, each id told once."""
    mine = recorded.instance(3)
    strangers = [recorded.instance(op) for op in (8, 9, 9)]
    event = where(instance=mine, event_id=5)
    recorded.change("history", event, data=" ".join([mine, *strangers]))
    details = {finding.detail.split()[0] for finding in caught(recorded)["isolation"].findings}
    assert details == set(strangers)


def test_an_id_that_only_begins_alike_is_another_one(recorded: Recorded) -> None:
    """Ids are compared whole: instance 10 of a long cell is not instance 1."""
    mine = recorded.instance(3)
    recorded.swap("history", where(instance=mine, event_id=5), f"{mine}|", f"{mine}0|")
    _the_finding(recorded, mine, f"{mine}0")


def test_a_child_belongs_to_its_root(recorded: Recorded) -> None:
    """An id made from an instance's own id is no stranger."""
    mine = recorded.instance(3)
    recorded.swap("effects", where(token=f"{mine}|1|0.1"), mine, f"{mine}::child-1")
    assert "isolation" not in caught(recorded)


def test_a_child_with_an_id_of_its_own_may_know_its_family(recorded: Recorded) -> None:
    """A user's code names children as it likes; nobody but its author can say who they belong to."""
    mine, child = recorded.instance(3), "order-17"
    (book,) = recorded.lines("executions", where(instance=mine))
    (begun,) = recorded.lines("history", where(instance=mine, event_id=1))
    recorded.add("executions", {**book, "instance": child, "parent": mine})
    recorded.add("history", {**begun, "instance": child, "data": f'{{"input":"{mine}"}}'})
    assert told(recorded, "isolation") == set()
