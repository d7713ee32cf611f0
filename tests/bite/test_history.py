"""History: what the engine's own books may not look like, and what they may."""

from collections.abc import Callable

import pytest

from recordings.make import Recorded, where

from .planted import CELLS, RecordingOf, event, insert, op_of, remove, root, this, told

Damage = Callable[[Recorded], str]
"""Damages one instance's history and returns its id."""


def a_gap(recorded: Recorded) -> str:
    one = root(recorded)
    recorded.drop("history", where(instance=one, event_id=4))
    return one


def an_id_given_twice(recorded: Recorded) -> str:
    one = root(recorded)
    recorded.change("history", where(instance=one, event_id=4), event_id=3)
    return one


def ids_from_zero(recorded: Recorded) -> str:
    one = root(recorded)
    insert(recorded, {**event(recorded, one, "OrchestrationStarted"), "event_id": 0})
    return one


def no_start(recorded: Recorded) -> str:
    one = root(recorded)
    remove(recorded, event(recorded, one, "OrchestrationStarted"))
    return one


def two_ends(recorded: Recorded) -> str:
    one = root(recorded)
    insert(recorded, event(recorded, one, "OrchestrationCompleted"))
    return one


def completed_and_failed(recorded: Recorded) -> str:
    one = root(recorded)
    end = event(recorded, one, "OrchestrationCompleted")
    insert(recorded, {**end, "kind": "OrchestrationFailed"})
    return one


def no_end(recorded: Recorded) -> str:
    one = root(recorded)
    remove(recorded, event(recorded, one, "OrchestrationCompleted"))
    return one


def life_after_the_end(recorded: Recorded) -> str:
    one = root(recorded)
    end = event(recorded, one, "OrchestrationCompleted")
    recorded.add("history", {**end, "event_id": end["event_id"] + 1, "kind": "KeyValueSet"})
    return one


def failed_books_of_a_completed_history(recorded: Recorded) -> str:
    one = root(recorded)
    recorded.change("executions", where(instance=one), status="Failed")
    return one


def a_completion_of_nothing(recorded: Recorded) -> str:
    one = root(recorded)
    recorded.change("history", this(event(recorded, one, "ActivityCompleted")), source=99)
    return one


def a_completion_without_a_source(recorded: Recorded) -> str:
    one = root(recorded)
    recorded.change("history", this(event(recorded, one, "ActivityCompleted")), source=None)
    return one


def a_timer_that_completes_an_activity(recorded: Recorded) -> str:
    one = root(recorded)
    recorded.change("history", this(event(recorded, one, "ActivityCompleted")), kind="TimerFired")
    return one


def a_completion_before_its_schedule(recorded: Recorded) -> str:
    one = root(recorded)
    done = event(recorded, one, "ActivityCompleted")
    recorded.change("history", this(done), source=done["event_id"] + 1, kind="ActivityScheduled")
    recorded.change("history", where(instance=one, event_id=done["source"]), kind="ActivityFailed")
    return one


def a_completion_too_many(recorded: Recorded) -> str:
    one = root(recorded)
    insert(recorded, event(recorded, one, "ActivityCompleted"))
    return one


def completed_and_failed_activity(recorded: Recorded) -> str:
    one = root(recorded)
    insert(recorded, {**event(recorded, one, "ActivityCompleted"), "kind": "ActivityFailed"})
    return one


def a_schedule_too_many(recorded: Recorded) -> str:
    one = root(recorded)
    insert(recorded, event(recorded, one, "ActivityScheduled"))
    return one


def a_lost_completion(recorded: Recorded) -> str:
    one = root(recorded)
    remove(recorded, event(recorded, one, "ActivityCompleted"))
    return one


