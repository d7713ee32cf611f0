"""Hosts with O orchestration and W activity slots each on one store, in virtual time, with histories of
Duroxide's grammar.

One turn of an instance takes every message that waits for it, appends their events, resumes the
program and appends what it schedules, all of it when it ends; at most one turn of an instance runs at a
time. Times are fixed costs, so that figures can be worked out by hand in tests. A host that is killed in
the middle of a turn has done nothing of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar

from duroxide_stress.engines.base import EffectSink, Event, Finished
from duroxide_stress.engines.reference.books import books, totals
from duroxide_stress.engines.reference.hosts import Hosts, Life, Lock
from duroxide_stress.engines.reference.instance import (
    Cancel,
    Done,
    Instance,
    Mail,
    Message,
    Slot,
    failure,
)
from duroxide_stress.engines.reference.simulation import Clock
from duroxide_stress.engines.reference.workers import Job, Workers
from duroxide_stress.plan import Cell
from duroxide_stress.program import TIMED_OUT, Json
from duroxide_stress.recording.records import Execution, HistoryEvent, SystemMetrics
from duroxide_stress.scenarios.base import FIRST_VERSION, Order, Workload
from duroxide_stress.units import NS_PER_MS
from duroxide_stress.walk import (
    Call,
    ContinueAsNew,
    Dequeue,
    First,
    JoinAll,
    LeafCommand,
    Listen,
    Perform,
    Sleep,
    StepError,
    Tell,
)

TURN_NS = 1 * NS_PER_MS
"""Virtual cost of one turn of an orchestration."""
SEEN_NS = 2 * NS_PER_MS
"""Virtual time from a durable end to the client's seeing it."""


