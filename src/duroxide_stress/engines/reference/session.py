"""The client side of the reference engine: calls cost virtual time, waiting lets it pass."""

from __future__ import annotations

from duroxide_stress.engines.base import Acknowledged, Acted, Depths, Event, Unfinished
from duroxide_stress.engines.reference.instance import Cancel, Mail, Message
from duroxide_stress.engines.reference.world import World
from duroxide_stress.scenarios.base import Action, Order

CALL_NS = 200_000
"""Virtual cost of a client's call."""


class WorldSession:
    """See `engines.base.Session`. The world's clock is the session's."""

    watch_errors = 0
    last_watch_error: str | None = None
    clock_drift_ns = 0

    def __init__(self, world: World) -> None:
        self._world, self._clock = world, world.clock
        self._outbox: list[Event] = []
        self._given_up: set[int] = set()
        world.tell = self._hear

    def now_ns(self) -> int:
        return self._clock.now_ns

    def submit(self, order: Order) -> None:
        begun = self._clock.now_ns

        def accept() -> None:
            self._hear(Acknowledged(order.op, begun, self._clock.now_ns))
            self._world.start(order)

        self._clock.after(CALL_NS, accept)

    def act(self, order: Order, number: int, action: Action) -> None:
        begun = self._clock.now_ns

        def accept() -> None:
            self._hear(Acted(order.op, number, begun, self._clock.now_ns))
            instance = self._world.instances.get(order.instance)
            if instance is not None and instance.status == "Running":
                self._world.send(instance, _message(action))

        self._clock.after(CALL_NS, accept)

    def wait(self, until_ns: int) -> list[Event]:
        while not self._outbox:
            due = self._clock.next_ns()
            if due is None or due > until_ns:
                self._clock.skip_to(until_ns)
                break
            self._clock.step()
        events, self._outbox = self._outbox, []
        return events

    def depths(self, *, wait: bool) -> Depths:
        world = self._world
        # What nobody renews comes back into its queue.
        turns, work = world.hosts.abandoned()
        return Depths(len(world.turns) + turns, len(world.workers.queue) + work)

    def look_last(self, op: int) -> None:
        # An end is heard of when it happens: who has heard of none has none.
        self._hear(Unfinished(op, self._clock.now_ns))
        self.forget(op)

    def forget(self, op: int) -> None:
        self._given_up.add(op)

    def close(self) -> None:
        """Nothing is held."""

    def _hear(self, event: Event) -> None:
        if event.op not in self._given_up:
            self._outbox.append(event)


def _message(action: Action) -> Message:
    match action.kind:
        case "enqueue":
            return Mail("QueueEventDelivered", action.name, action.data)
        case "raise":
            return Mail("ExternalEvent", action.name, action.data)
        case "cancel":
            return Cancel(str(action.data))
