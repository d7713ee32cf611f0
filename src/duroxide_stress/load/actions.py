"""Client calls to running instances: messages, events, cancels, each at its time.

The calls of one sender to one instance follow each other: the next is due when its own time has come
and the one before it has returned. That is what "in order per sender" is later held against.
"""

from __future__ import annotations

import heapq
from collections import deque

from duroxide_stress.engines.base import Acted, Session
from duroxide_stress.recording import records
from duroxide_stress.recording.writer import Records
from duroxide_stress.scenarios.base import Action, Order
from duroxide_stress.units import NS_PER_MS

STALE = 64
"""Calls to ended instances that the agenda may hold, beside those to running ones."""


class Actions:
    """The agenda of a cell's client calls."""

    def __init__(self, session: Session, ops: Records) -> None:
        self._session, self._ops = session, ops
        self._agenda: list[tuple[int, int, int]] = []
        self._orders: dict[int, Order] = {}
        self._waiting: dict[tuple[int, str], deque[int]] = {}
        self._acked_ns: dict[int, int] = {}

    def begin(self, order: Order, acked_ns: int) -> None:
        """An instance with calls was acknowledged: its senders may begin."""
        self._orders[order.op] = order
        self._acked_ns[order.op] = acked_ns
        for number, action in enumerate(order.actions):
            self._waiting.setdefault((order.op, action.sender), deque()).append(number)
        for sender in dict.fromkeys(action.sender for action in order.actions):
            self._next(order.op, sender, acked_ns)

    def next_ns(self) -> int | None:
        """When the next call is due; None when there is none."""
        return self._agenda[0][0] if self._agenda else None

    def carry_out(self, now_ns: int) -> None:
        """Make the calls whose time has come."""
        while self._agenda and self._agenda[0][0] <= now_ns:
            due_ns, op, number = heapq.heappop(self._agenda)
            if op in self._orders:
                order = self._orders[op]
                self._ops.write(_record(order, number, due_ns))
                self._session.act(order, number, order.actions[number])

    def done(self, event: Acted) -> None:
        """A call returned: record it and let its sender go on."""
        self._ops.write(
            records.Acted(event.op, event.number, event.begun_ns, event.at_ns, event.error)
        )
        if event.op in self._orders:
            sender = self._orders[event.op].actions[event.number].sender
            self._next(event.op, sender, event.at_ns)

    def forget(self, op: int) -> None:
        """The instance is over: nobody calls it any more."""
        order = self._orders.pop(op, None)
        if order is not None:
            del self._acked_ns[op]
            for sender in {action.sender for action in order.actions}:
                self._waiting.pop((op, sender), None)
        # A cancel may be due in ten minutes; those of ended instances must not pile up until then.
        if len(self._agenda) > 2 * len(self._waiting) + STALE:
            self._agenda = [entry for entry in self._agenda if entry[1] in self._orders]
            heapq.heapify(self._agenda)

    def _next(self, op: int, sender: str, free_ns: int) -> None:
        queue = self._waiting[op, sender]
        if queue:
            number = queue.popleft()
            action: Action = self._orders[op].actions[number]
            wanted_ns = self._acked_ns[op] + action.after_ms * NS_PER_MS
            heapq.heappush(self._agenda, (max(wanted_ns, free_ns), op, number))


def _record(order: Order, number: int, due_ns: int) -> records.Act:
    action = order.actions[number]
    return records.Act(
        order.op, number, action.kind, action.name, action.sender, action.data, due_ns
    )
