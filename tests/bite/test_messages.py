"""Messages: doubled, invented, changed and overtaking ones."""

from collections.abc import Callable

import pytest

from recordings.make import Line, Recorded, encoded, where

from .planted import CELLS, RecordingOf, event, insert, root, this, told

QUEUE, SIGNAL = "QueueEventDelivered", "ExternalEvent"
DOUBLED, TAKEN = "a message came more than once", "a message was taken more than once"
UNSENT, OVERTAKEN = "a message nobody sent", "messages of one sender out of order"
Damage = Callable[[Recorded, str], None]


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """Receivers of messages over two executions, and waiters for a signal."""
    return recording_of(CELLS["events"])


def _delivery(recorded: Recorded, one: str, execution: int, sender: int, number: int) -> Line:
    data = encoded({"name": "inbox", "data": {"sender": f"sender-{sender}", "number": number}})
    of = where(instance=one, kind=QUEUE, execution=execution, data=data)
    return recorded.lines("history", of)[0]


def doubled(recorded: Recorded, one: str) -> None:
    insert(recorded, event(recorded, one, QUEUE))


def doubled_later(recorded: Recorded, one: str) -> None:
    again = event(recorded, one, QUEUE)
    last = recorded.lines("history", where(instance=one, execution=1))[-1]
    insert(recorded, {**again, "event_id": last["event_id"]})


def taken_in_both_executions(recorded: Recorded, one: str) -> None:
    later = _delivery(recorded, one, 2, 1, 2)
    recorded.change("history", this(later), data=_delivery(recorded, one, 1, 1, 1)["data"])


def invented(recorded: Recorded, one: str) -> None:
    data = encoded({"name": "inbox", "data": {"sender": "sender-0", "number": 77}})
    recorded.change("history", this(event(recorded, one, QUEUE)), data=data)


def of_another_queue(recorded: Recorded, one: str) -> None:
    recorded.swap("history", this(event(recorded, one, QUEUE)), "inbox", "outbox")


def in_another_order(recorded: Recorded, one: str) -> None:
    early, late = (_delivery(recorded, one, 1, 0, number) for number in (0, 1))
    recorded.change("history", this(early), data=late["data"])
    recorded.change("history", this(late), data=early["data"])


DAMAGES: list[tuple[Damage, set[str]]] = [
    (doubled, {DOUBLED}),
    (doubled_later, {DOUBLED, OVERTAKEN}),
    (taken_in_both_executions, {TAKEN}),
    (invented, {UNSENT}),
    (of_another_queue, {UNSENT}),
    (in_another_order, {OVERTAKEN}),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGES, ids=[d.__name__ for d, _ in DAMAGES])
def test_deliveries_that_do_not_fit_what_was_sent(
    recorded: Recorded, damage: Damage, words: set[str]
) -> None:
    """The history alone tells, also where the output is right."""
    one = root(recorded, "events-queue")
    damage(recorded, one)
    assert told(recorded, "messages") == {(one, word) for word in words}
    assert told(recorded, "outputs") == set()


def test_senders_may_overtake_each_other(recorded: Recorded) -> None:
    """Order is promised within one sender only."""
    one = root(recorded, "events-queue")
    first, second = (_delivery(recorded, one, 1, sender, 0) for sender in (0, 1))
    recorded.change("history", this(first), data=second["data"])
    recorded.change("history", this(second), data=first["data"])
    assert told(recorded, "messages") == set()


def test_an_unread_message_is_carried_over(recorded: Recorded) -> None:
    """It stands in the histories of both executions and was taken in the second."""
    one = root(recorded, "events-queue")
    later = _delivery(recorded, one, 2, 0, 2)
    last = recorded.lines("history", where(instance=one, execution=1))[-1]
    insert(recorded, {**later, "execution": 1, "event_id": last["event_id"]})
    assert told(recorded, "messages") == set()


def test_a_message_that_was_sent_twice_may_come_twice(recorded: Recorded) -> None:
    """The clients' calls are what deliveries are counted against."""
    one = root(recorded, "events-queue")
    (op,) = {line["op"] for line in recorded.lines("ops", where(instance=one))}
    (sent,) = recorded.lines("ops", where(type="act", op=op, number=0))
    recorded.add("ops", {**sent, "number": 99})
    doubled(recorded, one)
    assert told(recorded, "messages") == set()


@pytest.mark.parametrize("lost", [0, 1])
def test_a_signal_may_be_lost_and_not_doubled(recorded: Recorded, lost: int) -> None:
    """A positional event that nobody waited for is dropped; none may come twice."""
    signals = where(kind=SIGNAL)
    one = str(recorded.lines("history", signals)[0]["instance"])
    if lost:
        recorded.drop("history", where(instance=one, kind=SIGNAL))
        assert told(recorded, "messages") == set()
    else:
        insert(recorded, event(recorded, one, SIGNAL))
        assert told(recorded, "messages") == {(one, DOUBLED)}
