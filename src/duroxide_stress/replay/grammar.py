"""The words of recorded events: what each kind carries, and how its data is read.

The SDK writes an event's data by hand: names are JSON, and what comes last (an input, a message) is
spliced in as it is, JSON or not. So it is taken apart by hand too.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from duroxide_stress.recording.records import HistoryEvent

STARTED = "OrchestrationStarted"
COMPLETED = "OrchestrationCompleted"
FAILED = "OrchestrationFailed"
CONTINUED = "OrchestrationContinuedAsNew"
ACTIVITY = "ActivityScheduled"
TIMER = "TimerCreated"
CHILD = "SubOrchestrationScheduled"
LISTENING = "ExternalSubscribed"
DEQUEUING = "QueueSubscribed"
DETACHED = "OrchestrationChained"
STATUS = "CustomStatusUpdated"
KEY_SET = "KeyValueSet"
KEY_CLEARED = "KeyValueCleared"
KEYS_CLEARED = "KeyValuesCleared"
EVENT = "ExternalEvent"
MESSAGE = "QueueEventDelivered"
STEPS = {
    ACTIVITY, TIMER, CHILD, LISTENING, DEQUEUING, DETACHED, STATUS, KEY_SET, KEY_CLEARED, KEYS_CLEARED,
}  # fmt: skip
"""Kinds that say what the code did; each must be met by what it does now."""

NEW_GUID = "__duroxide_syscall:new_guid"
UTC_NOW = "__duroxide_syscall:utc_now_ms"

_READ = json.JSONDecoder().raw_decode


class Fields(msgspec.Struct, frozen=True):
    """An event's data: the named fields, and the text of the last one; None where it has none."""

    named: dict[str, Any]
    rest: str | None = None

    def text(self, name: str) -> str | None:
        """A field's text, None when the history does not tell it."""
        found = self.named.get(name)
        return found if isinstance(found, str) else None


def fields(event: HistoryEvent) -> Fields:
    """Take the data of a step, or of a message or event, apart.

    Raises ValueError when it has another form.
    """
    last = "data" if event.kind in (MESSAGE, EVENT) else "input"
    data, at = event.data or "{}", 1
    named: dict[str, Any] = {}
    while data.startswith('"', at):
        key, at = _READ(data, at)
        if key == last:
            return Fields(named, data[at + 1 : -1])
        named[key], at = _READ(data, at + 1)
        at += 1
    return Fields(named)


def same_json(one: str | None, other: str | None) -> bool:
    """Whether two texts are the same JSON value; texts that are no JSON must be equal."""
    if one == other:
        return True
    try:
        return bool(json.loads(one or "") == json.loads(other or ""))
    except ValueError:
        return False


class Failure(msgspec.Struct, frozen=True):
    """The words of a failed event, and whether code has seen or said them."""

    words: str
    by_code: bool
    """False where the engine itself failed: it then ends the instance without asking its code."""


def failure(event: HistoryEvent) -> Failure:
    """What an event says of a failure, in the words the engine hands to code."""
    try:
        (category, body), *_ = json.loads(event.data or "").items()
        kind = body.get("kind")
        words = str(body.get("message") or "")
    except (ValueError, AttributeError):
        return Failure(event.data or "", by_code=True)
    if category != "Application":
        return Failure(": ".join(filter(None, (category.lower(), words))), by_code=False)
    if isinstance(kind, dict):
        reason = kind.get("Cancelled", {}).get("reason", "")
        return Failure(f"canceled: {reason}", by_code=event.kind != FAILED)
    if kind == "Panicked":
        return Failure(f"orchestration panicked: {words}", by_code=event.kind != FAILED)
    return Failure(words, by_code=True)


def own_words(words: str) -> str:
    """An error's own words, which a traceback has behind its frames; they may be of several lines."""
    lines = words.strip().splitlines()
    if not lines or not lines[0].startswith("Traceback"):
        return "\n".join(lines)
    begin = max((n for n, line in enumerate(lines) if line.startswith("  File ")), default=0) + 1
    while begin < len(lines) and lines[begin].startswith("  "):
        begin += 1
    return "\n".join(lines[begin:]) or lines[-1].strip()
