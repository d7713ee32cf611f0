"""Causes: why an instance hangs, in the words of the books and the store."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from recordings.make import Recorded, where

from .planted import CELLS, RecordingOf, end, event, forget, hang, op_of, root


def cause(recorded: Recorded, instance: str) -> str:
    """What the completion check says of this hanging instance, without what the books say."""
    found = recorded.checks("completion")["completion"].findings
    (detail,) = [f.detail for f in found if f.instance == instance]
    return re.split("; (?:books at rest|not in the books)", detail)[0]


def left(recorded: Recorded, instance: str, **row: Any) -> None:
    """Let this have been left over in the store's queues."""
    row = {"what": "queues_empty", "detail": "worker_queue: {...}", "instance": instance, **row}
    audit = {"asked": ["queues_empty"], "problems": [row], "facts": {}}
    (recorded.directory / "store.json").write_text(json.dumps(audit))


def stop_at(recorded: Recorded, instance: str, last: int) -> None:
    """Let an instance have got no further than this event of its last execution."""
    end(recorded, op_of(recorded, instance), type="info", reason="timeout")
    of = where(instance=instance, current=True)
    recorded.change("executions", of, status="Running", instance_status="Running", output=None)
    execution = recorded.lines("executions", of)[0]["execution"]
    recorded.drop(
        "history",
        lambda e: (e["instance"], e["execution"]) == (instance, execution) and e["event_id"] > last,
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"state": "unserved"}, "unserved work: a message lies in its queue and nobody takes it"),
        ({"state": "lock expired"}, "expired lock: its holder has gone and nobody else took over"),
        ({"state": "locked"}, "locked: somebody holds it still"),
        ({"state": "unserved", "attempts": 10}, "poison: a message was taken 10 times"),
        ({"what": "no_lock_left", "state": "lock expired"}, "expired lock: its holder has gone"),
        ({}, "unserved work: a message or a lock is left"),
    ],
)
def test_what_the_store_has_left(recorded: Recorded, row: dict[str, Any], words: str) -> None:
    """Its own rows come before all that the history lets us guess."""
    hang(recorded, 4)
    left(recorded, recorded.instance(4), **row)
    assert cause(recorded, recorded.instance(4)).startswith(words)


def test_an_activity_that_ran_and_was_never_told(recorded: Recorded) -> None:
    """The effect is there, the completion is not, no queue has it: the wake-up is lost."""
    hang(recorded, 4)
    words = "lost wake-up: its activity ran, and nobody told it (event 2 of execution 1)"
    assert cause(recorded, recorded.instance(4)) == words


def test_an_activity_that_never_ran(recorded: Recorded) -> None:
    """It was scheduled, and neither a queue nor an effect has it."""
    hang(recorded, 4)
    recorded.drop("effects", where(instance=recorded.instance(4)))
    words = "lost wake-up: its activity never ran, and no queue has it (event 2 of execution 1)"
    assert cause(recorded, recorded.instance(4)) == words


def test_a_start_of_which_nothing_is_left(recorded: Recorded) -> None:
    """Acknowledged, and the store has nothing of it."""
    hang(recorded, 4)
    forget(recorded, 4)
    words = "never began: the store has nothing of it, and no queue its start"
    assert cause(recorded, recorded.instance(4)) == words


def test_one_that_was_only_slow(recorded: Recorded) -> None:
    """The client gave up, the books have its end: nothing is stuck, whatever is still open in it."""
    instance = recorded.instance(4)
    end(recorded, 4, type="info", reason="timeout")
    recorded.drop("history", where(instance=instance, kind="ActivityCompleted"))
    assert re.fullmatch(
        r"slow, not stuck: it ended \d+\.\d s after it was due", cause(recorded, instance)
    )


def test_an_activity_of_the_users_own_code(recorded: Recorded) -> None:
    """It carries no token, so nobody knows whether it ran."""
    hang(recorded, 4)
    of = where(instance=recorded.instance(4), kind="ActivityScheduled")
    recorded.change("history", of, data='{"name":"ship","input":"order 4"}')
    words = "lost wake-up: its activity has no end, and no queue has it (event 2 of execution 1)"
    assert cause(recorded, recorded.instance(4)) == words


def test_queues_that_nobody_can_look_into(recorded: Recorded) -> None:
    """The engine counts messages in them: no wake-up is called lost."""
    hang(recorded, 4)
    recorded.change("samples", where(source="queues"), worker_queue=1)
    assert cause(recorded, recorded.instance(4)) == (
        "not told: its activity ran, and this store's queues cannot be looked into "
        "(event 2 of execution 1)"
    )


