"""Activities that go wrong: run, booked, answered."""

from __future__ import annotations

from typing import Any

import msgspec

from duroxide_stress.engines.base import Finished
from duroxide_stress.engines.reference.instance import Done, Instance, Message
from duroxide_stress.engines.reference.workers import Job, Workers
from duroxide_stress.program import Json, perform
from duroxide_stress.recording.records import Effect
from duroxide_stress.selftest.planted import Bug, Planted, struck
from duroxide_stress.units import NS_PER_MS
from duroxide_stress.walk import First, JoinAll, LeafCommand, Perform


class LostCompletion(Planted):
    """An activity has run, and its instance is never told."""

    def send(self, instance: Instance, message: Message) -> None:
        if not (_completion(message) and self.once(instance.name)):
            super().send(instance, message)


class DoubledCompletion(Planted):
    """An activity's completion is booked twice."""

    def _complete_leaf(self, instance: Instance, done: Done) -> None:
        due = done.source in instance.open
        super()._complete_leaf(instance, done)
        if due and instance.status == "Running" and self.strikes(instance.name):
            self._append(instance, done.kind, done.source, done.result)


class TwoAtOnce(Workers):
    """Gives some work to two workers."""

    def _begin(self, job: Job) -> None:
        super()._begin(job)
        if self.free and struck(job.instance.name):
            super()._begin(job)


class DoubledEffect(Planted):
    """An activity is given to two workers at once."""

    crew = TwoAtOnce


class OnceMore(Workers):
    """Does some work again, long after it was done."""

    def _begin(self, job: Job) -> None:
        super()._begin(job)
        if struck(job.instance.name):
            later = int(job.given["delay_ms"]) + 1_100
            self._clock.after(later * NS_PER_MS, lambda: self._again(job))

    def _again(self, job: Job) -> None:
        if self.free:
            super()._begin(job)
        else:
            self._clock.after(NS_PER_MS, lambda: self._again(job))


class LateRepeat(Planted):
    """An activity is run again, a second after its completion was booked."""

    crew = OnceMore


class Idle(Workers):
    """Answers for some work without having done it."""

    def _begin(self, job: Job) -> None:
        if struck(job.instance.name):
            self._send(job.instance, _done(job))
        else:
            super()._begin(job)


class DroppedEffect(Planted):
    """An activity is booked as done and has never run."""

    crew = Idle


class Hasty(Workers):
    """Answers for some work when it begins, not when it is done."""

    def _begin(self, job: Job) -> None:
        super()._begin(job)
        if struck(job.instance.name):
            self._send(job.instance, _done(job))


class BookedAhead(Planted):
    """An activity is booked as done when it begins, so that what follows it runs beside it."""

    crew = Hasty


class SkippedCompensation(Planted):
    """The steps that undo a failed saga are taken as done and never scheduled."""

    every = 3

    def _schedule_all(self, instance: Instance, command: LeafCommand | JoinAll | First) -> None:
        match command:
            case Perform(given) if "|1|0.1" in given["token"] and self.strikes(instance.name):
                self._resume(instance, perform(given))
            case _:
                super()._schedule_all(instance, command)


class CorruptedPayload(Planted):
    """One character of what an activity returned is another when it is stored."""

    def send(self, instance: Instance, message: Message) -> None:
        if isinstance(message, Done) and _completion(message) and self.once(instance.name):
            text = message.result["payload"]
            middle = len(text) // 2
            text = text[:middle] + ("x" if text[middle] != "x" else "y") + text[middle + 1 :]
            message = msgspec.structs.replace(message, result={**message.result, "payload": text})
        super().send(instance, message)


class IgnoredTimeout(Planted):
    """An attempt that takes longer than its timeout is waited for all the same."""

    every = 3

    def _complete_leaf(self, instance: Instance, done: Done) -> None:
        if done.source in instance.timeouts and self.strikes(instance.name):
            instance.timeouts.pop(done.source)
            self._append(instance, "TimerFired", done.source, None)
        else:
            super()._complete_leaf(instance, done)


class SwappedOutputs(Planted):
    """An instance is given the output of the one that ended before it."""

    _last: Json = None

    def _complete(self, instance: Instance, output: Json) -> None:
        given = self._last if self.strikes(instance.name) else output
        self._last = output
        super()._complete(instance, given)


