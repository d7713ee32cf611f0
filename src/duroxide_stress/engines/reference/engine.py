"""The reference engine: O orchestration slots, W activity slots, histories of Duroxide's grammar.

One turn of an instance takes every message that waits for it, appends their events, resumes the
program and appends what it schedules; at most one turn of an instance runs at a time. Times are
fixed costs, so that figures can be worked out by hand in tests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

import msgspec

from duroxide_stress.engines.base import (
    Acknowledged,
    Depths,
    EffectSink,
    Event,
    Finished,
    Hint,
    HintSource,
)
from duroxide_stress.engines.reference.simulation import Clock
from duroxide_stress.plan import Cell
from duroxide_stress.program import Command, JoinAll, Json, Perform, Scope, perform, walk
from duroxide_stress.providers.base import Provider
from duroxide_stress.recording.records import Effect, Execution, HistoryEvent
from duroxide_stress.scenarios.base import Order, Workload
from duroxide_stress.units import NS_PER_MS

START_NS = 200_000
"""Virtual cost of a client's start call."""
TURN_NS = 1 * NS_PER_MS
"""Virtual cost of one turn of an orchestration."""
SEEN_NS = 2 * NS_PER_MS
"""Virtual time from a durable end to the client's seeing it."""
NODE = "host-0"


class Message(msgspec.Struct):
    """A completed activity, on its way to its instance."""

    source: int
    output: Json


class Instance(msgspec.Struct):
    """One orchestration instance with its history."""

    order: Order
    code: Generator[Command, Json, Json]
    history: list[HistoryEvent] = []
    inbox: deque[Message] = msgspec.field(default_factory=deque)
    queued: bool = False
    waiting: dict[int, int] = {}
    """Scheduled event id → position among the awaited results."""
    results: list[Json] = []
    joined: bool = False
    status: str = "Running"
    output: Json = None


class ReferenceEngine:
    """See `engines.base.Engine`."""

    name = "reference"
    virtual = True

    def version(self) -> str:
        return "reference 1"

    def connect(self, provider: Provider, address: str) -> World:
        return World()

    def host(
        self, connection: World, cell: Cell, workload: Workload, effects: EffectSink, hint: Hint
    ) -> World:
        connection.serve(cell, workload, effects)
        return connection

    def session(self, connection: World, hints: HintSource) -> World:
        return connection

    def collect(
        self, connection: World, instances: list[str]
    ) -> Iterator[Execution | HistoryEvent]:
        return connection.collect()


