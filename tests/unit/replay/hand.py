"""Histories written by hand, in the words in which the SDK gives them back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from duroxide_stress.recording.records import HistoryEvent
from duroxide_stress.replay.context import Kept
from duroxide_stress.replay.driver import Found, Outcome, Past, replay

NOW_MS = 1_700_000_000_000
Code = Callable[[Any, Any], Any]


class Written:
    """One execution; every method appends one event and returns its id."""

    def __init__(self, given: Any = None, *, execution: int = 1, exact: bool = True) -> None:
        self.given, self.execution, self.exact = given, execution, exact
        self.events: list[HistoryEvent] = []
        started = f'{{"name":"flow","version":"1.0.0","input":{json.dumps(given)}}}'
        self.add("OrchestrationStarted", data=started)

    def add(self, kind: str, source: int | None = None, data: str | None = None) -> int:
        number = len(self.events) + 1
        event = HistoryEvent("i", self.execution, number, kind, source, NOW_MS + number, data)
        self.events.append(event)
        return number

    def activity(self, name: str, given: Any = None) -> int:
        return self.add("ActivityScheduled", data=_spliced(json.dumps(given), name=name))

    def completed(self, source: int, result: Any = None, kind: str = "Activity") -> int:
        return self.add(f"{kind}Completed", source, json.dumps(result))

    def failed(self, source: int, words: str, kind: str = "Activity") -> int:
        return self.add(f"{kind}Failed", source, failure(words))

    def did(self, name: str, given: Any = None, result: Any = None) -> int:
        return self.completed(self.activity(name, given), result)

    def timer(self, delay_ms: int) -> int:
        due = NOW_MS + len(self.events) + 1 + delay_ms
        return self.add("TimerCreated", data=f'{{"fireAtMs":{due}}}')

    def fired(self, source: int) -> int:
        return self.add("TimerFired", source, '{"fireAtMs":0}')

    def child(self, name: str, given: Any = None, instance: str | None = None) -> int:
        execution = "" if self.execution == 1 else f"{self.execution}_"
        found = instance or f"sub::{execution}{len(self.events) + 1}"
        data = _spliced(json.dumps(given), name=name, instance=found)
        return self.add("SubOrchestrationScheduled", data=data)

    def dequeuing(self, queue: str) -> int:
        return self.add("QueueSubscribed", data=f'{{"name":{json.dumps(queue)}}}')

    def listening(self, name: str) -> int:
        return self.add("ExternalSubscribed", data=f'{{"name":{json.dumps(name)}}}')

    def message(self, queue: str, data: Any) -> int:
        return self.add("QueueEventDelivered", data=_message(queue, data))

    def event(self, name: str, data: Any) -> int:
        return self.add("ExternalEvent", data=_message(name, data))

    def ends(self, output: Any) -> int:
        return self.add("OrchestrationCompleted", data=json.dumps(output))

    def raises(self, words: str) -> int:
        return self.add("OrchestrationFailed", data=failure(words, "OrchestrationFailed"))

    def cancelled(self) -> int:
        self.add("OrchestrationCancelRequested")
        details = {"kind": {"Cancelled": {"reason": "enough"}}, "message": "", "retryable": False}
        return self.add("OrchestrationFailed", data=json.dumps({"Application": details}))

    @property
    def past(self) -> Past:
        given = json.dumps(self.given)
        return Past("i", self.execution, "flow", "1.0.0", given, self.events, self.exact)

    def replayed(self, code: Code, kept: Kept | None = None) -> Outcome:
        """Against this code."""
        return replay(self.past, code, kept or Kept())

    def agrees(self, code: Code) -> Outcome:
        """The code follows it."""
        outcome = self.replayed(code)
        assert outcome.found is None
        return outcome

    def parts(self, code: Code) -> Found:
        """Where the code leaves it."""
        found = self.replayed(code).found
        assert found is not None
        return found


def failure(words: str, kind: str = "ActivityFailed") -> str:
    """The details of a failure that code may catch."""
    return json.dumps({"Application": {"kind": kind, "message": words, "retryable": False}})


def system_failure(words: str) -> str:
    """The details of a failure of the engine's own."""
    body = {"operation": "ack", "message": words, "retryable": True}
    return json.dumps({"Infrastructure": body})


def _spliced(given: str, **names: str) -> str:
    head = "".join(f"{json.dumps(key)}:{json.dumps(value)}," for key, value in names.items())
    return f'{{{head}"input":{given}}}'


def _message(name: str, data: Any) -> str:
    return f'{{"name":{json.dumps(name)},"data":{json.dumps(data)}}}'
