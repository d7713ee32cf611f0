"""The client side on a client of our own: hints lead to looks, looks to ends."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from duroxide_stress.engines.base import (
    Acknowledged,
    Acted,
    Depths,
    Event,
    Finished,
    Refused,
)
from duroxide_stress.engines.duroxide import session as module
from duroxide_stress.nodes.hints import LocalHints
from duroxide_stress.scenarios.base import Action
from duroxide_stress.units import NS_PER_SEC

from .clients import COMPLETED, LOST, RUNNING, FakeClient, SlowClient, status
from .conftest import WORK


def test_a_start_is_handed_to_the_client_and_acknowledged(opened: Callable) -> None:
    """Name, orchestration and input arrive, and the call's begin and end are told."""
    here = opened(FakeClient(RUNNING))
    order = WORK.order(0)
    before = here.session.now_ns()
    here.session.submit(order)
    (event,) = here.next()
    assert here.client.started == [(order.instance, "parallel", order.input)]
    assert isinstance(event, Acknowledged)
    assert before <= event.begun_ns <= event.at_ns <= here.session.now_ns()


def test_a_hint_is_looked_into_until_the_end_is_durable(opened: Callable) -> None:
    """The code has returned, the commit is still to come: two looks too early, the third finds it."""
    here = opened(FakeClient(status("NotFound"), RUNNING, COMPLETED))
    order = here.submitted()
    assert here.client.looked == []
    here.hints.send(order.instance)
    (event,) = here.next()
    assert isinstance(event, Finished)
    assert (event.op, event.status, event.output, event.error) == (0, "Completed", [1, 2], None)
    assert here.client.looked == [order.instance] * 3
    assert here.session.watch_errors == 0


def test_a_failure_is_told_with_its_words(opened: Callable) -> None:
    """Failed is an end, and the engine's error comes with it."""
    here = opened(FakeClient(status("Failed", error="application: boom")))
    here.hints.send(here.submitted().instance)
    (event,) = here.next()
    assert (event.status, event.error) == ("Failed", "application: boom")


def test_an_end_is_told_once(opened: Callable) -> None:
    """Hints may come twice or late, replays give them again: the second changes nothing."""
    here = opened(FakeClient(COMPLETED))
    order = here.submitted()
    for _ in range(3):
        here.hints.send(order.instance)
    assert [type(event) for event in here.next()] == [Finished]
    here.hints.send(order.instance)
    assert here.now() == []
    assert here.client.looked == [order.instance]