class World:
    """Store, host and client in one object, since all three share one virtual clock."""

    watch_errors = 0
    last_watch_error: str | None = None
    clock_drift_ns = 0

    def __init__(self) -> None:
        self.clock = Clock()
        self.instances: dict[str, Instance] = {}
        self.turns: deque[Instance] = deque()
        self.activities: deque[tuple[Instance, int, Perform]] = deque()
        self._outbox: list[Event] = []
        self._given_up: set[int] = set()
        self._runs = 0

    # -- the host --------------------------------------------------------------------------

    def serve(self, cell: Cell, workload: Workload, effects: EffectSink) -> None:
        """Take the cell's workers and programs."""
        self._free_turns = cell.config.orch_concurrency
        self._free_workers = cell.config.worker_concurrency
        self._workload, self._effects = workload, effects

    def stop(self, timeout_ms: int) -> None:
        """Nothing runs outside virtual time."""

    def _wake(self, instance: Instance) -> None:
        if not instance.queued:
            instance.queued = True
            self.turns.append(instance)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._free_turns and self.turns:
            self._free_turns -= 1
            instance = self.turns.popleft()
            self.clock.after(TURN_NS, lambda i=instance: self._turn(i))  # type: ignore[misc]
        while self._free_workers and self.activities:
            self._free_workers -= 1
            self._begin(*self.activities.popleft())

    def _turn(self, instance: Instance) -> None:
        instance.queued = False
        if not instance.history:
            self.append(instance, "OrchestrationStarted", None, {"input": instance.order.input})
            self._resume(instance, None)
        while instance.inbox and instance.status == "Running":
            message = instance.inbox.popleft()
            self.append(instance, "ActivityCompleted", message.source, message.output)
            instance.results[instance.waiting.pop(message.source)] = message.output
            if not instance.waiting:
                self._resume(
                    instance, list(instance.results) if instance.joined else instance.results[0]
                )
        self._free_turns += 1
        self._dispatch()

    def _resume(self, instance: Instance, result: Json) -> None:
        try:
            command = instance.code.send(result)
        except StopIteration as over:
            self._complete(instance, over.value)
            return
        instance.joined = isinstance(command, JoinAll)
        performs = command.commands if isinstance(command, JoinAll) else (command,)
        instance.results = [None] * len(performs)
        for position, activity in enumerate(performs):
            event = self.append(instance, "ActivityScheduled", None, {"input": activity.input})
            instance.waiting[event] = position
            self.activities.append((instance, event, activity))
        if not performs:
            self._resume(instance, [])

    def _complete(self, instance: Instance, output: Json) -> None:
        self.append(instance, "OrchestrationCompleted", None, output)
        instance.status, instance.output = "Completed", output
        self.clock.after(SEEN_NS, lambda: self.tell(self._finished(instance)))

    def _finished(self, instance: Instance) -> Finished:
        return Finished(instance.order.op, self.clock.now_ns, instance.status, instance.output)

    def _begin(self, instance: Instance, scheduled: int, activity: Perform) -> None:
        run, self._runs = self._runs, self._runs + 1
        name, owner = str(activity.input["token"]), instance.order.instance
        self._effects(Effect("begin", name, owner, run, self.clock.now_ns, NODE))

        def end() -> None:
            self._effects(Effect("end", name, owner, run, self.clock.now_ns, NODE))
            instance.inbox.append(Message(scheduled, perform(activity.input)))
            self._free_workers += 1
            self._wake(instance)

        self.clock.after(int(activity.input["delay_ms"]) * NS_PER_MS, end)

    def append(self, instance: Instance, kind: str, source: int | None, data: Json) -> int:
        """Append one event to an instance's history; returns its id, counted from 1."""
        event_id = len(instance.history) + 1
        text = msgspec.json.encode(data).decode()
        instance.history.append(
            HistoryEvent(
                instance.order.instance,
                1,
                event_id,
                kind,
                source,
                self.clock.now_ns // NS_PER_MS,
                text,
            )
        )
        return event_id

    # -- the client ------------------------------------------------------------------------

    def now_ns(self) -> int:
        return self.clock.now_ns

    def submit(self, order: Order) -> None:
        begun = self.clock.now_ns

        def accept() -> None:
            scope = Scope(order.instance, 1, order.input)
            program = self._workload.programs[order.orchestration]
            instance = Instance(order, walk(program, scope))
            self.instances[order.instance] = instance
            self.tell(Acknowledged(order.op, begun, self.clock.now_ns))
            self._wake(instance)

        self.clock.after(START_NS, accept)

    def wait(self, until_ns: int) -> list[Event]:
        while not self._outbox:
            due = self.clock.next_ns()
            if due is None or due > until_ns:
                self.clock.skip_to(until_ns)
                break
            self.clock.step()
        events, self._outbox = self._outbox, []
        return events

    def tell(self, event: Event) -> None:
        """Let the client see something."""
        if event.op not in self._given_up:
            self._outbox.append(event)

    def depths(self) -> Depths:
        waiting = sum(bool(i.inbox) for i in self.instances.values())
        return Depths(len(self.turns) + waiting, len(self.activities))

    def forget(self, op: int) -> None:
        self._given_up.add(op)

    def close(self) -> None:
        """Nothing is held."""

    # -- at rest ---------------------------------------------------------------------------

    def collect(self) -> Iterator[Execution | HistoryEvent]:
        """The books, instance by instance."""
        for name, instance in self.instances.items():
            output: Any = None
            if instance.status == "Completed":
                output = msgspec.json.encode(instance.output).decode()
            yield Execution(
                name,
                1,
                instance.status,
                output,
                len(instance.history),
                current=True,
                orchestration=instance.order.orchestration,
            )
            yield from instance.history
