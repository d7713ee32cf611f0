"""Races: winners that did not win, losers that were not cancelled or came back, and what is right."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from duroxide_stress.engines.reference.instance import Cancel, Done, Instance, Message
from duroxide_stress.engines.reference.workers import Workers
from duroxide_stress.engines.reference.world import World
from duroxide_stress.program import Json
from duroxide_stress.verdict import Verdict
from duroxide_stress.walk import First, Sleep
from recordings.make import Line, Recorded, Which, encoded, make_run, small_cell, where

from .planted import CELLS, RecordingOf, book, event, give, insert, op_of, remove, root, this, told

LONG, TIMERS, CHILD = 0, 4, 5
"""Races of an instance: an activity against a longer one, timer against timer, a child that loses."""
GIVEN, BOOKED = "the client was given another winner", "the books hold another winner"
NOT_CANCELLED, TWICE = "a loser was not cancelled", "cancelled more than once"
TAKEN, BEGAN = "a cancelled activity's result was taken", "a cancelled activity began"
WENT_ON = "a cancelled child went on"


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """Instances that ran races of all seven kinds."""
    return recording_of(CELLS["races"])


def of(instance: str, kind: str) -> Which:
    """Events of this kind of one instance."""
    return where(instance=instance, kind=kind)


def output_of(recorded: Recorded, instance: str) -> list[dict[str, Any]]:
    """What the client was given."""
    (line,) = recorded.lines("ops", where(type="ok", op=op_of(recorded, instance)))
    output: list[dict[str, Any]] = line["output"]
    return output


def other_timer(recorded: Recorded, instance: str) -> list[dict[str, Any]]:
    """An output that the oracle allows, and that names the timer which did not fire first."""
    output = output_of(recorded, instance)
    output[TIMERS]["winner"] = 1 - output[TIMERS]["winner"]
    return output


def completion_of(recorded: Recorded, schedule: Line) -> Line:
    """The completion of what was scheduled."""
    found = where(instance=schedule["instance"], source=schedule["event_id"])
    kinds = ("ActivityCompleted", "TimerFired", "SubOrchestrationCompleted")
    (line,) = recorded.lines("history", lambda e: found(e) and e["kind"] in kinds)
    return line


def lost_activity(recorded: Recorded, instance: str) -> tuple[Line, Line, Line]:
    """The long activity of the first race, its rival's completion, and its cancel request."""
    rival, lost = (event(recorded, instance, "ActivityScheduled", nth) for nth in (0, 1))
    cancel = event(recorded, instance, "ActivityCancelRequested")
    assert cancel["source"] == lost["event_id"]
    return lost, completion_of(recorded, rival), cancel


def result(lost: Line, like: Line, event_id: int) -> Line:
    """The event that takes the result of a lost activity, at this place, in the turn of another."""
    source, data = lost["event_id"], encoded({"token": token_of(lost), "value": 1})
    taken = {"event_id": event_id, "kind": "ActivityCompleted", "source": source, "data": data}
    return {**lost, **taken, "ts_ms": like["ts_ms"]}


def token_of(schedule: Line) -> str:
    """The step that an activity is of."""
    return str(json.loads(schedule["data"])["input"]["token"])


def ran(recorded: Recorded, schedule: Line, ended_ms: int) -> None:
    """Let an activity have run once, until then."""
    token = token_of(schedule)
    others = recorded.lines("effects", lambda effect: effect["token"] != token)
    run = {"token": token, "instance": schedule["instance"], "run": 9_999, "node": "host-0"}
    begun = {**run, "phase": "begin", "at_ns": schedule["ts_ms"] * 1_000_000}
    recorded.put(
        "effects", [*others, begun, {**run, "phase": "end", "at_ns": ended_ms * 1_000_000}]
    )


def lost_child(recorded: Recorded, instance: str) -> tuple[Line, str, int]:
    """The cancel request for the child that lost, its id, and when that was surely committed."""
    cancel = event(recorded, instance, "SubOrchestrationCancelRequested")
    after = recorded.lines(
        "history",
        lambda e: (
            e["instance"] == instance
            and e["event_id"] > cancel["event_id"]
            and e["kind"] == "SubOrchestrationCompleted"
        ),
    )
    return cancel, f"{instance}::sub::{cancel['source']}", after[0]["ts_ms"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [((give,), {GIVEN}), ((book,), {BOOKED}), ((give, book), {GIVEN, BOOKED})],
    ids=["client", "books", "both"],
)
def test_the_other_winner(recorded: Recorded, damage: tuple[Any, ...], words: set[str]) -> None:
    """Either timer may win, so the output alone is right; the history knows which one did."""
    one = root(recorded)
    output = other_timer(recorded, one)
    for put in damage:
        put(recorded, op_of(recorded, one), output)
    assert told(recorded, "outputs") == set()
    assert told(recorded, "races") == {(one, what) for what in words}