def test_looks_after_a_hint_are_spaced_until_the_next_hint(
    opened: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look is put off as far as the back-off says; a fresh hint begins it anew."""
    monkeypatch.setattr(module, "HINT_BACKOFF_MS", (0, 3_600_000))
    monkeypatch.setattr(module, "WATCHERS", 1)
    here = opened(FakeClient(RUNNING, COMPLETED))
    first, second, third = (here.submitted(op) for op in range(3))
    # One watcher: each end that comes in shows that every look before it has been answered.
    here.hints.send(first.instance)
    for other in (second, third):
        here.hints.send(other.instance)
        assert [event.op for event in here.next()] == [other.op]
    assert here.client.looked == [o.instance for o in (first, second, third)]
    here.hints.send(first.instance)
    assert [event.op for event in here.next()] == [first.op]


@pytest.mark.parametrize(
    ("sqlite", "local", "used"),
    [
        (True, False, "HINT_BACKOFF_ON_FILE_MS"),
        (True, True, "HINT_BACKOFF_MS"),
        (False, False, "HINT_BACKOFF_MS"),
    ],
)
def test_looks_on_a_sqlite_file_have_pauses_of_their_own(
    opened: Callable, monkeypatch: pytest.MonkeyPatch, sqlite: bool, local: bool, used: str
) -> None:
    """A start that follows at once would cost its dispatchers the lock; in memory it does not."""
    monkeypatch.setattr(LocalHints, "local", local)
    for name in ("HINT_BACKOFF_MS", "HINT_BACKOFF_ON_FILE_MS"):
        monkeypatch.setattr(module, name, (0,) if name == used else (3_600_000,))
    here = opened(FakeClient(COMPLETED), sqlite=sqlite)
    here.hints.send(here.submitted().instance)
    assert [event.op for event in here.next()] == [0]


def test_a_hint_for_a_stranger_is_ignored(opened: Callable) -> None:
    """Another cell's instance on the same store is none of ours."""
    here = opened(FakeClient(COMPLETED))
    here.submitted()
    here.hints.send("someone-else")
    assert here.now() == []
    assert here.client.looked == []


def test_a_lost_hint_is_made_up_for_by_the_sweep(
    opened: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody hints, and yet the end is seen, because every open instance is looked at in turn."""
    monkeypatch.setattr(module, "SWEEP_NS", 0)
    here = opened(FakeClient(RUNNING, RUNNING, COMPLETED))
    here.session.submit(WORK.order(0))
    events: list[Event] = []
    while len(events) < 2:
        events += here.next()
    assert {type(event) for event in events} == {Acknowledged, Finished}
    assert len(here.client.looked) >= 3


def test_a_sweep_that_does_not_come_back_keeps_no_hint_waiting(
    opened: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store holds up a look at one instance; the end of another is seen all the same."""
    monkeypatch.setattr(module, "SWEEP_NS", 0)
    monkeypatch.setattr(module, "LOOKS_PER_SEC", NS_PER_SEC + 1)
    here = opened(SlowClient(COMPLETED))
    here.submitted(0)
    assert here.now() == []
    assert here.client.looking.wait(20)
    here.hints.send(here.submitted(1).instance)
    (event,) = here.next()
    assert isinstance(event, Finished)
    assert event.op == 1
    here.client.go.set()
    (event,) = here.next()
    assert (type(event), event.op) == (Finished, 0)


def test_a_refused_start_is_told_and_watched_no_more(opened: Callable) -> None:
    """The client's words are kept, and nobody looks for an instance that never began."""
    here = opened(FakeClient(COMPLETED, start=RuntimeError("store is full")))
    order = WORK.order(0)
    here.session.submit(order)
    (event,) = here.next()
    assert isinstance(event, Refused)
    assert (event.op, event.error) == (0, "store is full")
    here.hints.send(order.instance)
    assert here.now() == []
    assert here.client.looked == []


CALLS = [
    (Action("enqueue", 0, "inbox", {"n": 1}), ("enqueue", "inbox", {"n": 1})),
    (Action("raise", 0, "go", 7), ("raise", "go", 7)),
    (Action("cancel", 0, data="enough"), ("cancel", "enough")),
]


@pytest.mark.parametrize("error", [None, "no such instance"])
@pytest.mark.parametrize(("action", "call"), CALLS)
def test_a_call_to_an_instance_is_handed_over_and_told(
    opened: Callable, action: Action, call: tuple, error: str | None
) -> None:
    """The client's own call for it, when it began and returned, and its words when it raised."""
    here = opened(FakeClient(RUNNING, start=None if error is None else RuntimeError(error)))
    order, before = WORK.order(3), here.session.now_ns()
    here.session.act(order, 5, action)
    (event,) = here.next()
    assert here.client.called == [(call[0], order.instance, *call[1:])]
    assert isinstance(event, Acted)
    assert (event.op, event.number, event.error) == (3, 5, error)
    assert before <= event.begun_ns <= event.at_ns <= here.session.now_ns()


def test_a_client_that_raises_is_counted_and_asked_again(opened: Callable) -> None:
    """A busy store delays the sight of an end and never decides it."""
    here = opened(FakeClient(LOST, RuntimeError("database is deadlocked"), COMPLETED))
    here.hints.send(here.submitted().instance)
    (event,) = here.next()
    assert event.status == "Completed"
    assert here.session.watch_errors == 2
    assert here.session.last_watch_error == "database is deadlocked"


def test_queue_depths_are_the_engines_or_none(opened: Callable) -> None:
    """A client that cannot say is counted, and no figure is made up."""
    here = opened(FakeClient(RUNNING))
    before = here.session.now_ns()
    depths = here.session.depths(wait=True)
    assert depths == Depths(3, 4, depths.at_ns)
    assert before <= depths.at_ns <= here.session.now_ns()

    def busy() -> None:
        raise LOST

    here.client.get_queue_depths = busy
    assert here.session.depths(wait=True) is None
    assert (here.session.watch_errors, here.session.last_watch_error) == (1, str(LOST))


def test_a_store_that_does_not_answer_does_not_hold_up_the_loop(
    opened: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Depths that take too long are none, and nobody asks again until the first call is back."""
    monkeypatch.setattr(module, "DEPTHS_SECS", 0)
    go, asked = threading.Event(), []
    here = opened(FakeClient(RUNNING))

    found = here.client.get_queue_depths

    def hang() -> Any:
        asked.append(1)
        assert go.wait(20)
        return found()

    here.client.get_queue_depths = hang
    assert [here.session.depths(wait=True) for _ in range(3)] == [None] * 3
    go.set()
    assert len(asked) <= 1
    assert here.session.watch_errors == 1


def test_depths_that_nobody_waits_for_are_those_of_the_question_before(opened: Callable) -> None:
    """A store that answers slowly makes no start late."""
    go = threading.Event()
    here = opened(FakeClient(RUNNING))
    found = here.client.get_queue_depths

    def slow() -> Any:
        assert go.wait(20)
        return found()

    here.client.get_queue_depths = slow
    assert [here.session.depths(wait=False) for _ in range(2)] == [None, None]
    go.set()
    told = here.session._depths_asked.result(20).at_ns
    # Stamped with when they were told, not with when somebody came for them.
    assert here.session.depths(wait=False) == Depths(3, 4, told)
    assert here.session.watch_errors == 0


def test_an_op_forgotten_while_it_is_looked_at_is_never_reported(
    opened: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end was on the way when the driver gave it up: the recording must not end it twice."""
    monkeypatch.setattr(module, "WATCHERS", 1)
    here = opened(SlowClient(COMPLETED))
    first, second = here.submitted(0), here.submitted(1)
    here.hints.send(first.instance)
    assert here.now() == []
    assert here.client.looking.wait(20)
    here.session.forget(0)
    here.client.go.set()
    # One watcher: when the second's end is there, the first's has come in before it.
    here.hints.send(second.instance)
    assert [event.op for event in here.next()] == [1]
    assert here.client.looked == [first.instance, second.instance]


def test_forgetting_a_stranger_does_nothing(opened: Callable) -> None:
    """The driver may give up what has just ended."""
    here = opened(FakeClient(COMPLETED))
    order = here.submitted()
    here.session.forget(99)
    here.hints.send(order.instance)
    assert [event.op for event in here.next()] == [0]
    here.session.forget(0)


def test_waiting_ends_on_time_with_nothing(opened: Callable) -> None:
    """A moment that has passed is not waited for, whatever is open."""
    here = opened(FakeClient(RUNNING))
    here.submitted()
    assert here.session.wait(here.session.now_ns() - 1) == []


def test_after_the_close_hints_go_nowhere(opened: Callable) -> None:
    """A host that is still running does no harm."""
    here = opened(FakeClient(COMPLETED))
    order = here.submitted()
    here.session.close()
    here.hints.send(order.instance)
    assert here.now() == []
    assert here.client.looked == []
