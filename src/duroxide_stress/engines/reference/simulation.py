"""Virtual time: a heap of things to happen. Nothing here sleeps."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import TypeAlias

EPOCH_NS = 1_700_000_000_000_000_000
"""Where virtual time begins: a fixed moment, so that a recording is the same every time."""

Action: TypeAlias = Callable[[], None]


class Clock:
    """The one clock of a simulation."""

    def __init__(self) -> None:
        self.now_ns = EPOCH_NS
        self._agenda: list[tuple[int, int, Action]] = []
        self._order = itertools.count()

    def after(self, delay_ns: int, action: Action) -> None:
        """Do `action` when `delay_ns` have passed; equal times keep the order of the calls."""
        heapq.heappush(self._agenda, (self.now_ns + delay_ns, next(self._order), action))

    def next_ns(self) -> int | None:
        """When the next action is due; None when nothing is."""
        return self._agenda[0][0] if self._agenda else None

    def step(self) -> None:
        """Advance to the next action and do it."""
        self.now_ns, _, action = heapq.heappop(self._agenda)
        action()

    def skip_to(self, at_ns: int) -> None:
        """Let time pass with nothing happening."""
        self.now_ns = max(self.now_ns, at_ns)
