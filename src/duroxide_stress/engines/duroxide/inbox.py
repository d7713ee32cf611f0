"""What many threads tell one.

Not `queue.SimpleQueue`: in CPython before 3.13 its `get(timeout)` blocks until the next item when the
timeout runs out while it takes its lock, which a wait of microseconds sooner or later does
(`benchmarks/rate_accuracy.py` stood still on it). `queue.Queue` has no such flaw, but with it a fifth
fewer operations a second go through the session (`benchmarks/generator_ceiling.py`).
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Any thread puts; one thread takes."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._filled = threading.Event()

    def put(self, item: T) -> None:
        """Never waits."""
        self._items.append(item)
        if not self._filled.is_set():
            self._filled.set()

    def take(self, timeout: float) -> list[T]:
        """All that is there, the oldest first; waits for the first one, `timeout` seconds at most."""
        if not self._items:
            self._filled.wait(timeout)
        # In this order: what is put from here on either is taken below or is announced again.
        self._filled.clear()
        return [self._items.popleft() for _ in range(len(self._items))]
