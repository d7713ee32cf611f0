"""One orchestration instance of the reference engine: histories, open work, mail."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import msgspec

from duroxide_stress.program import Json, Program
from duroxide_stress.recording.records import Execution, HistoryEvent
from duroxide_stress.units import NS_PER_MS
from duroxide_stress.walk import Command, LeafCommand, Walk, scope_of, walk


class Slot(msgspec.Struct):
    """One awaited leaf of the current command."""

    command: LeafCommand
    attempt: int = 1
    done: bool = False
    result: Json = None
    error: str | None = None


class Done(msgspec.Struct, frozen=True):
    """A leaf's completion on its way to its instance: activity, timer or child."""

    source: int
    kind: str
    result: Json = None
    error: str | None = None


class Mail(msgspec.Struct, frozen=True):
    """A message for a queue (`QueueEventDelivered`) or a positional event (`ExternalEvent`)."""

    kind: str
    name: str
    data: Json


class Cancel(msgspec.Struct, frozen=True):
    """Somebody wants the instance to end."""

    reason: str


Message: TypeAlias = Done | Mail | Cancel


def failure(kind: str, message: str) -> dict[str, Json]:
    """A failure of the application's as histories hold it."""
    return {"kind": kind, "message": message, "retryable": False}


class Instance(msgspec.Struct):
    """State of one instance, from its start to its end."""

    name: str
    orchestration: str
    input: Json
    op: int | None = None
    """The client's op; None for a child."""
    parent: tuple[Instance, int] | None = None
    """The calling instance and its SubOrchestrationScheduled event."""
    execution: int = 1
    histories: list[list[HistoryEvent]] = msgspec.field(default_factory=lambda: [[]])
    code: Walk | None = None
    command: Command | None = None
    slots: list[Slot] = []
    open: dict[int, Slot] = {}
    """Event id → the slot it will complete."""
    pauses: dict[int, Slot] = {}
    """Timer event id → the slot that is tried again when it fires."""
    timeouts: dict[int, int] = {}
    """Timer event id → the activity's event id whose attempt it bounds."""
    children: dict[int, Instance] = {}
    inbox: deque[Message] = msgspec.field(default_factory=deque)
    mail: dict[str, deque[Json]] = {}
    queued: bool = False
    status: str = "Running"
    output: Json = None
    error: str | None = None
    cancelled: bool = False

    @property
    def history(self) -> list[HistoryEvent]:
        """The current execution's history."""
        return self.histories[-1]

    def append(self, now_ns: int, kind: str, source: int | None, data: Json) -> int:
        """Append one event to the current history; returns its id, counted from 1."""
        event_id = len(self.history) + 1
        text = None if data is None else msgspec.json.encode(data).decode()
        self.history.append(
            HistoryEvent(
                self.name, self.execution, event_id, kind, source, now_ns // NS_PER_MS, text
            )
        )
        return event_id

    def begin(self, program: Program) -> None:
        """Make the code of the current execution, not yet resumed."""
        self.code = walk(program, scope_of(self.name, self.execution, self.input))

    def forget_open(self) -> None:
        """Nothing is awaited any more; what still arrives is dropped."""
        self.open.clear()
        self.pauses.clear()
        self.timeouts.clear()

    def cancels_first(self) -> bool:
        """Put cancels before what came earlier; whether there is one. What waited for the lock of a dead
        host waited long, and an acknowledged cancel is not passed then."""
        self.inbox = deque(sorted(self.inbox, key=lambda message: not isinstance(message, Cancel)))
        return bool(self.inbox) and isinstance(self.inbox[0], Cancel)

    def child_suffix(self) -> str:
        """What the id of a child scheduled now ends with: Duroxide's, different in each execution."""
        event_id = len(self.history) + 1
        return f"sub::{event_id}" if self.execution == 1 else f"sub::{self.execution}_{event_id}"

    def next_execution(self, given: Json) -> None:
        """Turn to the next generation: a history of its own, the mail kept."""
        self.execution += 1
        self.histories.append([])
        self.input = given
        self.command, self.slots = None, []
        self.code = None
        self.forget_open()
        # Event ids begin anew: what the execution before left behind must not complete them.
        self.children.clear()
        self.inbox = deque(m for m in self.inbox if not isinstance(m, Done))

    def books(self) -> list[Execution]:
        """What the engine's books say of each execution."""
        return [self._book(number) for number in range(1, self.execution + 1)]

    def _book(self, number: int) -> Execution:
        current = number == self.execution
        output = self.error
        if current and self.status == "Completed":
            output = msgspec.json.encode(self.output).decode()
        failed = current and self.status == "Failed"
        return Execution(
            instance=self.name,
            execution=number,
            status=self.status if current else "ContinuedAsNew",
            output=output if current else None,
            events=len(self.histories[number - 1]),
            current=current,
            instance_status=self.status if current else None,
            parent=None if self.parent is None else self.parent[0].name,
            orchestration=self.orchestration,
            category=("canceled" if self.cancelled else "application") if failed else None,
            retryable=False if failed else None,
            error=self.error if failed else None,
        )
