"""Effects: activities that were booked and never ran, that ran and were never booked, and results
that are not stored as they were returned, and runs that nothing explains."""

import json
from collections.abc import Callable

import pytest

from duroxide_stress.units import NS_PER_MS, NS_PER_SEC
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import CELLS, RecordingOf, event, fail, op_of, refuse, root, this, told

Damage = Callable[[Recorded], None]
"""Damages the first instance."""


def _first(recorded: Recorded) -> str:
    return f"{root(recorded)}|1|0.0"


def never_ran(recorded: Recorded) -> None:
    recorded.drop("effects", where(token=_first(recorded)))


def never_ended(recorded: Recorded) -> None:
    recorded.drop("effects", where(token=_first(recorded), phase="end"))


def ran_another_step(recorded: Recorded) -> None:
    recorded.change("effects", where(token=_first(recorded)), token=f"{root(recorded)}|1|0.9")


def ran_in_another_execution(recorded: Recorded) -> None:
    effects = recorded.lines("effects", where(token=_first(recorded)))
    recorded.add("effects", *({**e, "token": f"{root(recorded)}|2|0.0"} for e in effects))


def another_value(recorded: Recorded) -> None:
    done = event(recorded, root(recorded), "ActivityCompleted")
    recorded.swap("history", this(done), r'"value\":', r'"value\":1')


def another_steps_result(recorded: Recorded) -> None:
    first, second = (event(recorded, root(recorded), "ActivityCompleted", n) for n in (0, 1))
    recorded.change("history", this(first), data=second["data"])


def no_result(recorded: Recorded) -> None:
    recorded.change(
        "history", this(event(recorded, root(recorded), "ActivityCompleted")), data=None
    )


NEVER, FEWER = "booked as done, but never ran", "fewer activities ran than its program needs"
AGAIN, TWICE = "ran again after it was booked as done", "ran twice at once"
UNSCHEDULED, OTHER = "ran, but nobody scheduled it", "stored another result than it returns"
DAMAGES: list[tuple[Damage, set[str]]] = [
    (never_ran, {NEVER, FEWER}),
    (never_ended, {NEVER, FEWER}),
    (ran_another_step, {NEVER, UNSCHEDULED}),
    (ran_in_another_execution, {UNSCHEDULED}),
    (another_value, {OTHER}),
    (another_steps_result, {OTHER}),
    (no_result, {OTHER}),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGES, ids=[d.__name__ for d, _ in DAMAGES])
def test_books_that_reality_does_not_bear_out(
    recorded: Recorded, damage: Damage, words: set[str]
) -> None:
    """Each side is held against the other, step by step and not by sums."""
    one = root(recorded)
    damage(recorded)
    assert told(recorded, "effects") == {(one, word) for word in words}


def run_again(recorded: Recorded, token: str, after_ms: int, node: str = "host-0") -> None:
    """Let the step have run once more, so long after its first beginning."""
    first = recorded.lines("effects", where(token=token))
    by = after_ms * NS_PER_MS
    recorded.add(
        "effects", *({**e, "run": 9_999, "node": node, "at_ns": e["at_ns"] + by} for e in first)
    )


def test_an_activity_may_run_more_than_once(recorded: Recorded) -> None:
    """At least once is the promise: an acknowledgement that fails is followed by another run."""
    run_again(recorded, _first(recorded), after_ms=50)
    check = recorded.checks("effects")["effects"]
    assert (check.verdict, check.note) == (Verdict.OK, "1 activity ran more than once")


def test_a_run_after_its_completion_was_booked(recorded: Recorded) -> None:
    """What is booked as done has left the queue: nobody may take it any more."""
    done = event(recorded, root(recorded), "ActivityCompleted")
    (scheduled,) = recorded.lines(
        "history", where(instance=root(recorded), event_id=done["source"], execution=1)
    )
    token = json.loads(scheduled["data"])["input"]["token"]
    begun_ms = recorded.lines("effects", where(token=token))[0]["at_ns"] // NS_PER_MS
    grace_ends_ms = done["ts_ms"] + 1_000 - begun_ms
    run_again(recorded, token, after_ms=grace_ends_ms - 5)
    assert told(recorded, "effects") == set()
    recorded.drop("effects", where(run=9_999))
    run_again(recorded, token, after_ms=grace_ends_ms + 5)
    assert told(recorded, "effects") == {(root(recorded), AGAIN)}


def test_a_retry_runs_after_the_attempt_before_it(recording_of: RecordingOf) -> None:
    """Attempts of one step have one token; only its last one can be done."""
    recorded = recording_of(CELLS["failures"])
    one = root(recorded, "failures-flaky")
    attempts = recorded.lines("effects", where(instance=one, phase="failed"))
    assert len({attempt["token"] for attempt in attempts}) == 1
    assert len(attempts) == 2
    assert told(recorded, "effects") == set()
    assert recorded.checks("effects")["effects"].note == ""