def test_the_losers_result(recorded: Recorded) -> None:
    """The result of the activity that was cancelled is one the oracle allows."""
    one = root(recorded)
    (line,) = recorded.lines("ops", where(type="invoke", instance=one))
    output = output_of(recorded, one)
    output[LONG] = line["expect"]["output"][LONG]["$any"][1]
    give(recorded, op_of(recorded, one), output)
    assert told(recorded, "outputs") == set()
    assert told(recorded, "races") == {(one, GIVEN)}


def test_both_sides_reported(recorded: Recorded) -> None:
    """Both results are one too many for the oracle, and name no winner."""
    one = root(recorded)
    (line,) = recorded.lines("ops", where(type="invoke", instance=one))
    output: list[Any] = output_of(recorded, one)
    output[LONG] = line["expect"]["output"][LONG]["$any"]
    give(recorded, op_of(recorded, one), output)
    assert {what for _, what in told(recorded, "outputs")} == {
        "the client was given a wrong output"
    }
    assert told(recorded, "races") == {(one, GIVEN)}


@pytest.mark.parametrize("output", [None, 7, "no list", [], {"winner": 0}, [[1]] * 7])
def test_an_output_of_another_shape(recorded: Recorded, output: Any) -> None:
    """What the outputs check calls wrong must not stop this one."""
    one = root(recorded)
    book(recorded, op_of(recorded, one), output)
    assert told(recorded, "races") == {(one, BOOKED)}


def test_books_that_are_no_json(recorded: Recorded) -> None:
    """Nor must an output that cannot be read."""
    one = root(recorded)
    recorded.change("executions", where(instance=one), output="{half a")
    assert told(recorded, "races") == {(one, BOOKED)}


def test_a_race_that_nobody_won(recorded: Recorded) -> None:
    """An instance went on though neither of two timers had fired."""
    one = root(recorded)
    soon = event(recorded, one, "TimerCreated", nth=4)
    remove(recorded, completion_of(recorded, soon))
    assert told(recorded, "races") == {(one, "a race without a winner")}


@pytest.mark.parametrize("kind", ["ActivityCancelRequested", "SubOrchestrationCancelRequested"])
def test_a_loser_that_was_not_cancelled(recorded: Recorded, kind: str) -> None:
    """An activity and a child are told that they lost."""
    one = root(recorded)
    remove(recorded, event(recorded, one, kind))
    assert told(recorded, "races") == {(one, NOT_CANCELLED)}


@pytest.mark.parametrize("kind", ["ActivityCancelRequested", "SubOrchestrationCancelRequested"])
def test_a_loser_that_was_cancelled_twice(recorded: Recorded, kind: str) -> None:
    """Once is enough."""
    one = root(recorded)
    insert(recorded, event(recorded, one, kind))
    assert told(recorded, "races") == {(one, TWICE)}


def test_a_winner_that_was_cancelled(recorded: Recorded) -> None:
    """The cancel went to the wrong side, and so the right one has none."""
    one = root(recorded)
    _, won, cancel = lost_activity(recorded, one)
    recorded.change("history", this(cancel), source=won["source"])
    assert told(recorded, "races") == {(one, "a winner was cancelled"), (one, NOT_CANCELLED)}


def test_a_loser_cancelled_before_it_had_lost(recorded: Recorded) -> None:
    """Nobody had completed when it was cancelled."""
    one = root(recorded)
    _, won, cancel = lost_activity(recorded, one)
    remove(recorded, cancel)
    insert(recorded, {**cancel, "event_id": won["event_id"]})
    assert told(recorded, "races") == {(one, "cancelled before the race was won")}


def test_a_late_result_that_was_taken(recorded: Recorded) -> None:
    """It ended when its cancel was long committed, and stands in the history all the same."""
    one = root(recorded)
    lost, *_ = lost_activity(recorded, one)
    end = event(recorded, one, "OrchestrationCompleted")
    ran(recorded, lost, ended_ms=end["ts_ms"] - 1)
    insert(recorded, result(lost, end, end["event_id"]))
    assert told(recorded, "races") == {(one, TAKEN)}


@pytest.mark.parametrize("place", ["before the cancel", "after the cancel", "in the next turn"])
def test_a_result_that_was_on_its_way(recorded: Recorded, place: str) -> None:
    """It had ended before the cancel was committed: the engine books it and drops it, rightly."""
    one = root(recorded)
    lost, won, cancel = lost_activity(recorded, one)
    ran(recorded, lost, ended_ms=won["ts_ms"])
    following = completion_of(recorded, event(recorded, one, "ActivityScheduled", 2))
    at = {
        "before the cancel": won["event_id"] + 1,
        "after the cancel": cancel["event_id"] + 1,
        "in the next turn": following["event_id"] + 1,
    }[place]
    insert(recorded, result(lost, following, at))
    assert told(recorded, "races") == told(recorded, "history") == set()


