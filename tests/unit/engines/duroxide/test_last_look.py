"""An instance whose time is up is asked for a last time before it is given up."""

from collections.abc import Callable
from typing import Any

import pytest

from duroxide_stress.engines.base import Event, Finished, Unfinished
from duroxide_stress.engines.duroxide import session as module
from duroxide_stress.units import NS_PER_SEC

from .clients import COMPLETED, LOST, RUNNING, FakeClient, GatedClient, SlowClient
from .conftest import WORK


@pytest.mark.parametrize(("looks", "errors"), [([COMPLETED], 0), ([LOST, LOST, COMPLETED], 2)])
def test_the_last_look_finds_an_end_without_a_hint(
    opened: Callable, monkeypatch: pytest.MonkeyPatch, looks: list[Any], errors: int
) -> None:
    """Hints get lost with their process, and a busy store decides nothing."""
    monkeypatch.setattr(module, "LAST_LOOK_PAUSE_SECS", 0)
    here = opened(FakeClient(*looks))
    here.submitted()
    here.session.look_last(0)
    (event,) = here.next()
    assert isinstance(event, Finished)
    assert (event.op, event.output) == (0, [1, 2])
    assert here.session.watch_errors == errors


def test_who_is_not_over_at_the_last_look_is_given_up(opened: Callable) -> None:
    """One look is enough, and later hints change nothing."""
    here = opened(FakeClient(RUNNING))
    order = here.submitted()
    here.session.look_last(0)
    (event,) = here.next()
    assert isinstance(event, Unfinished)
    assert event.op == 0
    here.hints.send(order.instance)
    assert here.now() == []
    assert here.client.looked == [order.instance]


def test_a_store_that_only_fails_is_not_waited_for(
    opened: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No last look was answered for a while: every instance whose time is up is given up."""
    monkeypatch.setattr(module, "SILENT_NS", NS_PER_SEC // 20)
    monkeypatch.setattr(module, "LAST_LOOK_PAUSE_SECS", 0.001)
    here = opened(FakeClient(LOST))
    for op in range(5):
        here.submitted(op)
    for op in range(5):
        here.session.look_last(op)
    given_up: list[Event] = []
    while len(given_up) < 5:
        given_up += here.next()
    assert [type(event) for event in given_up] == [Unfinished] * 5
    assert [event.op for event in given_up] == [0, 1, 2, 3, 4]
    assert here.session.watch_errors > 0


def test_a_last_look_without_an_answer_keeps_nobody_waiting(
    opened: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store holds it: others are served by their hints, it is given up, those behind it are not
    looked at any more, and what the look finds later is not told."""
    monkeypatch.setattr(module, "LAST_LOOKERS", 1)
    here = opened(SlowClient(COMPLETED))
    orders = [here.submitted(op) for op in range(3)]
    here.session.look_last(0)
    here.session.look_last(1)
    assert here.client.looking.wait(20)
    here.hints.send(orders[2].instance)
    (event,) = here.next()
    assert (type(event), event.op) == (Finished, 2)
    monkeypatch.setattr(module, "SILENT_NS", 0)
    assert [(type(event), event.op) for event in here.next()] == [(Unfinished, 0), (Unfinished, 1)]
    here.client.go.set()
    here.submitted(3)
    here.session.look_last(3)
    monkeypatch.setattr(module, "SILENT_NS", 20 * NS_PER_SEC)
    assert [event.op for event in here.next()] == [3]
    # One looker: when the last was looked at, it was past those that had been given up.
    asked = [orders[2].instance, orders[0].instance, WORK.order(3).instance]
    assert here.client.looked == asked


def test_many_whose_time_is_up_at_once_are_all_looked_at(
    opened: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the store answers each has its turn, however long all take together; a minute is the
    limit, and so are five seconds without an answer."""
    monkeypatch.setattr(module, "LAST_LOOKERS", 1)
    here = opened(GatedClient(COMPLETED))
    now = [here.session.now_ns()]
    monkeypatch.setattr(here.session, "now_ns", lambda: now[0])
    for op in range(30):
        here.submitted(op)
        here.session.look_last(op)
    for op in range(14):
        now[0] += 4 * NS_PER_SEC
        here.client.turns.release()
        assert [(type(event), event.op) for event in here.next()] == [(Finished, op)]
    here.session.look_last(here.submitted(30).op)
    now[0] += 4 * NS_PER_SEC  # a minute for all but the last
    assert [(type(event), event.op) for event in here.next()] == [
        (Unfinished, op) for op in range(14, 30)
    ]
    now[0] += NS_PER_SEC
    assert [(type(event), event.op) for event in here.next()] == [(Unfinished, 30)]
    here.client.turns.release(2)