class World:
    """Store and hosts in one object, with the one virtual clock that a session shares."""

    house: ClassVar[type[Hosts]] = Hosts
    crew: ClassVar[type[Workers]] = Workers

    def __init__(self) -> None:
        self.clock = Clock()
        self.instances: dict[str, Instance] = {}
        self.turns: deque[Instance] = deque()
        self.tell: Callable[[Event], None] = lambda event: None
        """Lets the client see something; a session puts itself here."""

    # -- the hosts: turns ------------------------------------------------------------------

    def serve(self, cell: Cell, workload: Workload, effects: EffectSink) -> None:
        """Take the cell's hosts and programs."""
        self.hosts = self.house(self.clock, cell.config, self._dispatch)
        self.workers = self.crew(self.hosts, effects, self.send)
        self._workload = workload
        self._code = {name: (FIRST_VERSION, code) for name, code in workload.programs.items()}

    def upgrade(self) -> None:
        """From now on, instances that begin do so with the workload's newer release."""
        release = self._workload.release
        assert release is not None
        for name, code in release.programs.items():
            self._code[name] = (release.version, code)

    def start(self, order: Order) -> None:
        """Make the instance that a client asks for and see that it gets a turn."""
        instance = Instance(order.instance, order.orchestration, order.input, order.op)
        self.instances[order.instance] = instance
        self._wake(instance)

    def send(self, instance: Instance, message: Message) -> None:
        """Put a message into an instance's inbox and see that it gets a turn."""
        instance.inbox.append(message)
        self._wake(instance)

    def _wake(self, instance: Instance) -> None:
        if not instance.queued:
            instance.queued = True
            self.turns.append(instance)
        self._dispatch()

    def _dispatch(self) -> None:
        while self.turns and (life := self.hosts.for_turn()) is not None:
            life.free_turns -= 1
            instance, lock = self.turns.popleft(), self.hosts.lock_turn(life)
            lock.put_back = partial(self._put_back, instance)
            life.after(TURN_NS, partial(self._end_turn, instance, life, lock))
        self.workers.dispatch()

    def _put_back(self, instance: Instance) -> None:
        """The lock of whoever had its turn has expired: another takes it."""
        self.turns.appendleft(instance)
        self._dispatch()

    def _end_turn(self, instance: Instance, life: Life, lock: Lock) -> None:
        if lock.release():
            self._turn(instance)
        life.free_turns += 1
        self._dispatch()

    def _turn(self, instance: Instance) -> None:
        instance.queued = False
        cancelled = self.hosts.struck and instance.cancels_first()
        if instance.code is None and instance.status == "Running":
            version, program = self._code[instance.orchestration]
            started = {"name": instance.orchestration, "version": version, "input": instance.input}
            self._append(instance, "OrchestrationStarted", None, started)
            for name, letters in instance.mail.items():
                for data in letters:
                    self._append(
                        instance, "QueueEventDelivered", None, {"name": name, "data": data}
                    )
            instance.begin(program)
            if not cancelled:
                self._resume(instance, None)
        while instance.inbox and instance.status == "Running" and instance.code is not None:
            self._take(instance, instance.inbox.popleft())
        if instance.code is None and instance.status == "Running":
            self._wake(instance)

    def _take(self, instance: Instance, message: Message) -> None:
        match message:
            case Cancel(reason):
                self._append(instance, "OrchestrationCancelRequested", None, None)
                details = {"kind": {"Cancelled": {"reason": reason}}, "message": ""}
                instance.cancelled = True
                self._fail(instance, f"canceled: {reason}", details)
            case Mail(kind, name, data):
                self._append(instance, kind, None, {"name": name, "data": data})
                waits = isinstance(instance.command, Listen) and instance.command.name == name
                if kind == "QueueEventDelivered" or waits:
                    instance.mail.setdefault(name, deque()).append(data)
                    self._read_mail(instance)
            case Done():
                self._complete_leaf(instance, message)

    def _complete_leaf(self, instance: Instance, done: Done) -> None:
        """A leaf is over. What nobody awaits any more (a race's loser, a late attempt) is dropped."""
        event = done.source
        if event in instance.timeouts:
            bounded = instance.timeouts.pop(event)
            self._append(instance, "TimerFired", event, None)
            if bounded in instance.open:
                self._revoke(instance, bounded)
                self._settle(instance, instance.open.pop(bounded), None, TIMED_OUT)
        elif event in instance.pauses:
            self._append(instance, "TimerFired", event, None)
            slot = instance.pauses.pop(event)
            slot.attempt += 1
            self._schedule(instance, slot)
        elif event in instance.open:
            data = done.result
            if done.error is not None:
                data = {"Application": failure("ActivityFailed", done.error)}
            self._append(instance, done.kind, event, data)
            self._settle(instance, instance.open.pop(event), done.result, done.error)

    def _settle(self, instance: Instance, slot: Slot, result: Json, error: str | None) -> None:
        """An attempt is over: try again, or resume the program when it has what it waits for."""
        policy = slot.command.retry if isinstance(slot.command, Perform) else None
        if error is not None and policy is not None and slot.attempt < policy.max_attempts:
            pause_ms = policy.pauses_ms(slot.attempt) - policy.pauses_ms(slot.attempt - 1)
            instance.pauses[self._timer(instance, pause_ms)] = slot
            return
        slot.done, slot.result, slot.error = True, result, error
        command = instance.command
        if isinstance(command, First):
            for event in list(instance.open):
                self._revoke(instance, event)
            instance.forget_open()
            self._resume(instance, [instance.slots.index(slot), result], error)
        elif all(s.done for s in instance.slots):
            errors = [s.error for s in instance.slots if s.error is not None]
            results = [s.result for s in instance.slots]
            self._resume(
                instance,
                results if isinstance(command, JoinAll) else results[0],
                errors[0] if errors else None,
            )

    def _resume(self, instance: Instance, result: Json, error: str | None = None) -> None:
        """Let the program go on until it waits for something, ends, or begins anew."""
        assert instance.code is not None
        try:
            if error is None:
                command = instance.code.send(result)
            else:
                command = instance.code.throw(StepError(error))
        except StopIteration as over:
            self._complete(instance, over.value)
            return
        except StepError as failed:
            self._fail(instance, str(failed), failure("OrchestrationFailed", str(failed)))
            return
        instance.command, instance.slots = command, []
        match command:
            case Tell(status, key, value):
                if status:
                    self._append(instance, "CustomStatusUpdated", None, {"status": status})
                self._append(instance, "KeyValueSet", None, {"key": key, "value": value})
                self._resume(instance, None)
            case ContinueAsNew(given):
                self._append(instance, "OrchestrationContinuedAsNew", None, {"input": given})
                instance.next_execution(given)
            case Dequeue(queue):
                self._append(instance, "QueueSubscribed", None, {"name": queue})
                self._read_mail(instance)
            case Listen(name):
                self._append(instance, "ExternalSubscribed", None, {"name": name})
            case _:
                self._schedule_all(instance, command)

    def _schedule_all(self, instance: Instance, command: LeafCommand | JoinAll | First) -> None:
        match command:
            case JoinAll(commands):
                leaves: tuple[LeafCommand, ...] = commands
            case First(first, second):
                leaves = (first, second)
            case leaf:
                leaves = (leaf,)
        instance.slots = [Slot(leaf) for leaf in leaves]
        for slot in list(instance.slots):
            self._schedule(instance, slot)
        if not leaves:
            self._resume(instance, [])

    def _schedule(self, instance: Instance, slot: Slot) -> None:
        match slot.command:
            case Sleep(delay_ms):
                instance.open[self._timer(instance, delay_ms)] = slot
            case Call(program, given):
                suffix = instance.child_suffix()
                data = {"name": program, "instance": suffix, "input": given}
                event = self._append(instance, "SubOrchestrationScheduled", None, data)
                instance.open[event] = slot
                self._start_child(instance, event, f"{instance.name}::{suffix}", slot.command)
            case Perform(given, retry):
                event = self._append(instance, "ActivityScheduled", None, {"input": given})
                instance.open[event] = slot
                self.workers.queue.append(Job(instance, instance.execution, event, given))
                if retry is not None and retry.timeout_ms is not None:
                    instance.timeouts[self._timer(instance, retry.timeout_ms)] = event

    def _timer(self, instance: Instance, delay_ms: int) -> int:
        due_ms = self.clock.now_ns // NS_PER_MS + delay_ms
        event = self._append(instance, "TimerCreated", None, {"fireAtMs": due_ms})
        self._later(instance, delay_ms * NS_PER_MS, Done(event, "TimerFired"))
        return event

    def _start_child(self, parent: Instance, event: int, name: str, call: Call) -> None:
        child = Instance(name, call.program, call.input, parent=(parent, event))
        parent.children[event] = child
        self.instances[name] = child
        self._wake(child)

    def _read_mail(self, instance: Instance) -> None:
        """Hand the next letter to a program that waits for one."""
        if isinstance(instance.command, Dequeue | Listen):
            wanted = instance.command
            name = wanted.queue if isinstance(wanted, Dequeue) else wanted.name
            if letters := instance.mail.get(name):
                self._resume(instance, letters.popleft())

    def _revoke(self, instance: Instance, event: int) -> None:
        """Cancel an open leaf: its row leaves the queue, its late result will be dropped."""
        slot = instance.open[event]
        if isinstance(slot.command, Perform):
            self._append(instance, "ActivityCancelRequested", event, None)
            self.workers.withdraw(instance, event)
        elif isinstance(slot.command, Call):
            self._append(instance, "SubOrchestrationCancelRequested", event, None)
            lost = "parent dropped sub-orchestration future"
            reason = "parent canceled" if instance.cancelled else lost
            self.send(instance.children[event], Cancel(reason))

    # -- the hosts: ends -------------------------------------------------------------------

    def _complete(self, instance: Instance, output: Json) -> None:
        self._append(instance, "OrchestrationCompleted", None, output)
        instance.status, instance.output = "Completed", output
        self._over(instance, "SubOrchestrationCompleted")

    def _fail(self, instance: Instance, error: str, details: Json) -> None:
        for event in list(instance.open):
            self._revoke(instance, event)
        self._append(instance, "OrchestrationFailed", None, {"Application": details})
        instance.status, instance.error = "Failed", error
        self._over(instance, "SubOrchestrationFailed")

    def _over(self, instance: Instance, kind: str) -> None:
        instance.forget_open()
        if instance.parent is not None:
            parent, event = instance.parent
            if parent.children.get(event) is instance:
                self.send(parent, Done(event, kind, instance.output, instance.error))
        if instance.op is not None:
            op = instance.op
            self.clock.after(SEEN_NS, lambda: self.tell(self._finished(op, instance)))

    def _finished(self, op: int, instance: Instance) -> Finished:
        now = self.clock.now_ns
        return Finished(op, now, instance.status, instance.output, instance.error)

    # -- the hosts: time -----------------------------------------------------------------------

    def _later(self, instance: Instance, delay_ns: int, message: Done) -> None:
        """Deliver a timer's firing, unless the execution that set it is over by then."""
        execution = instance.execution

        def fire() -> None:
            if execution == instance.execution and instance.status == "Running":
                self.send(instance, message)

        self.clock.after(delay_ns, fire)

    def _append(self, instance: Instance, kind: str, source: int | None, data: Json) -> int:
        return instance.append(self.clock.now_ns, kind, source, data)

    # -- at rest ---------------------------------------------------------------------------

    def collect(self) -> Iterator[Execution | HistoryEvent]:
        """The books, instance by instance."""
        return books(self.instances.values())

    def metrics(self) -> SystemMetrics:
        """Totals over the books."""
        return totals(self.instances.values())
