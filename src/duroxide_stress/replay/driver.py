"""One execution's history held against the code: what it schedules, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import msgspec

from duroxide_stress.recording.records import HistoryEvent
from duroxide_stress.replay import grammar
from duroxide_stress.replay.code import Orchestration
from duroxide_stress.replay.context import Kept, ReplayContext
from duroxide_stress.replay.desk import Answer, Desk, Step
from duroxide_stress.replay.result import Kind
from duroxide_stress.replay.running import Endless, Raised, Returned, Running
from duroxide_stress.replay.tasks import REFUSED
from duroxide_stress.replay.words import Words, apart, event_words, step_words, task_words

SLACK_MS, SLACK_SHARE = 50, 0.1
"""How far a timer's delay may be from the recorded one, which is only known from two timestamps."""


class Past(msgspec.Struct, frozen=True):
    """One recorded execution."""

    instance: str
    execution: int
    orchestration: str
    version: str
    input: str
    events: Sequence[HistoryEvent]
    exact: bool = True
    """Whether texts are the engine's own, to the letter; else they are compared as JSON values."""


class Found(msgspec.Struct, frozen=True):
    """The first place where code and history part."""

    kind: Kind
    event_id: int
    history: str
    code: str
    labels: tuple[str, str]
    """Both sides without the values that differ from instance to instance."""


class Outcome(msgspec.Struct, frozen=True):
    """What replaying one execution came to."""

    found: Found | None = None
    open: bool = False
    """The history has no end yet, and the code goes with it as far as it goes."""
    next_input: str | None = None
    """What the code hands to its next execution."""
    next_version: str | None = None
    end_id: int = 0
    """The event of the end, if any."""
    delays: tuple[tuple[int, int], ...] = ()
    """Timers whose delay has changed, which the engine allows: recorded and present ms."""


class _PartedError(Exception):
    def __init__(self, found: Found) -> None:
        self.found = found


def replay(past: Past, code: Orchestration, kept: Kept) -> Outcome:
    """Drive the code with a recorded execution. `kept` is carried on from the one before."""
    replayed = _Replay(past, code, kept)
    try:
        return replayed.through()
    except _PartedError as parted:
        return Outcome(parted.found)
    finally:
        replayed.running.close()