@pytest.mark.parametrize(("later", "found"), [(False, set()), (True, {NOT_CANCELLED})])
def test_a_loser_that_completed_needs_no_cancel(
    recorded: Recorded, later: bool, found: set[str]
) -> None:
    """Where it completed in the turn that decided the race; in a later one it should have had one."""
    one = root(recorded)
    lost, won, cancel = lost_activity(recorded, one)
    remove(recorded, cancel)
    following = completion_of(recorded, event(recorded, one, "ActivityScheduled", 2))
    at = following if later else won
    insert(recorded, result(lost, at, at["event_id"] + 1))
    assert told(recorded, "races") == {(one, what) for what in found}


@pytest.mark.parametrize(("after_ms", "is_late"), [(-5, False), (1_000, False), (1_002, True)])
def test_a_cancelled_activity_that_begins(recorded: Recorded, after_ms: int, is_late: bool) -> None:
    """Within a second a worker may have had it already; after that nobody may begin it."""
    one = root(recorded)
    lost, *_ = lost_activity(recorded, one)
    committed = completion_of(recorded, event(recorded, one, "ActivityScheduled", 2))["ts_ms"]
    at_ns = (committed + after_ms) * 1_000_000
    run = {"token": token_of(lost), "instance": one, "run": 9_999, "node": "host-0"}
    recorded.add("effects", {**run, "phase": "begin", "at_ns": at_ns})
    assert told(recorded, "races") == ({(one, BEGAN)} if is_late else set())


@pytest.mark.parametrize("kind", ["OrchestrationCompleted", "OrchestrationFailed"])
@pytest.mark.parametrize(("after_ms", "late"), [(900, False), (2_000, True)])
def test_a_child_that_goes_on(recorded: Recorded, kind: str, after_ms: int, late: bool) -> None:
    """It knew of no cancel in a turn that began when that was long committed."""
    one = root(recorded)
    _, child, committed = lost_child(recorded, one)
    turn = event(recorded, child, "OrchestrationCancelRequested")
    called = event(recorded, child, "SubOrchestrationScheduled")["event_id"]
    done = {"kind": "SubOrchestrationCompleted", "source": called, "ts_ms": committed + after_ms}
    recorded.change("history", this(turn), **done)
    recorded.change("history", of(child, "OrchestrationFailed"), kind=kind)
    assert told(recorded, "races") == ({(one, WENT_ON)} if late else set())


def test_a_child_that_hears_of_its_cancel_late(recorded: Recorded) -> None:
    """Its first turn may have waited that long: it begins, is cancelled, and its code runs once."""
    one = root(recorded)
    _, child, committed = lost_child(recorded, one)
    called = event(recorded, child, "SubOrchestrationScheduled")
    remove(recorded, called)
    end = event(recorded, child, "OrchestrationFailed")
    insert(recorded, {**called, "event_id": end["event_id"]})
    recorded.change("history", where(instance=child), ts_ms=committed + 5_000)
    assert told(recorded, "races") == set()


def test_a_child_that_failed_by_itself(recorded: Recorded) -> None:
    """Its program plans no failure: what is not the cancel is the engine's."""
    one = root(recorded)
    _, child, _ = lost_child(recorded, one)
    recorded.change("executions", where(instance=child), category="infrastructure", error="locked")
    assert told(recorded, "races") == {(one, "a cancelled child failed otherwise")}


def test_the_end_of_a_lost_child_is_told(recorded: Recorded) -> None:
    """Duroxide books it in the parent after the cancel request, where nobody waits for it."""
    one = root(recorded)
    cancel, _, _ = lost_child(recorded, one)
    told_end = {**cancel, "event_id": cancel["event_id"] + 1, "kind": "SubOrchestrationFailed"}
    insert(recorded, told_end)
    assert (
        told(recorded, "races") == told(recorded, "history") == told(recorded, "children") == set()
    )


def test_a_lost_timer_that_fires(recorded: Recorded) -> None:
    """Timers are not cancelled; one that is due while its instance lives on fires."""
    one = root(recorded)
    late = recorded.lines("history", of(one, "TimerCreated"))[0]
    end = event(recorded, one, "OrchestrationCompleted")
    fired = {"kind": "TimerFired", "source": late["event_id"], "data": None}
    insert(recorded, {**end, **fired, "ts_ms": json.loads(late["data"])["fireAtMs"]})
    assert told(recorded, "races") == told(recorded, "history") == set()


