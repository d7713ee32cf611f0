"""Timers and generations that go wrong."""

from __future__ import annotations

from typing import Any

from duroxide_stress.engines.reference.instance import Done, Instance, Mail
from duroxide_stress.program import Json
from duroxide_stress.selftest.planted import Bug, Planted


class EarlyTimer(Planted):
    """A timer fires before it is due."""

    def _later(self, instance: Instance, delay_ns: int, message: Done) -> None:
        early = self.strikes(instance.name)
        super()._later(instance, delay_ns * 4 // 5 if early else delay_ns, message)


class ShortTimer(Planted):
    """A timer is set for half the time that the program asks for."""

    def _timer(self, instance: Instance, delay_ms: int) -> int:
        short = self.strikes(instance.name)
        return super()._timer(instance, delay_ms // 2 if short else delay_ms)


class TwiceFired(Planted):
    """A timer fires twice."""

    def _complete_leaf(self, instance: Instance, done: Done) -> None:
        due = done.kind == "TimerFired" and done.source in instance.open
        super()._complete_leaf(instance, done)
        if due and instance.status == "Running" and self.strikes(instance.name):
            self._append(instance, "TimerFired", done.source, None)


class LostTimer(Planted):
    """A timer is set and never fires."""

    def _later(self, instance: Instance, delay_ns: int, message: Done) -> None:
        if not self.once(instance.name):
            super()._later(instance, delay_ns, message)


class Border(Planted):
    """Does something wrong between two generations."""

    every = 2

    def _resume(self, instance: Instance, result: Json, error: str | None = None) -> None:
        super()._resume(instance, result, error)
        if instance.execution > 1 and instance.code is None and self.once(instance.name):
            self.crossed(instance)

    def crossed(self, instance: Instance) -> None:
        """An instance has continued as new, and the next generation has not begun."""


class SkippedGeneration(Border):
    """A generation is left out."""

    def crossed(self, instance: Instance) -> None:
        skipped = instance.input["$generation"] + 1
        instance.input = {**instance.input, "$generation": skipped}


class OtherInput(Border):
    """A generation is begun with another input than the one before it handed on."""

    def crossed(self, instance: Instance) -> None:
        instance.input = {**instance.input, "$value": instance.input["$value"] + 1}


class NoGeneration(Border):
    """An instance continues as new, and the new execution is never begun."""

    def __init__(self) -> None:
        super().__init__()
        self._asleep: set[str] = set()

    def crossed(self, instance: Instance) -> None:
        self._asleep.add(instance.name)

    def _wake(self, instance: Instance) -> None:
        if instance.name not in self._asleep:
            super()._wake(instance)


class DroppedMail(Border):
    """Messages that one generation has not read are gone when the next begins."""

    every = 4

    def crossed(self, instance: Instance) -> None:
        unread = [message for message in instance.inbox if not isinstance(message, Mail)]
        instance.inbox.clear()
        instance.inbox.extend(unread)


_TIMERS = {"delay_ms": 30, "count": 2, "herd": 2}
_GENERATIONS: dict[str, Any] = {"period_ms": 30, "generations": 4}

BUGS = (
    Bug("lost timer", "completion", "timers", LostTimer, options=_TIMERS),
    Bug(
        "message lost at continue-as-new",
        "durability",
        "events",
        DroppedMail,
        options={"every_ms": 0},
        config={"duration_secs": 0.1},
    ),
    Bug("timer fired twice", "history", "timers", TwiceFired, options=_TIMERS),
    Bug("early timer", "timers", "timers", EarlyTimer, options=_TIMERS),
    Bug("timer set too short", "timers", "timers", ShortTimer, options=_TIMERS),
    Bug("generation skipped", "continuation", "long-running", SkippedGeneration, _GENERATIONS),
    Bug(
        "generation given the wrong input", "continuation", "long-running", OtherInput, _GENERATIONS
    ),
    Bug("generation that never began", "continuation", "long-running", NoGeneration, _GENERATIONS),
)