GAP, COUNTS = "gap in event ids", "not the events its program makes"
NO_SCHEDULE = "completion without its schedule"
DAMAGES: list[tuple[Damage, str]] = [
    (a_gap, GAP),
    (an_id_given_twice, GAP),
    (ids_from_zero, GAP),
    (no_start, "does not begin with OrchestrationStarted"),
    (two_ends, "not exactly one end"),
    (completed_and_failed, "not exactly one end"),
    (no_end, "not exactly one end"),
    (life_after_the_end, "events after the end"),
    (failed_books_of_a_completed_history, "the books have another end"),
    (a_completion_of_nothing, NO_SCHEDULE),
    (a_completion_without_a_source, NO_SCHEDULE),
    (a_timer_that_completes_an_activity, NO_SCHEDULE),
    (a_completion_before_its_schedule, NO_SCHEDULE),
    (a_completion_too_many, "completed more than once"),
    (completed_and_failed_activity, "completed more than once"),
    (a_schedule_too_many, COUNTS),
    (a_lost_completion, COUNTS),
]


@pytest.mark.parametrize(("damage", "what"), DAMAGES, ids=[d.__name__ for d, _ in DAMAGES])
def test_a_history_that_no_engine_may_have(recorded: Recorded, damage: Damage, what: str) -> None:
    """The damage is told in the words for its kind, and of no other instance than the damaged."""
    one = damage(recorded)
    found = told(recorded, "history")
    assert (one, what) in found
    assert {instance for instance, _ in found} == {one}


def a_cancel_request_after_the_end(recorded: Recorded) -> None:
    end = event(recorded, root(recorded), "OrchestrationCompleted")
    more = {"event_id": end["event_id"] + 1, "kind": "ActivityCancelRequested", "source": 2}
    recorded.add("history", {**end, **more})


def a_hanging_instance(recorded: Recorded) -> None:
    one = root(recorded)
    recorded.change("executions", where(instance=one), status="Running", output=None)
    recorded.change("ops", where(op=op_of(recorded, one), type="ok"), type="info", reason="timeout")
    recorded.drop("history", lambda line: line["instance"] == one and line["event_id"] > 3)


def lines_in_another_order(recorded: Recorded) -> None:
    recorded.put("history", reversed(recorded.lines("history")))


@pytest.mark.parametrize(
    "change", [a_cancel_request_after_the_end, a_hanging_instance, lines_in_another_order]
)
def test_what_histories_may_look_like(
    recorded: Recorded, change: Callable[[Recorded], None]
) -> None:
    """None of this is against a promise, or it is another check's matter."""
    change(recorded)
    assert told(recorded, "history") == set()


def test_a_lost_generation(recording_of: RecordingOf) -> None:
    """An execution that is missing between two others is missed in the books and in the counts."""
    recorded = recording_of(CELLS["long-running"])
    one = root(recorded)
    for name in ("executions", "history"):
        recorded.drop(name, where(instance=one, execution=2))
    assert told(recorded, "history") == {(one, "executions are not 1 to n"), (one, COUNTS)}


def test_an_attempt_too_many(recording_of: RecordingOf) -> None:
    """A flaky activity was tried once more than its plan makes, and failed."""
    recorded = recording_of(CELLS["failures"])
    one = root(recorded, "failures-flaky")
    for kind in ("ActivityFailed", "ActivityScheduled"):
        insert(recorded, event(recorded, one, kind))
    recorded.change("history", this(event(recorded, one, "ActivityFailed")), source=2)
    assert (one, COUNTS) in told(recorded, "history")


def test_an_attempt_too_few(recording_of: RecordingOf) -> None:
    """It neither ran nor was booked, and the instance completed all the same."""
    recorded = recording_of(CELLS["failures"])
    one = root(recorded, "failures-flaky")
    for kind in ("ActivityFailed", "ActivityScheduled"):
        remove(recorded, event(recorded, one, kind))
    run = recorded.lines("effects", where(instance=one, phase="failed"))[0]["run"]
    recorded.drop("effects", where(instance=one, run=run))
    assert (one, COUNTS) in told(recorded, "history")


def test_a_redelivery_that_used_up_a_planned_failure(recording_of: RecordingOf) -> None:
    """An attempt ran twice and was booked once: one attempt fewer is what then has to come out."""
    recorded = recording_of(CELLS["failures"])
    one = root(recorded, "failures-flaky")
    for kind in ("ActivityFailed", "TimerFired", "TimerCreated", "ActivityScheduled"):
        remove(recorded, event(recorded, one, kind))
    assert told(recorded, "history") == set()
    assert told(recorded, "determinism") == set()
