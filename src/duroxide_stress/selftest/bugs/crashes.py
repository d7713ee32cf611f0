"""What a crash takes with it, though it was acknowledged or booked, and what a restart gets wrong."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from duroxide_stress.engines.base import EffectSink
from duroxide_stress.engines.reference.hosts import Hosts
from duroxide_stress.engines.reference.instance import Done, Instance, Mail, Message, Slot
from duroxide_stress.engines.reference.workers import Job
from duroxide_stress.engines.reference.world import TURN_NS
from duroxide_stress.plan import Cell
from duroxide_stress.program import Json
from duroxide_stress.scenarios.base import Order, Workload
from duroxide_stress.selftest.planted import HOSTS, Bug, Planted
from duroxide_stress.selftest.struck import Strike
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC
from duroxide_stress.walk import Perform, Sleep

LATE_NS = 50 * NS_PER_MS
"""How long before a crash something was acknowledged that is lost with it."""


class Telling(Hosts):
    """Tells its world when a host was killed, and when one was started."""

    world: Crashing

    def kill(self, node: str) -> None:
        super().kill(node)
        self.world.crashed()

    def start(self, node: str) -> str:
        life = super().start(node)
        self.world.restarted()
        return life


class Crashing(Planted):
    """Does something wrong when a host crashes, or when it is back."""

    house = Telling
    every = 2

    def serve(self, cell: Cell, workload: Workload, effects: EffectSink) -> None:
        super().serve(cell, workload, effects)
        assert isinstance(self.hosts, Telling)
        self.hosts.world = self

    def crashed(self) -> None:
        """A host has been killed."""

    def restarted(self) -> None:
        """A host has been started again."""

    def running(self) -> list[Instance]:
        """Instances that the bug strikes, and that have begun and not ended."""
        return [
            instance
            for name, instance in self.instances.items()
            if instance.code is not None and instance.status == "Running" and self.strikes(name)
        ]


class UnflushedStart(Crashing):
    """A crash takes the instances with it whose start was acknowledged in the 50 ms before."""

    def __init__(self) -> None:
        super().__init__()
        self._since_ns: dict[str, int] = {}

    def start(self, order: Order) -> None:
        self._since_ns[order.instance] = self.clock.now_ns
        super().start(order)

    def crashed(self) -> None:
        for name, since_ns in self._since_ns.items():
            if self.clock.now_ns - since_ns <= LATE_NS and name in self.instances:
                self.instances.pop(name).status = "Forgotten"


class UnflushedMessage(Crashing):
    """A message is stored 50 ms after it was acknowledged, and a crash before that takes it."""

    def __init__(self) -> None:
        super().__init__()
        self._crashes = 0

    def send(self, instance: Instance, message: Message) -> None:
        if isinstance(message, Mail) and message.kind == "QueueEventDelivered":
            self.clock.after(LATE_NS, partial(self._store, instance, message, self._crashes))
        else:
            super().send(instance, message)

    def _store(self, instance: Instance, message: Message, crashes: int) -> None:
        if crashes == self._crashes and instance.status == "Running":
            super().send(instance, message)

    def crashed(self) -> None:
        self._crashes += 1


class OlderHistory(Crashing):
    """After a crash instances go on from an older history, which lacks what was booked last."""

    def crashed(self) -> None:
        for instance in self.running():
            done = [e for e in instance.history if e.kind == "ActivityCompleted"]
            if done and not instance.children:
                self._go_back(instance, done[-1].event_id - 1)

    def _go_back(self, instance: Instance, events: int) -> None:
        """Let a sequence of activities be where it was after so many events."""
        for scheduled in instance.open:
            self.workers.withdraw(instance, scheduled)
        del instance.history[events:]
        instance.begin(self._code[instance.orchestration][1])
        assert instance.code is not None
        command = instance.code.send(None)
        for event in instance.history:
            if event.kind == "ActivityCompleted":
                command = instance.code.send(msgspec.json.decode(event.data or "null"))
        assert isinstance(command, Perform)
        slot, last = Slot(command), instance.history[-1].event_id
        instance.command, instance.slots, instance.open = command, [slot], {last: slot}
        self.workers.queue.append(Job(instance, instance.execution, last, command.input))


class RunAgain(Crashing):
    """When a host is back, activities are run again that were booked as done a second before."""

    def restarted(self) -> None:
        since_ms = (self.clock.now_ns - NS_PER_SEC) // NS_PER_MS
        for name, instance in self.instances.items():
            for event in instance.history if self.strikes(name) else ():
                if event.kind == "ActivityCompleted" and event.ts_ms < since_ms:
                    scheduled = instance.history[(event.source or 0) - 1]
                    given = msgspec.json.decode(scheduled.data or "null")["input"]
                    job = Job(instance, instance.execution, scheduled.event_id, given)
                    self.workers.queue.append(job)


class ForgottenTimers(Crashing):
    """Timers that were set before a host was started again never fire."""

    _restarted_ms = 0

    def restarted(self) -> None:
        self._restarted_ms = self.clock.now_ns // NS_PER_MS

    def send(self, instance: Instance, message: Message) -> None:
        if isinstance(message, Done) and message.kind == "TimerFired":
            set_ms = instance.history[message.source - 1].ts_ms
            if set_ms < self._restarted_ms and self.strikes(instance.name):
                return
        super().send(instance, message)


class HastyTimers(Crashing):
    """When a host is back, the timers that were set before fire at once."""

    def restarted(self) -> None:
        for instance in self.running():
            for event, slot in list(instance.open.items()):
                if isinstance(slot.command, Sleep):
                    self.send(instance, Done(event, "TimerFired"))


class TwoLives(Crashing):
    """When a host is back, instances are gone on with by two hosts, and complete twice."""

    def __init__(self) -> None:
        super().__init__()
        self._doubled: set[str] = set()

    def restarted(self) -> None:
        self._doubled.update(instance.name for instance in self.running())

    def _complete(self, instance: Instance, output: Json) -> None:
        super()._complete(instance, output)
        if instance.name in self._doubled:
            self.clock.after(TURN_NS, partial(self._once_more, instance, output))

    def _once_more(self, instance: Instance, output: Json) -> None:
        self._append(instance, "OrchestrationCompleted", None, output)


def _kill(at_secs: float, secs: float) -> tuple[Strike, ...]:
    return (Strike("kill", at_secs, secs),)


_BRISK: dict[str, Any] = {**HOSTS, "activity_delay_ms": 20, "duration_secs": 0.6}

BUGS = (
    Bug(
        "start lost in a crash", "durability", "parallel", UnflushedStart, {}, _BRISK, _kill(0.3, 1)
    ),
    Bug(
        "message lost in a crash",
        "durability",
        "events",
        UnflushedMessage,
        {},
        _BRISK,
        _kill(0.3, 1),
    ),
    Bug(
        "older history after a crash",
        "effects",
        "large-payload",
        OlderHistory,
        {"max_kb": 1},
        HOSTS,
        _kill(1, 0.5),
    ),
    Bug("booked work run after a restart", "effects", "parallel", RunAgain, {}, HOSTS, _kill(1, 1)),
    Bug(
        "timers lost by a restart",
        "completion",
        "timers",
        ForgottenTimers,
        {"delay_ms": 500, "count": 2, "herd": 2},
        HOSTS,
        _kill(1, 0.5),
    ),
    Bug(
        "timers early after a restart",
        "timers",
        "timers",
        HastyTimers,
        {"delay_ms": 500, "count": 2, "herd": 2},
        HOSTS,
        _kill(1, 0.5),
    ),
    Bug("instance doubled by a restart", "history", "parallel", TwoLives, {}, HOSTS, _kill(1, 0.5)),
)
