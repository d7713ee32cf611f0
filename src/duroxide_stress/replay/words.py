"""Both sides of a difference in words."""

from __future__ import annotations

import msgspec

from duroxide_stress.recording.records import HistoryEvent
from duroxide_stress.replay import grammar
from duroxide_stress.replay.desk import Step
from duroxide_stress.replay.tasks import (
    Activity,
    Child,
    ChildWithId,
    DequeueEvent,
    Join,
    Retried,
    Select,
    Task,
    WaitEvent,
)

SHOWN, BEFORE, HEAD = 240, 60, 60
"""Characters of a side that are shown, of those the ones before the difference, and the first ones
in any case."""


class Words(msgspec.Struct, frozen=True):
    """A side with its values, and without those that differ from instance to instance."""

    whole: str
    label: str


def step_words(step: Step) -> Words:
    """What the code does."""
    whole = label = _deed(step.kind, step.name)
    if step.kind == grammar.TIMER:
        whole = f"{label} of {step.delay_ms} ms"
    elif step.kind in (grammar.CHILD, grammar.DETACHED) and step.child is not None:
        whole = f"{label} as {step.child}"
    return Words(_with(whole, step.input), label)


def event_words(event: HistoryEvent) -> Words:
    """What the history says was done, or how it ended."""
    if event.kind == grammar.COMPLETED:
        return Words(f"completed with {event.data}", "completed")
    if event.kind == grammar.FAILED:
        return Words(f"failed with {grammar.own_words(grammar.failure(event).words)}", "failed")
    recorded = grammar.fields(event)
    whole = label = _deed(event.kind, recorded.text("name") or recorded.text("key"))
    due = recorded.named.get("fireAtMs")
    if isinstance(due, int):
        whole = f"{label} of {due - event.ts_ms} ms"
    elif event.kind == grammar.CHILD:
        whole = f"{label} as {recorded.text('instance')}"
    return Words(_with(whole, recorded.rest), label)


def task_words(task: Task | None) -> str:
    """What the code waits for."""
    match task:
        case Activity(name) | Retried(name):
            return f"activity {name!r}"
        case Child(name) | ChildWithId(name):
            return f"child {name!r}"
        case WaitEvent(name):
            return f"event {name!r}"
        case DequeueEvent(queue):
            return f"a message in queue {queue!r}"
        case Join(tasks):
            return f"all of {len(tasks)} tasks"
        case Select(tasks):
            return " or ".join(map(task_words, tasks))
        case None:
            return "nothing"
        case _:
            return f"a {type(task).__name__.lower()}"


def apart(history: str, code: str) -> tuple[str, str]:
    """Both sides short enough to be read, each around the place where they begin to differ."""
    at = next((n for n, (a, b) in enumerate(zip(history, code, strict=False)) if a != b), 0)
    return _window(history, at), _window(code, at)


def _window(text: str, at: int) -> str:
    if len(text) <= SHOWN:
        return text
    begin = at - BEFORE
    if begin <= HEAD:
        return f"{text[:SHOWN]}..."
    end = begin + SHOWN - HEAD
    return f"{text[:HEAD]} ... {text[begin:end]}{'...' if end < len(text) else ''}"


def _with(deed: str, given: str | None) -> str:
    return f"{deed} with {given}" if given else deed


def _deed(kind: str, name: str | None) -> str:
    named = "" if name is None else f" {name!r}"
    match kind:
        case grammar.ACTIVITY if name == grammar.NEW_GUID:
            return "asks for a GUID"
        case grammar.ACTIVITY if name == grammar.UTC_NOW:
            return "asks for the time"
        case grammar.ACTIVITY:
            return f"schedules activity{named}"
        case grammar.TIMER:
            return "sets a timer"
        case grammar.CHILD:
            return f"calls child{named}"
        case grammar.LISTENING:
            return f"waits for event{named}"
        case grammar.DEQUEUING:
            return f"waits for a message in queue{named}"
        case grammar.DETACHED:
            return f"starts orchestration{named} without waiting"
    return _OTHER.get(kind, kind)


_OTHER = {
    grammar.CONTINUED: "continues as new",
    grammar.STATUS: "sets or clears the custom status",
    grammar.KEY_SET: "sets a key",
    grammar.KEY_CLEARED: "clears a key",
    grammar.KEYS_CLEARED: "clears all keys",
}