class ReversedJoin(Planted):
    """The results of a fan-out are joined in the wrong order."""

    def _resume(self, instance: Instance, result: Json, error: str | None = None) -> None:
        wrong = isinstance(instance.command, JoinAll) and self.strikes(instance.name)
        super()._resume(instance, result[::-1] if wrong and result else result, error)


class CutOutput(Planted):
    """The client is given an output without its end; the books have the whole."""

    def _finished(self, op: int, instance: Instance) -> Finished:
        seen = super()._finished(op, instance)
        if not self.strikes(instance.name):
            return seen
        return msgspec.structs.replace(seen, output=seen.output[:-1])


class MixedUpResults(Planted):
    """An activity's result is handed to another instance than the one it ran for."""

    _last: tuple[str, Json] = ("", None)

    def send(self, instance: Instance, message: Message) -> None:
        if isinstance(message, Done) and _completion(message):
            owner, result = self._last
            self._last = (instance.name, message.result)
            if owner not in ("", instance.name) and self.strikes(instance.name):
                message = msgspec.structs.replace(message, result=result)
        super().send(instance, message)


class ForeignContext(Planted):
    """An activity runs in the context of another instance."""

    _last = ""

    def ran(self, effect: Effect) -> Effect:
        other, self._last = self._last or effect.instance, effect.instance
        return msgspec.structs.replace(effect, instance=other) if self.strikes(other) else effect


class OtherOrder(Planted):
    """The members of a fan-out are scheduled in another order than the program names them."""

    def _schedule_all(self, instance: Instance, command: LeafCommand | JoinAll | First) -> None:
        if isinstance(command, JoinAll) and self.strikes(instance.name):
            command = JoinAll(command.commands[::-1])
            super()._schedule_all(instance, command)
            instance.slots.reverse()
        else:
            super()._schedule_all(instance, command)


class StrayTimer(Planted):
    """A timer is set that the program does not ask for."""

    def _schedule_all(self, instance: Instance, command: LeafCommand | JoinAll | First) -> None:
        if self.strikes(instance.name):
            self._timer(instance, 1)
        super()._schedule_all(instance, command)


def _completion(message: Message) -> bool:
    return isinstance(message, Done) and message.kind == "ActivityCompleted"


def _done(job: Job) -> Done:
    return Done(job.scheduled, "ActivityCompleted", perform(job.given))


_LARGE: dict[str, Any] = {"max_kb": 1}

BUGS = (
    Bug("lost completion", "completion", "parallel", LostCompletion),
    Bug("swapped outputs between instances", "outputs", "parallel", SwappedOutputs),
    Bug("results joined in the wrong order", "outputs", "parallel", ReversedJoin),
    Bug("output cut on its way to the client", "outputs", "parallel", CutOutput),
    Bug("timeout that never comes", "outputs", "failures", IgnoredTimeout),
    Bug("non-deterministic branch", "determinism", "parallel", OtherOrder),
    Bug("step its twins do not have", "determinism", "parallel", StrayTimer),
    Bug("result of another instance", "isolation", "parallel", MixedUpResults),
    Bug("context of another instance", "isolation", "parallel", ForeignContext),
    Bug("doubled completion", "history", "parallel", DoubledCompletion),
    Bug(
        "doubled effect",
        "effects",
        "parallel",
        DoubledEffect,
        config={"worker_concurrency": 8, "max_concurrent": 2},
    ),
    Bug(
        "effect repeated when done", "effects", "parallel", LateRepeat, config={"duration_secs": 2}
    ),
    Bug("dropped effect", "effects", "parallel", DroppedEffect),
    Bug("compensation skipped", "effects", "failures", SkippedCompensation),
    Bug("corrupted payload", "effects", "large-payload", CorruptedPayload, options=_LARGE),
    Bug(
        "follower begun too soon",
        "ordering",
        "large-payload",
        BookedAhead,
        options=_LARGE,
        config={"worker_concurrency": 8},
    ),
    Bug(
        "generation begun too soon",
        "ordering",
        "long-running",
        BookedAhead,
        options={"period_ms": 5, "generations": 4},
        config={"activity_delay_ms": 50, "worker_concurrency": 12},
    ),
)
