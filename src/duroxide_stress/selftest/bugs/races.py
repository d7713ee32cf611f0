"""Races that the wrong side wins, and code that changes under a running instance."""

from __future__ import annotations

from typing import Any

from duroxide_stress.engines.reference.instance import Done, Instance, Slot
from duroxide_stress.program import Json
from duroxide_stress.selftest.planted import Bug, Planted
from duroxide_stress.walk import First, Perform


class WrongWinner(Planted):
    """The side that completed second has won."""

    every = 3

    def _resume(self, instance: Instance, result: Json, error: str | None = None) -> None:
        if isinstance(instance.command, First) and result and self.strikes(instance.name):
            result = [1 - result[0], result[1]]
        super()._resume(instance, result, error)


class LoserKept(Planted):
    """The loser of a race is not cancelled."""

    every = 3

    def _revoke(self, instance: Instance, event: int) -> None:
        if not (isinstance(instance.command, First) and self.strikes(instance.name)):
            super()._revoke(instance, event)


class LoserTaken(Planted):
    """The result of a cancelled activity is booked."""

    every = 3

    def _complete_leaf(self, instance: Instance, done: Done) -> None:
        late = done.kind == "ActivityCompleted" and done.source not in instance.open
        if late and self.strikes(instance.name):
            self._append(instance, done.kind, done.source, done.result)
        super()._complete_leaf(instance, done)


class WinnerCancelled(Planted):
    """The winner of a race is cancelled."""

    every = 3

    def _settle(self, instance: Instance, slot: Slot, result: Json, error: str | None) -> None:
        won = isinstance(instance.command, First) and isinstance(slot.command, Perform)
        if won and self.strikes(instance.name):
            self._append(instance, "ActivityCancelRequested", instance.history[-1].source, None)
        super()._settle(instance, slot, result, error)


class ChangedVersion(Planted):
    """A running instance is begun anew with the newer code when that arrives."""

    every = 2

    def upgrade(self) -> None:
        super().upgrade()
        for name, instance in self.instances.items():
            if instance.code is not None and instance.status == "Running" and self.strikes(name):
                instance.forget_open()
                instance.begin(self._code[instance.orchestration][1])
                self._resume(instance, None)


class OldCode(Planted):
    """A new instance is begun with the old code, when no node has it any more."""

    every = 2

    def upgrade(self) -> None:
        self._old = dict(self._code)
        super().upgrade()
        self._new = self._code

    def _turn(self, instance: Instance) -> None:
        if hasattr(self, "_old"):
            self._code = self._old if self.strikes(instance.name) else self._new
        super()._turn(instance)


_RACES = {"count": 2, "long_ms": 60}
_VERSIONS: dict[str, Any] = {"turns": 3, "pause_ms": 40}

BUGS = (
    Bug("race won by the wrong side", "races", "races", WrongWinner, _RACES),
    Bug("loser not cancelled", "races", "races", LoserKept, _RACES),
    Bug(
        "loser's result taken",
        "races",
        "races",
        LoserTaken,
        {"count": 3, "long_ms": 60},
        {"worker_concurrency": 12},
    ),
    Bug("winner cancelled", "races", "races", WinnerCancelled, _RACES),
    Bug("version changed on the way", "versions", "versions", ChangedVersion, _VERSIONS),
    Bug("new instance begun with old code", "versions", "versions", OldCode, _VERSIONS),
)