def test_a_timer_that_lost_its_race_is_not_waited_for(recording_of: RecordingOf) -> None:
    """It is not due, and stands in the history; the instance waits for a message."""
    recorded = recording_of(CELLS["events"])
    one = root(recorded, "events-queue")
    stop_at(recorded, one, event(recorded, one, "OrchestrationCompleted")["event_id"] - 1)
    recorded.drop("history", where(instance=one, kind="QueueEventDelivered"))
    due = json.dumps({"fireAtMs": recorded.mark("at_rest") // 1_000_000 + 9_000})
    lost = {**event(recorded, one, "QueueSubscribed"), "event_id": 0, "kind": "TimerCreated"}
    recorded.add("history", {**lost, "data": due})
    assert cause(recorded, one).startswith("waiting for an event: ")


def test_a_subscription_that_lost_its_race_is_not_waited_for(recording_of: RecordingOf) -> None:
    """The history says that it was given up; what else is open counts."""
    recorded = recording_of(CELLS["events"])
    one = root(recorded, "events-queue")
    stop_at(recorded, one, event(recorded, one, "OrchestrationCompleted")["event_id"] - 1)
    recorded.drop("history", where(instance=one, kind="QueueEventDelivered"))
    for asked in recorded.lines("history", where(instance=one, kind="QueueSubscribed")):
        number = 1000 + asked["event_id"]
        gone = {"event_id": number, "kind": "QueueSubscribedCancelled", "source": asked["event_id"]}
        recorded.add("history", {**asked, **gone, "data": None})
    assert not cause(recorded, one).startswith("waiting for an event")


@pytest.mark.parametrize(
    ("due_ms", "words"),
    [(-2_500, "lost wake-up: its timer was due 2.5 s ago"), (9_000, "timer not due for another 9")],
)
def test_a_timer(recording_of: RecordingOf, due_ms: int, words: str) -> None:
    """Due and never fired, or simply not due."""
    recorded = recording_of(CELLS["versions"])
    one = root(recorded)
    created = event(recorded, one, "TimerCreated")
    stop_at(recorded, one, created["event_id"])
    now_ms = recorded.mark("at_rest") // 1_000_000
    of = where(instance=one, event_id=created["event_id"])
    recorded.change("history", of, data=json.dumps({"fireAtMs": now_ms + due_ms}))
    assert cause(recorded, one).startswith(words)


Damage = Callable[[Recorded, str, str], None]


def lost(recorded: Recorded, child: str, parent: str) -> None:
    """The child ended well, and the parent was not told."""


def running(recorded: Recorded, child: str, parent: str) -> None:
    recorded.change("executions", where(instance=child, current=True), status="Running")


def absent(recorded: Recorded, child: str, parent: str) -> None:
    for name in ("executions", "history"):
        recorded.drop(name, where(instance=child))


def queued(recorded: Recorded, child: str, parent: str) -> None:
    absent(recorded, child, parent)
    left(recorded, child, state="unserved")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lost, "lost wake-up: its child {child} is Completed, and nobody told it"),
        (running, "waiting for its child {child}: it runs"),
        (absent, "waiting for its child {child}: it never began"),
        (queued, "waiting for its child {child}: unserved work"),
    ],
)
def test_a_child(recording_of: RecordingOf, damage: Damage, words: str) -> None:
    """The cause is the child's, or the way back from it."""
    recorded = recording_of(CELLS["sub-orchestrations"])
    one = root(recorded)
    called = event(recorded, one, "SubOrchestrationScheduled", nth=1)
    child = f"{one}::{json.loads(called['data'])['instance']}"
    stop_at(recorded, one, called["event_id"])
    damage(recorded, child, one)
    assert cause(recorded, one).startswith(words.format(child=child))


@pytest.mark.parametrize("sent", [True, False])
def test_a_message(recording_of: RecordingOf, sent: bool) -> None:
    """Sent and not in the history, or never sent."""
    recorded = recording_of(CELLS["events"])
    one = root(recorded, "events-queue")
    op = op_of(recorded, one)
    asked = event(recorded, one, "QueueSubscribed")
    stop_at(recorded, one, event(recorded, one, "OrchestrationCompleted")["event_id"] - 1)
    recorded.drop("history", where(instance=one, kind="QueueEventDelivered"))
    name = json.loads(asked["data"])["name"]
    if not sent:
        recorded.drop("ops", lambda x: x.get("op") == op and x["type"] in ("act", "acted"))
    told = cause(recorded, one)
    assert told.startswith(f"waiting for an event: {name if sent else 'nobody has sent'}")
