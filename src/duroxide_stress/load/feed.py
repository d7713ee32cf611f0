"""Which instance is due next: by a free slot, by the clock, or by what waits in the engine's queue.

None of these knows a clock of its own: each is told what time it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Protocol

from duroxide_stress.units import NS_PER_MS

LOOK_NS = 250 * NS_PER_MS
"""How often a backlog is looked at."""


class Feed(Protocol):
    """Tells the driver what to start."""

    by_clock: bool
    """Whether what was due within a stretch of time is owed also when the driver comes late."""

    def take(self, now_ns: int, op: int) -> int | None:
        """When the next instance was due that is to be started now, as `op`; None when there is none."""
        ...

    def next_ns(self) -> int | None:
        """When to ask again at the latest; None when nothing is due until an instance ends."""
        ...

    def answered(self, op: int) -> None:
        """The call that starts an instance, maybe none of its own, has returned."""
        ...

    def ended(self, op: int, free_ns: int) -> None:
        """One of its instances is over or was refused; what it held is free from `free_ns` on."""
        ...


class Slots:
    """Closed loop: so many in flight; one is due the moment its slot became free."""

    by_clock = False

    def __init__(self, count: int, now_ns: int) -> None:
        self._free = [now_ns] * count

    def take(self, now_ns: int, op: int) -> int | None:
        if self._free and self._free[0] <= now_ns:
            return heapq.heappop(self._free)
        return None

    def next_ns(self) -> int | None:
        return self._free[0] if self._free else None

    def answered(self, op: int) -> None:
        """A slot is taken until its instance is over."""

    def ended(self, op: int, free_ns: int) -> None:
        heapq.heappush(self._free, free_ns)


class ByClock:
    """Open loop: due by the clock, whatever became of those before. One that comes while `limit` are in
    flight is dropped, and said to be."""

    by_clock = True

    def __init__(
        self, due_ns: Iterator[int], begun_ns: int, limit: int, drop: Callable[[int, int], None]
    ) -> None:
        self._due = (begun_ns + offset for offset in due_ns)
        self._limit, self._drop = limit, drop
        self._in_flight = 0
        self._next = next(self._due, None)

    def take(self, now_ns: int, op: int) -> int | None:
        while self._next is not None and self._next <= now_ns:
            due, self._next = self._next, next(self._due, None)
            if self._in_flight < self._limit:
                self._in_flight += 1
                return due
            self._drop(due, now_ns)
        return None

    def next_ns(self) -> int | None:
        return self._next

    def answered(self, op: int) -> None:
        """The clock does not care."""

    def ended(self, op: int, free_ns: int) -> None:
        self._in_flight -= 1


class Backlog:
    """As many are started as are missing in the engine's own queue of turns, where `count` are to wait,
    and are not on their way there; never more than `limit` in flight."""

    by_clock = False

    def __init__(self, count: int, limit: int, waiting: Callable[[int], int | None]) -> None:
        self._count, self._limit, self._waiting = count, limit, waiting
        self._in_flight = self._wanted = 0
        self._under_way: set[int] = set()
        self._look_ns = 0

    def take(self, now_ns: int, op: int) -> int | None:
        if now_ns >= self._look_ns:
            self._look_ns = now_ns + LOOK_NS
            waiting = self._waiting(now_ns)
            missing = 0 if waiting is None else self._count - waiting - len(self._under_way)
            self._wanted = max(0, missing)
        if self._wanted == 0 or self._in_flight >= self._limit:
            return None
        self._wanted -= 1
        self._in_flight += 1
        self._under_way.add(op)
        return now_ns

    def next_ns(self) -> int | None:
        return self._look_ns

    def answered(self, op: int) -> None:
        self._under_way.discard(op)

    def ended(self, op: int, free_ns: int) -> None:
        self._in_flight -= 1
        self._under_way.discard(op)