def test_an_instance_with_other_schedules_is_left_out(recorded: Recorded) -> None:
    """Its sides cannot be told apart; the history check says why."""
    before = recorded.checks("races")["races"].seen
    one = root(recorded)
    insert(recorded, event(recorded, one, "TimerCreated"))
    assert told(recorded, "races") == set()
    assert recorded.checks("races")["races"].seen == before - 7
    assert (one, "not the events its program makes") in told(recorded, "history")


@pytest.mark.parametrize(("scenario", "each"), [("races", 7), ("timers", 1), ("parallel", 0)])
def test_what_is_asked(recording_of: RecordingOf, scenario: str, each: int) -> None:
    """Wherever instances end with races, each of them is seen."""
    recorded = recording_of(CELLS[scenario])
    check = recorded.checks("races")["races"]
    assert check.asked is (each > 0)
    assert check.seen == each * len(recorded.lines("ops", where(type="invoke")))
    assert check.verdict is (Verdict.OK if each else Verdict.UNKNOWN)


def test_without_books_nothing_is_proven(recorded: Recorded) -> None:
    """A cell that was cut off is unknown."""
    (recorded.directory / "end.json").unlink()
    assert recorded.checks("races")["races"].verdict is Verdict.UNKNOWN


def never_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losers are forgotten, but nobody tells them."""
    monkeypatch.setattr(World, "_revoke", lambda world, instance, event: None)


def takes_late_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """An activity's result is booked whether anybody waits for it or not."""
    right = World._complete_leaf

    def complete(world: World, instance: Instance, done: Done) -> None:
        if done.kind == "ActivityCompleted" and done.source not in instance.open:
            world._append(instance, done.kind, done.source, done.result)
        right(world, instance, done)

    monkeypatch.setattr(World, "_complete_leaf", complete)


def takes_the_other_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two timers the one that has not fired is said to have won."""
    right = World._resume

    def resume(world: World, instance: Instance, value: Json, error: str | None = None) -> None:
        command = instance.command
        if isinstance(command, First) and isinstance(command.first, Sleep):
            value = [1 - value[0], None] if isinstance(command.second, Sleep) else value
        right(world, instance, value, error)

    monkeypatch.setattr(World, "_resume", resume)


def keeps_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled activity stays in the queue until a worker takes it."""
    monkeypatch.setattr(Workers, "withdraw", lambda workers, instance, scheduled: None)


def loses_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    """No child ever hears of its cancel."""
    right = World.send

    def send(world: World, instance: Instance, message: Message) -> None:
        if not isinstance(message, Cancel):
            right(world, instance, message)

    monkeypatch.setattr(World, "send", send)


@pytest.mark.parametrize(
    ("defect", "options", "config", "what"),
    [
        (never_cancels, {}, {}, NOT_CANCELLED),
        (takes_late_results, {}, {}, TAKEN),
        (takes_the_other_timer, {}, {}, GIVEN),
        (keeps_the_queue, {"long_ms": 900}, {"duration_secs": 4, "worker_concurrency": 1}, BEGAN),
        (loses_cancels, {"late_ms": 1_500}, {"duration_secs": 4}, WENT_ON),
    ],
)
def test_an_engine_with_a_defect(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    defect: Callable[[pytest.MonkeyPatch], None],
    options: dict[str, int],
    config: dict[str, Any],
    what: str,
) -> None:
    """The reference engine without one of its rules: the check finds it, in those very words."""
    defect(monkeypatch)
    run = make_run(tmp_path_factory.mktemp("bad") / "run", small_cell("races", options, **config))
    assert what in {words for _, words in told(Recorded(run), "races")}


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ({"long_ms": 900}, {"duration_secs": 4, "worker_concurrency": 1}),
        ({"late_ms": 1_500}, {"duration_secs": 4}),
    ],
)
def test_the_same_engine_without_a_defect(
    recording_of: RecordingOf, options: dict[str, int], config: dict[str, Any]
) -> None:
    """It is the defect that was found above, and not the load."""
    recorded = recording_of(small_cell("races", options, **config))
    assert told(recorded, "races") == set()


def test_a_winner_in_a_users_own_output_is_no_race(recording_of: RecordingOf) -> None:
    """An output that is owed as it is, and is no result of ours."""
    recorded = recording_of(CELLS["parallel"])
    (line, *_) = recorded.lines("ops", where(type="invoke"))
    owed = {**line["expect"], "output": [{"winner": "alice"}]}
    recorded.change("ops", where(type="invoke"), expect=owed)
    assert not recorded.checks("races")["races"].asked
