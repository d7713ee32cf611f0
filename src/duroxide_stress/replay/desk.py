"""What stands between code and history: steps the code has taken, answers the history gives them.

It keeps the engine's own rules of who is answered by what, so that code is resumed in the order in
which it was resumed when the history was written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Generator

import msgspec

from duroxide_stress.replay.grammar import DEQUEUING, LISTENING


class Step(msgspec.Struct, frozen=True):
    """One thing the code does, in the words of the event that records it."""

    kind: str
    """The kind of that event."""
    name: str | None = None
    input: str | None = None
    """JSON text."""
    child: str | None = None
    """The id that the code gives a child; None where the engine makes one."""
    delay_ms: int | None = None
    version: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """How an awaited thing ended: JSON text, or the words of its failure."""

    text: str
    failed: bool = False


Future = Generator[None, None, Answer]
"""Yields as long as it is not answered. Closed when nobody waits for it any more."""


class Desk:
    """The open steps of one execution."""

    def __init__(self) -> None:
        self.taken: deque[tuple[int, Step]] = deque()
        """Steps that have not met their event yet, in order, each with its ticket."""
        self._tickets = 0
        self._bound: dict[int, int] = {}
        self._answers: dict[int, Answer] = {}
        self._queues, self._events = _Line(), _Line()

    def take(self, step: Step) -> int:
        """The code does something; returns the ticket by which its answer is known."""
        self._tickets += 1
        self.taken.append((self._tickets, step))
        return self._tickets

    def bind(self, event_id: int, ticket: int, step: Step) -> None:
        """A step has met its event."""
        self._bound[event_id] = ticket
        if step.kind == DEQUEUING:
            self._queues.join(ticket, step.name or "")
        elif step.kind == LISTENING:
            self._events.join(ticket, step.name or "")

    def answer(self, event_id: int | None, answer: Answer) -> bool:
        """A completion came; returns whether anybody knows the event that it completes."""
        ticket = self._bound.get(event_id or 0)
        if ticket is None:
            return False
        self._answers[ticket] = answer
        return True

    def message(self, queue: str, text: str) -> None:
        """A message was put into a queue."""
        self._queues.arrive(queue, text)

    def event(self, name: str, text: str) -> bool:
        """A positional event came; returns False where nobody listens and it is dropped."""
        heard = self._events.awaits(name)
        if heard:
            self._events.arrive(name, text)
        return heard

    def stop_listening(self, event_id: int | None) -> None:
        """The history says that a positional event is no longer waited for."""
        ticket = self._bound.get(event_id or 0)
        if ticket is not None:
            self._events.leave(ticket)

    def awaited(self, step: Step) -> Future:
        """Take a step that a completion answers."""
        ticket = self.take(step)
        while ticket not in self._answers:
            yield
        return self._answers.pop(ticket)

    def dequeued(self, queue: str) -> Future:
        """Wait for a queue's next message. Who stops waiting leaves it to the next."""
        ticket = self.take(Step(DEQUEUING, queue))
        try:
            while (text := self._queues.read(ticket)) is None:
                yield
        except GeneratorExit:
            self._queues.leave(ticket)
            raise
        return Answer(text)

    def listened(self, name: str) -> Future:
        """Wait for a positional event."""
        ticket = self.take(Step(LISTENING, name))
        while (text := self._events.read(ticket)) is None:
            yield
        return Answer(text)


class _Line:
    """Texts that arrive under a name go to those who wait for it, in the order they began to wait."""

    def __init__(self) -> None:
        self._arrived: defaultdict[str, list[str]] = defaultdict(list)
        self._waiting: defaultdict[str, list[int]] = defaultdict(list)
        self._names: dict[int, str] = {}
        self._left: set[int] = set()

    def join(self, ticket: int, name: str) -> None:
        """Somebody begins to wait. Tickets are handed out in ascending order."""
        self._names[ticket] = name
        if ticket not in self._left:
            self._waiting[name].append(ticket)

    def leave(self, ticket: int) -> None:
        """Whoever waits behind moves up."""
        self._left.add(ticket)
        name = self._names.get(ticket)
        if name is not None and (place := self._place(ticket, name)) is not None:
            del self._waiting[name][place]

    def arrive(self, name: str, text: str) -> None:
        """A text to be kept until somebody reads it."""
        self._arrived[name].append(text)

    def awaits(self, name: str) -> bool:
        """Whether somebody waits for a text that has not arrived yet."""
        return len(self._waiting[name]) > len(self._arrived[name])

    def read(self, ticket: int) -> str | None:
        """The text that is this one's, None when it has not arrived."""
        name = self._names.get(ticket)
        place = None if name is None else self._place(ticket, name)
        if name is None or place is None or place >= len(self._arrived[name]):
            return None
        return self._arrived[name][place]

    def _place(self, ticket: int, name: str) -> int | None:
        line = self._waiting[name]
        place = bisect_left(line, ticket)
        return place if place < len(line) and line[place] == ticket else None
