"""Continuation: what is lost or changed between two generations."""

import pytest

from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import CELLS, RecordingOf, event, root, told

GENERATIONS = 4


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """Instances of four generations each."""
    return recording_of(CELLS["long-running"])


def test_every_border_is_seen(recorded: Recorded) -> None:
    """One less than generations, of every instance."""
    check = recorded.checks("continuation")["continuation"]
    launched = len(recorded.lines("ops", where(type="invoke")))
    assert (check.verdict, check.seen) == (Verdict.OK, (GENERATIONS - 1) * launched)


def test_nothing_came_after_a_generation(recorded: Recorded) -> None:
    """At rest an instance stands between two generations for ever."""
    one = root(recorded)
    for name in ("executions", "history"):
        recorded.drop(name, where(instance=one, execution=GENERATIONS))
    assert told(recorded, "continuation") == {(one, "nothing came after a generation")}
    recorded.drop("ops", where(type="mark", name="at_rest"))
    assert told(recorded, "continuation") == set()


def test_a_generation_that_began_too_soon(recorded: Recorded) -> None:
    """Before the one before it had ended."""
    one = root(recorded)
    begun = event(recorded, one, "OrchestrationStarted", nth=2)
    ended = event(recorded, one, "OrchestrationContinuedAsNew", nth=1)
    of = where(instance=one, execution=begun["execution"], event_id=1)
    recorded.change("history", of, ts_ms=ended["ts_ms"] - 2)
    words = "a generation began before the one before it had ended"
    assert told(recorded, "continuation") == {(one, words)}


def test_a_generation_that_was_given_something_else(recorded: Recorded) -> None:
    """What one hands over the next must be given, where the history has both."""
    one = root(recorded)
    of = where(instance=one, execution=2, kind="OrchestrationContinuedAsNew")
    (line,) = recorded.lines("history", of)
    recorded.change("history", of, data=line["data"].replace('generation":2', 'generation":1'))
    words = "a generation was given another input than it was handed"
    assert told(recorded, "continuation") == {(one, words)}


def test_an_engine_that_does_not_say_what_it_handed_over(recorded: Recorded) -> None:
    """Then only the order is looked at: Duroxide's own event has no data."""
    recorded.change("history", where(kind="OrchestrationContinuedAsNew"), data=None)
    check = recorded.checks("continuation")["continuation"]
    assert (check.verdict, check.found) == (Verdict.OK, 0)
