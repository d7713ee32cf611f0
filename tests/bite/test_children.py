"""Children: lost ones, strangers, and parents that were told otherwise."""

from collections.abc import Callable

import pytest

from recordings.make import Line, Recorded, encoded, where

from .planted import CELLS, RecordingOf, event, remove, root, this, told

Damage = Callable[[Recorded], str]
"""Damages a family and returns the id that the finding is about."""


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """Parents over children over children."""
    return recording_of(CELLS["sub-orchestrations"])


def _child(parent: str) -> str:
    return f"{parent}::sub::2"


def _lose(recorded: Recorded, child: str) -> None:
    for name in ("executions", "history"):
        recorded.drop(name, where(instance=child))


def a_lost_child(recorded: Recorded) -> str:
    _lose(recorded, f"{root(recorded)}::sub::3")
    return root(recorded)


def a_lost_grandchild(recorded: Recorded) -> str:
    _lose(recorded, _child(_child(root(recorded))))
    return _child(root(recorded))


def a_child_of_another(recorded: Recorded) -> str:
    one, other = root(recorded), root(recorded, nth=1)
    recorded.change("executions", where(instance=_child(one)), parent=other)
    return one


def an_orphan(recorded: Recorded) -> str:
    one = root(recorded)
    recorded.change("executions", where(instance=_child(one)), parent=None)
    return one


def a_failure_told_of_a_completed_child(recorded: Recorded) -> str:
    one = root(recorded)
    told_of = event(recorded, one, "SubOrchestrationCompleted")
    recorded.change("history", this(told_of), kind="SubOrchestrationFailed")
    return one


def a_completion_told_of_a_failed_child(recorded: Recorded) -> str:
    one = root(recorded)
    told_of = event(recorded, one, "SubOrchestrationFailed")
    recorded.change("history", this(told_of), kind="SubOrchestrationCompleted")
    return one


def a_result_that_changed_on_its_way(recorded: Recorded) -> str:
    one = root(recorded)
    told_of = event(recorded, one, "SubOrchestrationCompleted")
    recorded.change("history", this(told_of), data=encoded([]))
    return one


def an_uncalled_child(recorded: Recorded) -> str:
    one = root(recorded)
    (book,) = recorded.lines("executions", where(instance=_child(one)))
    recorded.add("executions", {**book, "instance": f"{one}::sub::77"})
    return one


def a_child_that_never_ends(recorded: Recorded) -> str:
    one = root(recorded)
    recorded.change("executions", where(instance=_child(one)), status="Running", output=None)
    return one


MISSING, UNLINKED = "a child is missing", "a child does not name its parent"
OTHER_END = "told another end than the child had"
DAMAGES: list[tuple[Damage, str]] = [
    (a_lost_child, MISSING),
    (a_lost_grandchild, MISSING),
    (a_child_of_another, UNLINKED),
    (an_orphan, UNLINKED),
    (a_failure_told_of_a_completed_child, OTHER_END),
    (a_completion_told_of_a_failed_child, OTHER_END),
    (a_result_that_changed_on_its_way, "told another result than the child gave"),
    (an_uncalled_child, "a child nobody called"),
    (a_child_that_never_ends, "a child outlived its parent"),
]


@pytest.mark.parametrize(("damage", "what"), DAMAGES, ids=[d.__name__ for d, _ in DAMAGES])
def test_a_family_that_does_not_hold(recorded: Recorded, damage: Damage, what: str) -> None:
    """The parent is named, with what is wrong with its child."""
    assert (damage(recorded), what) in told(recorded, "children")


def test_a_child_that_was_never_called(recorded: Recorded) -> None:
    """A parent without the call, and a store without the child, miss what the program makes."""
    one = root(recorded)
    called = event(recorded, one, "SubOrchestrationScheduled")
    _lose(recorded, _child(one))
    recorded.drop("history", where(instance=one, source=called["event_id"]))
    remove(recorded, called)
    assert (one, "not the events its program makes") in told(recorded, "history")


NAMES = ["", "any", "x::sub::2", "\0\n\x1b[m</script>\"'\\", '","instance":"other', "h" * 100_000]


def _name(recorded: Recorded, name: str) -> tuple[str, Line]:
    """Let the first child of the first family have an id of its caller's choice, and an input that
    is no JSON: the call and the child's records say it."""
    one = root(recorded)
    called = event(recorded, one, "SubOrchestrationScheduled")
    data = f'{{"name":"level-1","instance":{encoded(name)},"input":[NaN,"\\ud800"]}}'
    recorded.change("history", this(called), data=data)
    for file in ("executions", "history"):
        recorded.change(file, where(instance=_child(one)), instance=name)
    recorded.change("executions", where(parent=_child(one)), parent=name)
    for file in ("executions", "history"):
        for below in ("sub::2", "sub::3"):
            recorded.change(
                file, where(instance=f"{_child(one)}::{below}"), instance=f"{name}::{below}"
            )
    return one, called


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:12])
def test_a_child_whose_id_its_caller_chose(recorded: Recorded, name: str) -> None:
    """It is followed like any other, whatever the id."""
    one, _ = _name(recorded, name)
    assert told(recorded, "children") == set()
    recorded.change("executions", where(instance=name), parent=None)
    assert (one, UNLINKED) in told(recorded, "children")


@pytest.mark.parametrize("owner", ["another", "itself"])
def test_a_call_that_failed_because_its_id_was_taken(recorded: Recorded, owner: str) -> None:
    """It leads to no child: whose id that is need not name the caller, nor have failed."""
    one = root(recorded)
    taken = root(recorded, nth=1) if owner == "another" else one
    called = event(recorded, one, "SubOrchestrationScheduled")
    answered = event(recorded, one, "SubOrchestrationCompleted")
    assert answered["source"] == called["event_id"]
    for name in ("executions", "history"):
        recorded.drop(name, lambda line: line["instance"].startswith(_child(one)))
    data = encoded({"name": "level-1", "instance": taken, "input": 1})
    recorded.change("history", this(called), data=data)
    message = f"sub-orchestration instance id '{taken}' already exists and is terminal"
    failed = {"kind": "SubOrchestrationFailed", "data": encoded({"Application": message})}
    recorded.change("history", this(answered), **failed)
    assert told(recorded, "children") == set()
    recorded.change("history", this(answered), data=encoded({"Application": "it broke"}))
    assert (one, UNLINKED) in told(recorded, "children")


def test_a_parent_that_was_cancelled_before_its_child_began(recorded: Recorded) -> None:
    """The call is in its history, the child is nowhere, and nobody was told of an end."""
    one = root(recorded)
    told_of = event(recorded, one, "SubOrchestrationCompleted")
    recorded.drop("history", this(told_of))
    child = f"{one}::sub::{told_of['source']}"
    _lose(recorded, child)
    for name in ("executions", "history"):
        recorded.drop(name, lambda line: line["instance"].startswith(f"{child}::"))
    assert told(recorded, "children") == set()


def test_children_of_a_hanging_parent_may_run(recorded: Recorded) -> None:
    """Nobody has outlived anybody while both are running."""
    one = root(recorded)
    for instance in (one, _child(one)):
        recorded.change("executions", where(instance=instance), status="Running", output=None)
    told_of = event(recorded, one, "SubOrchestrationCompleted")
    recorded.drop("history", this(told_of))
    assert told(recorded, "children") == set()
