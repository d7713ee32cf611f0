"""Starts, turns and ends that go wrong."""

from __future__ import annotations

from collections import deque

from duroxide_stress.engines.base import Finished
from duroxide_stress.engines.reference.instance import Instance, Message, Slot
from duroxide_stress.engines.reference.workers import Workers
from duroxide_stress.program import Json
from duroxide_stress.recording.records import CANARY
from duroxide_stress.scenarios.base import Order
from duroxide_stress.selftest.planted import Bug, Planted, struck
from duroxide_stress.units import NS_PER_SEC
from duroxide_stress.walk import Perform


class LostStart(Planted):
    """A start is acknowledged and then forgotten."""

    def start(self, order: Order) -> None:
        if not self.strikes(order.instance):
            super().start(order)


class DoubledStart(Planted):
    """An instance is begun twice, and one of the two is in no book."""

    def start(self, order: Order) -> None:
        super().start(order)
        if self.strikes(order.instance):
            self._wake(Instance(order.instance, order.orchestration, order.input))


class Amnesia(Planted):
    """A restart forgets instances whose start was acknowledged, with everything they have done."""

    every = 2

    def upgrade(self) -> None:
        super().upgrade()
        for name, instance in list(self.instances.items()):
            if self.strikes(name) and instance.status == "Running":
                instance.status = "Forgotten"
                del self.instances[name]


class StuckInstance(Planted):
    """A turn is committed without the messages that it was for, so that its instance waits for ever."""

    def _turn(self, instance: Instance) -> None:
        if instance.inbox and self.once(instance.name):
            instance.inbox.clear()
        super()._turn(instance)


class LockNeverReleased(Planted):
    """The lock on an instance is not given back after its first turn."""

    def _turn(self, instance: Instance) -> None:
        super()._turn(instance)
        if self.strikes(instance.name):
            instance.queued = True


class Unfair(Workers):
    """Takes the work of one instance when there is no other."""

    def dispatch(self) -> None:
        self.queue = deque(sorted(self.queue, key=lambda job: struck(job.instance.name, 10**6)))
        super().dispatch()


class Starvation(Planted):
    """The activities of one instance wait as long as there are any others."""

    crew = Unfair


class UnplannedFailure(Planted):
    """An error of the store becomes the failure of an instance."""

    def _resume(self, instance: Instance, result: Json, error: str | None = None) -> None:
        if instance.command is not None and self.strikes(instance.name):
            words = "the store is locked"
            self._fail(instance, words, {"kind": "Store", "message": words, "retryable": True})
        else:
            super()._resume(instance, result, error)


class SwallowedFailure(Planted):
    """An instance that must fail is completed."""

    every = 3

    def _fail(self, instance: Instance, error: str, details: Json) -> None:
        if self.strikes(instance.name):
            self._complete(instance, None)
        else:
            super()._fail(instance, error, details)


class WrongWords(Planted):
    """A failure is told with other words than it was raised with."""

    every = 3

    def _fail(self, instance: Instance, error: str, details: Json) -> None:
        words = "something went wrong" if self.strikes(instance.name) else error
        super()._fail(instance, words, details)


class ToldOtherwise(Planted):
    """The client is told of a failure where the books have a completion."""

    def _finished(self, op: int, instance: Instance) -> Finished:
        seen = super()._finished(op, instance)
        if not self.strikes(instance.name):
            return seen
        return Finished(op, seen.at_ns, "Failed", None, "it failed")


class ForgottenRetry(Planted):
    """A failed attempt is not tried again, though its policy says so."""

    every = 3

    def _settle(self, instance: Instance, slot: Slot, result: Json, error: str | None) -> None:
        if error is not None and self.strikes(instance.name):
            slot.attempt = 10**6
        super()._settle(instance, slot, result, error)


class RetryBeyondLimit(Planted):
    """An attempt is tried once more than its policy allows."""

    every = 3

    def _settle(self, instance: Instance, slot: Slot, result: Json, error: str | None) -> None:
        policy = slot.command.retry if isinstance(slot.command, Perform) else None
        last = policy is not None and slot.attempt == policy.max_attempts
        if error is not None and last and self.strikes(instance.name):
            instance.pauses[self._timer(instance, 100)] = slot
        else:
            super()._settle(instance, slot, result, error)


class NeighboursLock(Planted):
    """The lock on a busy instance keeps a healthy one beside it from ever being served again."""

    every = 2

    def _turn(self, instance: Instance) -> None:
        super()._turn(instance)
        if instance.orchestration == CANARY and self.strikes(instance.name):
            instance.queued = True


class Overtaken(Planted):
    """A healthy instance is served after 40 seconds, while younger ones come and go."""

    every = 2

    def send(self, instance: Instance, message: Message) -> None:
        if instance.orchestration == CANARY and self.once(instance.name):
            self.clock.after(
                40 * NS_PER_SEC, lambda: super(Overtaken, self).send(instance, message)
            )
        else:
            super().send(instance, message)


BUGS = (
    Bug("unplanned failure", "success", "parallel", UnplannedFailure),
    Bug("failure swallowed", "success", "failures", SwallowedFailure),
    Bug("wrong error words", "success", "failures", WrongWords),
    Bug("client told another end", "success", "parallel", ToldOtherwise),
    Bug("retry forgotten", "success", "failures", ForgottenRetry),
    Bug("stuck instance", "completion", "parallel", StuckInstance),
    Bug("lock never released", "completion", "parallel", LockNeverReleased),
    Bug(
        "starvation",
        "completion",
        "parallel",
        Starvation,
        config={"activity_delay_ms": 50, "duration_secs": 2.5, "wait_timeout_secs": 1},
    ),
    Bug("lost start", "durability", "parallel", LostStart),
    Bug(
        "amnesia after restart",
        "durability",
        "versions",
        Amnesia,
        options={"turns": 3, "pause_ms": 60},
    ),
    Bug("retry beyond its limit", "history", "failures", RetryBeyondLimit),
    Bug(
        "duplicate start run twice",
        "effects",
        "parallel",
        DoubledStart,
        config={"worker_concurrency": 12},
    ),
    Bug(
        "neighbour's lock",
        "canary",
        "parallel",
        NeighboursLock,
        config={"canary_every_ms": 100},
    ),
    Bug(
        "healthy instance overtaken",
        "canary",
        "parallel",
        Overtaken,
        config={
            "canary_every_ms": 5_000,
            "activity_delay_ms": 2_000,
            "duration_secs": 45,
            "wait_timeout_secs": 60,
            "max_concurrent": 1,
        },
    ),
)
