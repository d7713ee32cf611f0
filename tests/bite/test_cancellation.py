"""Cancellation: life after a cancel, and ends that are both or neither."""

from collections.abc import Callable

import pytest

from recordings.make import Line, Recorded, where

from .planted import CELLS, RecordingOf, caught, end, event, op_of, this, told

LATE, WENT_ON = "an activity began after the cancel", "a child went on after its parent's cancel"
IGNORED, NO_END = "an acknowledged cancel was ignored", "went on after its cancel"


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """Instances of which some were cancelled at each step of their way, and some in vain."""
    return recording_of(CELLS["cancellation"])


def cancelled(recorded: Recorded, which: Callable[[Line], bool] = lambda line: True) -> str:
    """A cancelled root instance, of which this is so."""
    ended = where(category="canceled", parent=None)
    return str(recorded.lines("executions", lambda x: ended(x) and which(x))[0]["instance"])


def with_child(recorded: Recorded) -> tuple[str, str]:
    """A root that was cancelled while its child ran, and the child."""
    books = where(category="canceled")
    child = recorded.lines("executions", lambda x: books(x) and x["parent"] is not None)[0]
    return child["parent"], child["instance"]


def test_the_recording_has_every_kind_of_end(recorded: Recorded) -> None:
    """Completed ones, cancelled ones, and children cancelled with their parents."""
    assert recorded.lines("ops", where(type="ok"))
    assert {line["error"] for line in recorded.lines("ops", where(type="fail"))} == {
        "canceled: enough of it"
    }
    assert with_child(recorded)[0] == cancelled(recorded, lambda x: x["events"] > 6)


@pytest.mark.parametrize(("after_ms", "is_late"), [(1000, False), (1002, True), (2000, True)])
def test_an_activity_that_begins_after_the_cancel(
    recorded: Recorded, after_ms: int, is_late: bool
) -> None:
    """Within a second a worker may have had it already; after that nobody may begin it."""
    one = cancelled(recorded)
    ended = event(recorded, one, "OrchestrationFailed")["ts_ms"]
    begun = {"at_ns": (ended + after_ms) * 1_000_000, "phase": "begin", "run": 9_999}
    recorded.add("effects", {"token": f"{one}|1|0.3", "instance": one, "node": "host-0", **begun})
    assert told(recorded, "cancellation") == ({(one, LATE)} if is_late else set())


def test_an_activity_of_a_cancelled_child(recorded: Recorded) -> None:
    """Children follow, so nothing of theirs may begin either."""
    _, child = with_child(recorded)
    ended = event(recorded, child, "OrchestrationFailed")["ts_ms"]
    effect = recorded.lines("effects", where(instance=child))[0]
    recorded.add("effects", {**effect, "phase": "begin", "at_ns": (ended + 2000) * 1_000_000})
    assert told(recorded, "cancellation") == {(child, LATE)}


@pytest.mark.parametrize("kind", ["ActivityScheduled", "TimerCreated", "SubOrchestrationScheduled"])
@pytest.mark.parametrize(("after_ms", "is_late"), [(900, False), (2000, True)])
def test_a_child_that_the_cancel_did_not_reach(
    recorded: Recorded, kind: str, after_ms: int, is_late: bool
) -> None:
    """A child that goes on to complete by itself has not been cancelled, whatever its end says."""
    parent, child = with_child(recorded)
    ended = event(recorded, parent, "OrchestrationFailed")["ts_ms"]
    recorded.drop("history", where(instance=child, kind="OrchestrationCancelRequested"))
    terminal = event(recorded, child, "OrchestrationFailed")
    more = {"event_id": terminal["event_id"] + 1, "kind": kind, "ts_ms": ended + after_ms}
    recorded.add("history", {**terminal, **more})
    assert told(recorded, "cancellation") == ({(child, WENT_ON)} if is_late else set())


def test_an_instance_both_completed_and_cancelled(recorded: Recorded) -> None:
    """The client saw its output, the books have the cancel."""
    one = cancelled(recorded)
    output = recorded.lines("ops", where(type="ok"))[0]["output"]
    end(recorded, op_of(recorded, one), type="ok", output=output)
    assert told(recorded, "success") == {(one, "client and books disagree")}


