"""Duroxide clients that say what a test wants, when it wants it."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

LOST = RuntimeError("database is locked")


def status(word: str, output: Any = None, error: str | None = None) -> SimpleNamespace:
    """What the SDK's `get_status` returns."""
    return SimpleNamespace(status=word, output=output, error=error)


RUNNING, COMPLETED = status("Running"), status("Completed", [1, 2])


class FakeClient:
    """Answers looks from a list, the last of which repeats; an exception in it is raised."""

    def __init__(self, *looks: Any, start: Exception | None = None) -> None:
        self.looks, self.start = list(looks), start
        self.started: list[tuple[str, str, Any]] = []
        self.looked: list[str] = []
        self.called: list[tuple[Any, ...]] = []

    def start_orchestration(self, instance: str, orchestration: str, given: Any) -> None:
        self.started.append((instance, orchestration, given))
        if self.start is not None:
            raise self.start

    def enqueue_event(self, instance: str, queue: str, data: Any) -> None:
        self._call("enqueue", instance, queue, data)

    def raise_event(self, instance: str, name: str, data: Any) -> None:
        self._call("raise", instance, name, data)

    def cancel_instance(self, instance: str, reason: str) -> None:
        self._call("cancel", instance, reason)

    def _call(self, *words: Any) -> None:
        self.called.append(words)
        if self.start is not None:
            raise self.start

    def get_status(self, instance: str) -> Any:
        self.looked.append(instance)
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(found, Exception):
            raise found
        return found

    def get_queue_depths(self) -> SimpleNamespace:
        return SimpleNamespace(orchestrator_queue=3, worker_queue=4)


class SlowClient(FakeClient):
    """Holds its first look until it is let go."""

    def __init__(self, *looks: Any) -> None:
        super().__init__(*looks)
        self.looking, self.go = threading.Event(), threading.Event()

    def get_status(self, instance: str) -> Any:
        if not self.looking.is_set():
            self.looking.set()
            assert self.go.wait(20)
        return super().get_status(instance)


class GatedClient(FakeClient):
    """Answers one look for each turn that it is given."""

    def __init__(self, *looks: Any) -> None:
        super().__init__(*looks)
        self.turns = threading.Semaphore(0)

    def get_status(self, instance: str) -> Any:
        assert self.turns.acquire(timeout=20)
        return super().get_status(instance)
