"""Children and cancels that go wrong."""

from __future__ import annotations

from typing import Any

import msgspec

from duroxide_stress.engines.reference.instance import Cancel, Done, Instance, Message
from duroxide_stress.engines.reference.workers import Workers
from duroxide_stress.program import Json
from duroxide_stress.recording.records import Execution
from duroxide_stress.selftest.planted import Bug, Planted, struck
from duroxide_stress.walk import Call


class OrphanChild(Planted):
    """A child does not know its parent."""

    def booked(self, book: Execution) -> Execution:
        return msgspec.structs.replace(book, parent=None)


class WrongParent(Planted):
    """A child's result is told to another parent than its own."""

    _last: tuple[str, Json] = ("", None)

    def send(self, instance: Instance, message: Message) -> None:
        if isinstance(message, Done) and message.kind == "SubOrchestrationCompleted":
            parent, result = self._last
            self._last = (instance.name, message.result)
            if parent not in ("", instance.name) and self.strikes(instance.name):
                message = msgspec.structs.replace(message, result=result)
        super().send(instance, message)


class OtherEnd(Planted):
    """A parent is told that its child completed, when it failed."""

    def send(self, instance: Instance, message: Message) -> None:
        match message:
            case Done(source, "SubOrchestrationFailed") if self.strikes(instance.name):
                message = Done(source, "SubOrchestrationCompleted")
        super().send(instance, message)


class StrayChildId(Planted):
    """A child runs under an id that does not derive from its parent's."""

    def _start_child(self, parent: Instance, event: int, name: str, call: Call) -> None:
        stray = name.replace("::", "-child-") if self.strikes(parent.name) else name
        super()._start_child(parent, event, stray, call)


class IgnoredCancel(Planted):
    """A cancel is booked, and the instance goes on."""

    every = 2

    def _take(self, instance: Instance, message: Message) -> None:
        if isinstance(message, Cancel) and self.strikes(instance.name):
            self._append(instance, "OrchestrationCancelRequested", None, None)
        else:
            super()._take(instance, message)


class LostCancel(Planted):
    """A cancel is acknowledged and forgotten."""

    every = 2

    def send(self, instance: Instance, message: Message) -> None:
        if not (isinstance(message, Cancel) and self.strikes(instance.name)):
            super().send(instance, message)


class CompletedAfterCancel(Planted):
    """A cancelled instance goes on when its client has been told of its end, and completes."""

    every = 2

    def _fail(self, instance: Instance, error: str, details: Json) -> None:
        if instance.op is None or not self.strikes(instance.name):
            super()._fail(instance, error, details)
            return
        self._append(instance, "OrchestrationFailed", None, {"Application": details})
        told = msgspec.structs.replace(instance, status="Failed", error=error)
        self._tell(instance.op, told)
        instance.op = None

    def _tell(self, op: int, instance: Instance) -> None:
        self.clock.after(1, lambda: self.tell(self._finished(op, instance)))


class UnreachedChild(Planted):
    """The cancel of a parent does not reach its child."""

    every = 2

    def send(self, instance: Instance, message: Message) -> None:
        below = instance.parent is not None and isinstance(message, Cancel)
        if not (below and self.strikes(instance.name)):
            super().send(instance, message)


class Hoarders(Workers):
    """Keep work that has been taken back."""

    def withdraw(self, instance: Instance, scheduled: int) -> None:
        if not struck(instance.name, 2):
            super().withdraw(instance, scheduled)


class KeptWork(Planted):
    """The activities of a cancelled instance stay in their queue and are run."""

    crew = Hoarders


class CancelledTwice(Planted):
    """A child that has ended is cancelled, and its books are written anew."""

    def _over(self, instance: Instance, kind: str) -> None:
        super()._over(instance, kind)
        for child in instance.children.values() if self.strikes(instance.name) else ():
            if child.status == "Completed":
                child.cancelled = True
                self._append(child, "OrchestrationCancelRequested", None, None)
                self._fail(child, "canceled: parent canceled", {"kind": "Cancelled"})


_FAMILY: dict[str, Any] = {"options": {"width": 2, "depth": 1}}
_SLOW = {"pause_ms": 1_200, "within_ms": 400}
_LIVES = {"pause_ms": 3_000, "within_ms": 7_000}

BUGS = (
    Bug(
        "cancel of a finished instance", "history", "sub-orchestrations", CancelledTwice, **_FAMILY
    ),
    Bug("orphan child", "children", "sub-orchestrations", OrphanChild, **_FAMILY),
    Bug(
        "child result to the wrong parent", "children", "sub-orchestrations", WrongParent, **_FAMILY
    ),
    Bug("child's end told wrong", "children", "sub-orchestrations", OtherEnd, **_FAMILY),
    Bug("child id not from its parent", "children", "sub-orchestrations", StrayChildId, **_FAMILY),
    Bug("cancel that does not stop", "cancellation", "cancellation", IgnoredCancel, _SLOW),
    Bug("cancel that is lost", "cancellation", "cancellation", LostCancel, _SLOW),
    Bug(
        "completion after cancel",
        "cancellation",
        "cancellation",
        CompletedAfterCancel,
        _SLOW,
        {"duration_secs": 4, "max_concurrent": 3},
    ),
    Bug(
        "cancel that stops at the parent",
        "cancellation",
        "cancellation",
        UnreachedChild,
        _LIVES,
        {"duration_secs": 4},
    ),
    Bug(
        "work of a cancelled instance run",
        "cancellation",
        "cancellation",
        KeptWork,
        {"within_ms": 400},
        {"activity_delay_ms": 300, "worker_concurrency": 1, "max_concurrent": 8},
    ),
)