def test_a_history_with_both_ends(recorded: Recorded) -> None:
    """The same within the books is two ends of one execution."""
    one = cancelled(recorded)
    terminal = event(recorded, one, "OrchestrationFailed")
    more = {"event_id": terminal["event_id"] + 1, "kind": "OrchestrationCompleted"}
    recorded.add("history", {**terminal, **more})
    assert (one, "not exactly one end") in told(recorded, "history")


def test_an_instance_neither_completed_nor_cancelled(recorded: Recorded) -> None:
    """A cancel that was accepted and led to nothing is a hanging instance."""
    one = cancelled(recorded)
    end(recorded, op_of(recorded, one), type="info", reason="timeout")
    recorded.change("executions", where(instance=one), status="Running", category=None)
    recorded.drop("history", where(instance=one, kind="OrchestrationFailed"))
    assert {"success", "completion"} <= caught(recorded).keys()


@pytest.mark.parametrize("error", ["canceled: something else", "canceled", "enough of it", "boom"])
def test_a_cancel_with_other_words(recorded: Recorded, error: str) -> None:
    """The reason is the one that the client gave, in the engine's form."""
    one = cancelled(recorded)
    recorded.change("ops", where(op=op_of(recorded, one), type="fail"), error=error)
    assert told(recorded, "success") == {(one, "canceled failure")}


def test_a_cancelled_instance_without_a_cancel(recording_of: RecordingOf) -> None:
    """Where nobody was to cancel, a cancelled end is a failure."""
    recorded = recording_of(CELLS["timers"])
    one = str(recorded.lines("executions")[0]["instance"])
    words = {"error": "canceled: enough of it"}
    end(recorded, op_of(recorded, one), type="fail", where="end", **words)
    recorded.change(
        "executions", where(instance=one), status="Failed", category="canceled", **words
    )
    assert told(recorded, "success") == {(one, "canceled failure")}


@pytest.mark.parametrize(("after_ms", "is_late"), [(1000, False), (1001, True)])
def test_an_instance_that_goes_on_after_its_cancel_request(
    recorded: Recorded, after_ms: int, is_late: bool
) -> None:
    """The turn that takes a cancel is the last one; a turn may take a second on a loaded host."""
    one = cancelled(recorded)
    asked = event(recorded, one, "OrchestrationCancelRequested")
    last = {**asked, "event_id": 99, "kind": "TimerCreated", "ts_ms": asked["ts_ms"] + after_ms}
    recorded.add("history", last)
    assert told(recorded, "cancellation") == ({(one, NO_END)} if is_late else set())


@pytest.mark.parametrize(("after_ms", "is_late"), [(1000, False), (1002, True)])
def test_a_cancel_that_nobody_heard(recorded: Recorded, after_ms: int, is_late: bool) -> None:
    """An instance that completes need not have heard of a cancel that came with its end; but a turn that
    begins a second after the acknowledgement must find it."""
    op = recorded.lines("ops", where(type="ok"))[0]["op"]
    one = recorded.instance(op)
    done = event(recorded, one, "ActivityCompleted")
    call = {"op": op, "number": 0}
    act = {**recorded.lines("ops", where(type="act"))[0], **call}
    at_ns = (done["ts_ms"] - after_ms) * 1_000_000
    recorded.add("ops", act, {"type": "acted", **call, "begun_ns": at_ns, "at_ns": at_ns})
    kinds = ("ActivityCompleted", "TimerFired", "SubOrchestrationCompleted")
    for line in recorded.lines("history", lambda x: x["instance"] == one and x["kind"] in kinds):
        recorded.change("history", this(line), ts_ms=done["ts_ms"])
    assert told(recorded, "cancellation") == ({(one, IGNORED)} if is_late else set())


def test_a_cancel_that_failed_may_be_ignored(recorded: Recorded) -> None:
    """A call that raised promised nothing."""
    for line in recorded.lines("ops", where(type="acted")):
        recorded.change(
            "ops", where(type="acted", op=line["op"]), at_ns=0, error="the store is locked"
        )
    assert not any(what == IGNORED for _, what in told(recorded, "cancellation"))