def test_two_runs_at_once(recorded: Recorded) -> None:
    """Within the time that a lock lasts, nobody else can have taken the work."""
    run_again(recorded, _first(recorded), after_ms=5)
    assert told(recorded, "effects") == {(root(recorded), TWICE)}


def stretch(recorded: Recorded, secs: int) -> None:
    """Let the first step have run for so long, whatever was booked in the meantime."""
    end = recorded.lines("effects", where(token=_first(recorded), phase="end"))[0]
    recorded.change(
        "effects",
        where(token=_first(recorded), phase="end"),
        at_ns=end["at_ns"] + secs * NS_PER_SEC,
    )
    done = event(recorded, root(recorded), "ActivityCompleted")
    for line in recorded.lines("history", where(instance=root(recorded), kind=done["kind"])):
        recorded.change("history", this(line), ts_ms=line["ts_ms"] + 2 * secs * 1_000)


def test_two_runs_at_once_when_a_lock_may_have_been_lost(recorded: Recorded) -> None:
    """An activity that runs for longer than a lock lasts may be taken by another."""
    stretch(recorded, 40)
    run_again(recorded, _first(recorded), after_ms=24_000)
    assert (root(recorded), TWICE) in told(recorded, "effects")
    recorded.drop("effects", where(run=9_999))
    run_again(recorded, _first(recorded), after_ms=31_000)
    assert (root(recorded), TWICE) not in told(recorded, "effects")


def test_two_runs_at_once_when_a_node_was_told_to_stop(recorded: Recorded) -> None:
    """It may let go of what it has: another node may begin it at once."""
    run_again(recorded, _first(recorded), after_ms=5, node="host-1")
    assert told(recorded, "effects") == {(root(recorded), TWICE)}
    begun_ns = recorded.lines("effects", where(token=_first(recorded)))[0]["at_ns"]
    stop = {"node": "host-0", "what": "stopping", "version": "1.0.0"}
    recorded.add("nodes", {**stop, "at_ns": begun_ns + NS_PER_MS})
    assert told(recorded, "effects") == set()


def test_two_runs_at_once_when_the_host_died(recorded: Recorded) -> None:
    """Who dies holds no lock for long."""
    run_again(recorded, _first(recorded), after_ms=5)
    recorded.edit("end.json", ended="host-died", reason="killed")
    assert told(recorded, "effects") == set()


def test_a_begin_without_an_end_may_be(recorded: Recorded) -> None:
    """A host was killed at work, and another did the work again."""
    begin = recorded.lines("effects", where(token=_first(recorded), phase="begin"))
    recorded.add("effects", *begin)
    assert told(recorded, "effects") == set()


def test_one_lost_and_one_doubled_do_not_cancel_out(recorded: Recorded) -> None:
    """The sum is right, and the lost one is found."""
    never_ran(recorded)
    recorded.double("effects", where(token=f"{root(recorded)}|1|0.1"))
    assert (root(recorded), NEVER) in told(recorded, "effects")


def test_a_failed_instance_owes_no_activities(recorded: Recorded) -> None:
    """What an unplanned failure left undone is the success check's matter."""
    one = root(recorded)
    fail(recorded, op_of(recorded, one), "broken", category="application")
    recorded.drop("history", where(instance=one, source=4))
    recorded.drop("effects", where(token=f"{one}|1|0.2"))
    assert told(recorded, "effects") == set()


def test_an_instance_that_the_books_do_not_know(recorded: Recorded) -> None:
    """A refused start that ran all the same, or a lost instance, is told by other checks."""
    refuse(recorded, 5, "store is read-only")
    assert told(recorded, "effects") == set()


def test_a_planned_failure_that_never_happened(recording_of: RecordingOf) -> None:
    """The engine books a failed attempt that no host has seen."""
    recorded = recording_of(CELLS["failures"])
    one = root(recorded, "failures-flaky")
    attempt = recorded.lines("effects", where(instance=one, phase="failed"))[0]
    recorded.drop("effects", where(instance=one, phase="failed", run=attempt["run"]))
    assert told(recorded, "effects") == {(one, "booked as failed, but never ran")}


@pytest.mark.parametrize("side", ["ActivityScheduled", "ActivityCompleted"])
def test_one_character_of_a_payload(recording_of: RecordingOf, side: str) -> None:
    """What was sent and what came back are both stored to the letter."""
    recorded = recording_of(CELLS["large-payload"])
    one = root(recorded)
    line = event(recorded, one, side)
    recorded.change("history", this(line), data=line["data"][::-1].replace("✓", "✗", 1)[::-1])
    assert told(recorded, "effects") == {(one, OTHER)}


def test_books_that_were_not_copied_out_are_no_ok(recorded: Recorded) -> None:
    """Without histories nothing can be held against what ran."""
    (recorded.directory / "end.json").unlink()
    check = recorded.checks("effects")["effects"]
    assert (check.verdict, check.found) == (Verdict.UNKNOWN, 0)