class _Replay:
    def __init__(self, past: Past, code: Orchestration, kept: Kept) -> None:
        self.past, self.desk = past, Desk()
        info = {
            "instanceId": past.instance,
            "executionId": past.execution,
            "orchestrationName": past.orchestration,
            "orchestrationVersion": past.version,
        }
        self.context = ReplayContext(info, self.desk, kept)
        self.running = Running(code, self.context, past.input, self.desk)
        self.context.now_ms = past.events[0].ts_ms
        self.delays: list[tuple[int, int]] = []

    def through(self) -> Outcome:
        """Event by event, as the engine does: the code goes on before whatever comes after news."""
        news = True
        for event in self.past.events:
            if news:
                self._poll(event)
            if event.kind in (grammar.COMPLETED, grammar.FAILED, grammar.CONTINUED):
                return self._ended(event)
            news = self._apply(event)
            self.context.now_ms = event.ts_ms
        if news:
            self._poll(self.past.events[-1])
        return Outcome(open=True, delays=tuple(self.delays))

    def _poll(self, event: HistoryEvent) -> None:
        self.running.poll()
        if isinstance(self.running.end, Endless):
            why = f"does not end: {self.running.end.why}"
            self._part("endless", event, Words(why, why))

    def _apply(self, event: HistoryEvent) -> bool:
        """Take one event in; returns whether it is news to the code."""
        desk, source, text = self.desk, event.source, event.data or ""
        if event.kind in grammar.STEPS:
            self._met(event)
            return event.kind == grammar.DEQUEUING
        match event.kind:
            case "ActivityCompleted" | "SubOrchestrationCompleted":
                return desk.answer(source, Answer(text))
            case "TimerFired":
                return desk.answer(source, Answer("null"))
            case "ActivityFailed" | "SubOrchestrationFailed":
                failure = grammar.failure(event)
                return failure.by_code and desk.answer(source, Answer(failure.words, failed=True))
            case grammar.EVENT:
                came = grammar.fields(event)
                return desk.event(came.text("name") or "", came.rest or "")
            case grammar.MESSAGE:
                came = grammar.fields(event)
                desk.message(came.text("name") or "", came.rest or "")
                return True
            case "ExternalSubscribedCancelled":
                desk.stop_listening(source)
        return False

    def _met(self, event: HistoryEvent) -> None:
        """The history did something here: the code must do the same."""
        if not self.desk.taken:
            self._idle(event)
        ticket, step = self.desk.taken.popleft()
        if not self._same(event, step):
            self._part("step", event, step_words(step))
        self.desk.bind(event.event_id, ticket, step)

    def _same(self, event: HistoryEvent, step: Step) -> bool:
        if event.kind != step.kind:
            return False
        recorded = grammar.fields(event)
        name = recorded.text("name")
        if name is not None and step.name is not None and name != step.name:
            return False
        if recorded.rest is not None and step.input is not None:
            same = recorded.rest == step.input
            if not same and (self.past.exact or not grammar.same_json(recorded.rest, step.input)):
                return False
        if event.kind == grammar.CHILD:
            return recorded.text("instance") == (step.child or self._child_id(event))
        if event.kind == grammar.TIMER:
            self._compare_delay(event, recorded, step.delay_ms or 0)
        return True

    def _child_id(self, event: HistoryEvent) -> str:
        execution = "" if self.past.execution == 1 else f"{self.past.execution}_"
        return f"sub::{execution}{event.event_id}"

    def _compare_delay(self, event: HistoryEvent, recorded: grammar.Fields, delay_ms: int) -> None:
        due = recorded.named.get("fireAtMs")
        if not isinstance(due, int):
            return
        before = due - event.ts_ms
        if abs(before - delay_ms) > SLACK_MS + SLACK_SHARE * max(before, delay_ms):
            self.delays.append((before, delay_ms))

    def _ended(self, event: HistoryEvent) -> Outcome:
        """The history ends here: so must the code, unless it was ended from outside."""
        outcome = Outcome(delays=tuple(self.delays), end_id=event.event_id)
        failure = grammar.failure(event) if event.kind == grammar.FAILED else None
        if failure is not None and not failure.by_code:
            return outcome
        if self.desk.taken:
            _, step = self.desk.taken.popleft()
            if step.kind != event.kind:
                self._part("goes on", event, step_words(step))
            return msgspec.structs.replace(
                outcome, next_input=step.input, next_version=step.version
            )
        match self.running.end:
            case Returned(output) if event.kind == grammar.COMPLETED:
                if not grammar.same_json(event.data, output):
                    self._part("output", event, Words(f"returns {output}", "returns otherwise"))
            case Raised(words) if failure is not None:
                if not self._same_words(failure.words, words):
                    self._part("error", event, _raises(words))
            case _:
                self._idle(event)
        return outcome

    def _same_words(self, said: str, now: str) -> bool:
        if said.startswith(REFUSED):  # the rest is how the engine's own parser puts it
            return now.startswith(REFUSED)
        said, now = grammar.own_words(said), grammar.own_words(now)
        return said == now if self.past.exact else now.endswith(said)

    def _idle(self, event: HistoryEvent) -> NoReturn:
        """The history goes on where the code does nothing more."""
        match self.running.end:
            case Returned(output):
                self._part("returned", event, Words(f"returns {output}", "returns"))
            case Raised(words):
                self._part("raised", event, _raises(words))
            case _:
                waits = f"waits for {task_words(self.running.task)}"
                self._part("waits", event, Words(waits, waits))

    def _part(self, kind: Kind, event: HistoryEvent, code: Words) -> NoReturn:
        history = event_words(event)
        shown = apart(history.whole, code.whole)
        raise _PartedError(Found(kind, event.event_id, *shown, (history.label, code.label)))


def _raises(words: str) -> Words:
    said = grammar.own_words(words)
    return Words(f"raises {said}", f"raises {said.partition(':')[0]}")
