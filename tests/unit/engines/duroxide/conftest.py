"""Sessions for Duroxide on clients of our own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from duroxide_stress.engines.base import Acknowledged, Event
from duroxide_stress.engines.duroxide import session as module
from duroxide_stress.engines.duroxide.session import DuroxideSession
from duroxide_stress.nodes.hints import LocalHints
from duroxide_stress.scenarios.base import Order
from duroxide_stress.scenarios.registry import scenario_named
from duroxide_stress.units import NS_PER_SEC

from ...virtual import cell

WORK = scenario_named("parallel").workload(cell())
LIMIT_NS = 20 * NS_PER_SEC
"""Only reached when a test fails."""


class Opened:
    """A session on this client, with the host's end of its hints."""

    def __init__(self, client: Any, **options: Any) -> None:
        self.client, self.hints = client, LocalHints()
        self.session = DuroxideSession(client, self.hints, **options)

    def submitted(self, op: int = 0) -> Order:
        """Submit an order and wait until its start was answered well."""
        order = WORK.order(op)
        self.session.submit(order)
        (event,) = self.next()
        assert isinstance(event, Acknowledged)
        assert event.op == op
        return order

    def next(self) -> list[Event]:
        """The next events."""
        return self.session.wait(self.session.now_ns() + LIMIT_NS)

    def now(self) -> list[Event]:
        """What there is without waiting; due looks are sent off."""
        return self.session.wait(self.session.now_ns())


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], Opened]]:
    """Open sessions that never pause between looks and sweep only when a test says so."""
    monkeypatch.setattr(module, "HINT_BACKOFF_MS", (0,))
    monkeypatch.setattr(module, "SWEEP_NS", 3600 * NS_PER_SEC)
    monkeypatch.setattr(module, "DEPTHS_SECS", 20)
    sessions: list[Opened] = []

    def make(client: Any, **options: Any) -> Opened:
        sessions.append(Opened(client, **options))
        return sessions[-1]

    yield make
    for one in sessions:
        one.session.close()
