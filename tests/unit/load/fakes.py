"""Sessions that do what the reference engine, being correct, cannot."""

from __future__ import annotations

from collections.abc import Callable

from duroxide_stress.engines.base import Acknowledged, Depths, Event, Finished, Refused, Unfinished
from duroxide_stress.engines.reference.simulation import Clock
from duroxide_stress.scenarios.base import Order
from duroxide_stress.units import NS_PER_MS

COST_NS = NS_PER_MS
EMPTY = Depths(0, 0)


class FakeSession:
    """Each start leads, a virtual millisecond later, to what `answer` says of it."""

    watch_errors = 0
    last_watch_error: str | None = None
    clock_drift_ns = 0

    def __init__(
        self,
        answer: Callable[[int, int], list[Event]],
        depths: Callable[[int], Depths | None] = lambda now_ns: EMPTY,
        last: Callable[[int, int], list[Event]] = lambda op, now_ns: [Unfinished(op, now_ns)],
    ) -> None:
        self.clock = Clock()
        self.begun_ns = self.clock.now_ns
        self.forgotten: list[int] = []
        self.looked_last: list[int] = []
        self._answer, self._depths, self._last = answer, depths, last
        self._outbox: list[Event] = []

    def now_ns(self) -> int:
        return self.clock.now_ns

    def submit(self, order: Order) -> None:
        def answered() -> None:
            self._outbox += self._answer(order.op, self.clock.now_ns)

        self.clock.after(COST_NS, answered)

    def wait(self, until_ns: int) -> list[Event]:
        while not self._outbox:
            due = self.clock.next_ns()
            if due is None or due > until_ns:
                self.clock.skip_to(until_ns)
                break
            self.clock.step()
        events, self._outbox = self._outbox, []
        return events

    def depths(self, *, wait: bool) -> Depths | None:
        return self._depths(self.clock.now_ns)

    def look_last(self, op: int) -> None:
        self.looked_last.append(op)
        self._outbox += self._last(op, self.clock.now_ns)

    def forget(self, op: int) -> None:
        self.forgotten.append(op)

    def close(self) -> None:
        """Nothing is held."""


def refuse(op: int, at_ns: int) -> list[Event]:
    """The client call raised."""
    return [Refused(op, at_ns - COST_NS, at_ns, "store is full")]


def fail(op: int, at_ns: int) -> list[Event]:
    """The instance was accepted and failed."""
    return [
        Acknowledged(op, at_ns - COST_NS, at_ns),
        Finished(op, at_ns, "Failed", None, "it broke"),
    ]


def complete(op: int, at_ns: int) -> list[Event]:
    """The instance was accepted and completed."""
    return [Acknowledged(op, at_ns - COST_NS, at_ns), Finished(op, at_ns, "Completed", op)]


def vanish(op: int, at_ns: int) -> list[Event]:
    """The instance was accepted and never heard of again."""
    return [Acknowledged(op, at_ns - COST_NS, at_ns)]
