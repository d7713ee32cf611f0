"""Durability: acknowledged starts, messages and cancels that nobody can find any more."""

import json
from typing import Any

import pytest

from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import CELLS, RecordingOf, caught, end, forget, hang, told

START, MESSAGE, CANCEL = (
    f"an acknowledged {what} is gone" for what in ("start", "message", "cancel")
)


def open_again(recorded: Recorded, instance: str) -> None:
    """Let an instance never have ended."""
    (line,) = recorded.lines("ops", where(type="invoke", instance=instance))
    end(recorded, line["op"], type="info", reason="timeout")
    of = where(instance=instance, current=True)
    recorded.change("executions", of, status="Running", instance_status="Running", output=None)
    recorded.drop(
        "history",
        lambda e: (
            e["instance"] == instance
            and e["kind"] in ("OrchestrationCompleted", "OrchestrationFailed")
        ),
    )


def audited(recorded: Recorded, *problems: dict[str, Any]) -> None:
    """Let the store have been audited, with this left over in it."""
    audit = {"asked": ["queues_empty"], "problems": problems, "facts": {}}
    (recorded.directory / "store.json").write_text(json.dumps(audit))


def test_a_start_that_is_gone(recorded: Recorded) -> None:
    """Acknowledged, and in no book."""
    forget(recorded, 4)
    assert told(recorded, "durability") == {(recorded.instance(4), START)}


def test_a_start_that_was_never_acknowledged(recorded: Recorded) -> None:
    """Nothing was promised."""
    hang(recorded, 6)
    forget(recorded, 6)
    recorded.drop("ops", where(op=6, type="acked"))
    assert "durability" not in caught(recorded)


def test_a_start_that_still_lies_in_a_queue(recorded: Recorded) -> None:
    """Not lost: it hangs, which is the completion check's."""
    forget(recorded, 4)
    left = {"what": "queues_empty", "detail": "StartOrchestration", "state": "unserved"}
    audited(recorded, {**left, "instance": recorded.instance(4)})
    assert told(recorded, "durability") == set()


@pytest.mark.parametrize(("left", "found"), [(0, 1), (3, 0)])
def test_a_start_that_may_lie_in_a_queue_nobody_can_look_into(
    recorded: Recorded, left: int, found: int
) -> None:
    """The engine counts messages, and no audit says which: nothing is called lost, nor ok."""
    forget(recorded, 4)
    recorded.change("samples", where(source="queues"), orchestrator_queue=left)
    check = recorded.checks("durability")["durability"]
    assert check.found == found
    if not found:
        assert check.verdict is Verdict.UNKNOWN
        assert "may still lie in a queue" in check.note


def test_without_rest_nothing_is_said(recorded: Recorded) -> None:
    """What is not in the books may be on its way to them."""
    forget(recorded, 4)
    recorded.drop("ops", where(type="mark", name="at_rest"))
    check = recorded.checks("durability")["durability"]
    assert (check.verdict, check.found) == (Verdict.UNKNOWN, 0)


def first_called(recorded: Recorded, kind: str) -> tuple[str, dict[str, Any]]:
    """The first instance that clients called like this, and the call."""
    (act, *_) = recorded.lines("ops", where(type="act", kind=kind))
    (line,) = recorded.lines("ops", where(type="invoke", op=act["op"]))
    return line["instance"], act


def test_a_message_that_is_gone(recording_of: RecordingOf) -> None:
    """Its sender was told that it was taken, the instance waits for it, and no history has it."""
    recorded = recording_of(CELLS["events"])
    one, act = first_called(recorded, "enqueue")
    open_again(recorded, one)
    assert told(recorded, "durability") == set()
    message = json.dumps(act["data"], separators=(",", ":"))
    recorded.drop(
        "history",
        lambda e: (
            e["instance"] == one
            and e["kind"] == "QueueEventDelivered"
            and message in (e["data"] or "")
        ),
    )
    assert told(recorded, "durability") == {(one, MESSAGE)}


@pytest.mark.parametrize("how", ["refused", "ended"])
def test_messages_that_are_not_owed(recording_of: RecordingOf, how: str) -> None:
    """One whose call failed, and one that came to an instance which then ended without it."""
    recorded = recording_of(CELLS["events"])
    one, act = first_called(recorded, "enqueue")
    if how == "refused":
        open_again(recorded, one)
        of = where(type="acted", op=act["op"])
        recorded.change("ops", of, error="database is locked")
    recorded.drop("history", where(instance=one, kind="QueueEventDelivered"))
    assert told(recorded, "durability") == set()


def test_a_cancel_that_is_gone(recording_of: RecordingOf) -> None:
    """The instance goes on as if nobody had asked."""
    recorded = recording_of(CELLS["cancellation"])
    cancelled = recorded.lines("executions", where(category="canceled", parent=None))
    one = cancelled[0]["instance"]
    open_again(recorded, one)
    assert told(recorded, "durability") == set()
    recorded.drop("history", where(instance=one, kind="OrchestrationCancelRequested"))
    assert told(recorded, "durability") == {(one, CANCEL)}
