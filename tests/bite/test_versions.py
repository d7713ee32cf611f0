"""Versions: instances that change over to other code, and new ones that begin with the old."""

import json
from typing import Any

import pytest

from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import CELLS, RecordingOf, book, event, fail, give, op_of, told

CHANGED = "changed its version on the way"
LATE = "began with old code though only newer was served"


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """A cell in the middle of which newer code took over."""
    return recording_of(CELLS["versions"])


def moment(recorded: Recorded, what: str) -> int:
    """When the first node did that, in ns."""
    return int(recorded.lines("nodes", where(node="host-0", what=what))[0]["at_ns"])


def begun_as(recorded: Recorded, version: str) -> list[str]:
    """Instances that began with this version, in order."""
    return [
        line["instance"]
        for line in recorded.lines("history", where(kind="OrchestrationStarted"))
        if json.loads(line["data"])["version"] == version
    ]


def owed(recorded: Recorded, instance: str, version: str) -> Any:
    """What an instance of that version gives."""
    (line,) = recorded.lines("ops", where(type="invoke", instance=instance))
    return line["expect"]["versions"][version]


def restart_as(recorded: Recorded, instance: str, version: str) -> None:
    """Let the history say that the instance began with another version."""
    line = event(recorded, instance, "OrchestrationStarted")
    data = json.dumps({**json.loads(line["data"]), "version": version})
    recorded.change("history", where(instance=instance, kind="OrchestrationStarted"), data=data)


def test_some_crossed_and_some_began_anew(recorded: Recorded) -> None:
    """Both versions were begun with, and the check has seen who lived through the change."""
    check = recorded.checks("versions")["versions"]
    assert check.verdict is Verdict.OK
    assert check.seen >= 2
    old, new = begun_as(recorded, "1.0.0"), begun_as(recorded, "2.0.0")
    assert check.note == f"{len(old)} began with 1.0.0, {len(new)} began with 2.0.0"
    assert min(len(old), len(new)) >= 2


@pytest.mark.parametrize(("began", "ended"), [("1.0.0", "2.0.0"), ("2.0.0", "1.0.0")])
def test_an_instance_that_changed_over(recorded: Recorded, began: str, ended: str) -> None:
    """Its output is right for the other version, so the outputs check alone would let it pass."""
    one = begun_as(recorded, began)[0]
    give(recorded, op_of(recorded, one), owed(recorded, one, ended))
    book(recorded, op_of(recorded, one), owed(recorded, one, ended))
    assert told(recorded, "versions") == {(one, CHANGED)}
    assert told(recorded, "outputs") == set()


def test_an_output_of_neither_version(recorded: Recorded) -> None:
    """The outputs check has it, and once is enough."""
    one = begun_as(recorded, "1.0.0")[0]
    old, new = (owed(recorded, one, version) for version in ("1.0.0", "2.0.0"))
    give(recorded, op_of(recorded, one), [*old[:2], *new[2:]])
    assert told(recorded, "versions") == set()
    assert told(recorded, "outputs") == {(one, "the client was given a wrong output")}


def test_old_code_after_its_node_has_gone(recorded: Recorded) -> None:
    """Whatever began after the old node had stopped had only newer code to begin with."""
    one = begun_as(recorded, "2.0.0")[-1]
    assert event(recorded, one, "OrchestrationStarted")["ts_ms"] * 1e6 > moment(recorded, "stopped")
    restart_as(recorded, one, "1.0.0")
    give(recorded, op_of(recorded, one), owed(recorded, one, "1.0.0"))
    assert told(recorded, "versions") == {(one, LATE)}


def test_either_code_while_both_nodes_serve(recorded: Recorded) -> None:
    """Before the old node has stopped, it may be its turn."""
    recorded.change("nodes", where(what="stopped"), at_ns=moment(recorded, "stopped") + 10**9)
    one = begun_as(recorded, "2.0.0")[0]
    restart_as(recorded, one, "1.0.0")
    give(recorded, op_of(recorded, one), owed(recorded, one, "1.0.0"))
    assert told(recorded, "versions") == set()


def test_a_version_that_nobody_has(recorded: Recorded) -> None:
    """The engine made it up."""
    one = begun_as(recorded, "1.0.0")[0]
    restart_as(recorded, one, "1.5.0")
    assert told(recorded, "versions") == {(one, "began with a version that nobody had")}


def test_a_wrong_replay_shows_as_a_failure(recorded: Recorded) -> None:
    """The new node ran old histories with new code, and the engine noticed: instances fail."""
    one = begun_as(recorded, "1.0.0")[0]
    fail(recorded, op_of(recorded, one), "nondeterministic", category="configuration")
    assert told(recorded, "success") == {(one, "configuration failure")}


@pytest.mark.parametrize("what", ["stopping", "stopped"])
def test_an_upgrade_that_never_came(recorded: Recorded, what: str) -> None:
    """Nothing was proven, and the cell is unknown."""
    recorded.drop("nodes", where(what=what))
    check = recorded.checks("versions")["versions"]
    assert (check.verdict, check.seen) == (Verdict.UNKNOWN, 0)
    assert check.note == "the node with the old code was never replaced"
    assert recorded.judged().verdict is Verdict.UNKNOWN


def test_an_upgrade_that_nobody_lived_through(recorded: Recorded) -> None:
    """Instances before and after, and none across it."""
    last = max(line["ts_ms"] for line in recorded.lines("history")) * 1_000_000
    for n, what in enumerate(("stopping", "stopped")):
        recorded.change("nodes", where(node="host-0", what=what), at_ns=last + n + 1)
    check = recorded.checks("versions")["versions"]
    assert (check.verdict, check.seen) == (Verdict.UNKNOWN, 0)
    assert check.note.startswith("saw 0 instances that crossed the upgrade, needs 1; ")
