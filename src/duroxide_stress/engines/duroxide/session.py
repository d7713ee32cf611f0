"""The client side of Duroxide under load: starts in a small pool of threads, ends seen by hint.

`wait_for_orchestration` would hold one thread per instance and poll each every 5 to 100 ms, which
loads the store that is being measured. Here the host hints when an orchestration's code returns,
one `get_status` then asks whether the end is durable (with back-off until it is), and a slow sweep
asks about every other open instance, because hints may be lost with their process. An instance whose
time is up is asked for a last time. A latency never depends on any of this: the end of an instance is
the timestamp in the engine's own history.
"""

from __future__ import annotations

import heapq
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec

from duroxide_stress.engines.base import (
    Acknowledged,
    Acted,
    Depths,
    Event,
    Finished,
    HintSource,
    Refused,
    Unfinished,
)
from duroxide_stress.engines.duroxide.inbox import Inbox
from duroxide_stress.scenarios.base import Action, Order
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

TERMINAL = ("Completed", "Failed")
STARTERS, STARTERS_ON_SQLITE = 32, 4
"""Threads for start calls. SQLite has one writer, so more would only queue inside the engine; a server
may be far away."""
WATCHERS, SWEEPERS = 2, 1
"""Threads for looks after a hint, and for those without: a slow store's sweeps must not keep a hint
waiting."""
HINT_BACKOFF_MS, HINT_BACKOFF_ON_FILE_MS = (3, 6, 12, 25, 50, 100), (25, 25, 50, 100)
"""Pauses between looks after a hint; the last repeats. The commit follows the hint in 1-5 ms. On a
SQLite file a start that comes at once meets the dispatcher that has just committed and fetches its next
turn: one of the two loses the lock, and a dispatcher that does sleeps for 200 ms. At 3 ms dispatchers
lost a fifth to two fifths more fetches than beside `wait_for_orchestration`, which looks every 5 to
100 ms, and up to a tenth of the throughput; at 25 ms no more than that (4/8 and 2/2). In memory the
short pauses cost less."""
NEVER_NS = 2**63 - 1
SWEEP_NS = 2 * NS_PER_SEC
"""How often an instance without a hint is looked at."""
LOOKS_PER_SEC = 200
"""How many of those looks the store is asked to bear: with more instances open, each waits longer."""
LAST_LOOKERS, LAST_LOOK_PAUSE_SECS = 2, 0.1
"""Threads for the last looks, and the pause after one that failed: thousands may be due at once, and
must not keep a hint waiting."""
SILENT_NS, LAST_LOOKS_NS = 5 * NS_PER_SEC, 60 * NS_PER_SEC
"""An instance whose time is up is given up unseen when the store has answered no last look for so long,
or when its own turn has not come by then."""
DEPTHS_SECS = 0.2
"""How long the driver's loop waits for queue depths: a store that is gone takes 30 s to say so."""


class _Hinted(msgspec.Struct, frozen=True):
    instance: str


class _StillOpen(msgspec.Struct, frozen=True):
    """A watcher looked and the instance was not over (or could not be looked at)."""

    instance: str
    error: str | None = None


class _Watch(msgspec.Struct):
    """One open instance: when it is looked at next, and how often it was since its hint."""

    op: int
    due_ns: int
    looks_since_hint: int | None = None


class DuroxideSession:
    """See the module. One thread calls `submit`, `wait` and `forget`."""

    def __init__(self, client: Any, hints: HintSource, *, sqlite: bool = False) -> None:
        starters = STARTERS_ON_SQLITE if sqlite else STARTERS
        on_file = sqlite and not hints.local
        self._pauses_ms = HINT_BACKOFF_ON_FILE_MS if on_file else HINT_BACKOFF_MS
        self._client = client
        self._hints = hints
        self._anchor = time.time_ns() - time.monotonic_ns()
        self._inbox: Inbox[Event | _StillOpen | _Hinted] = Inbox()
        self._starters = ThreadPoolExecutor(starters, thread_name_prefix="start")
        self._watchers = ThreadPoolExecutor(WATCHERS, thread_name_prefix="watch")
        self._sweepers = ThreadPoolExecutor(SWEEPERS, thread_name_prefix="sweep")
        self._last_lookers = ThreadPoolExecutor(LAST_LOOKERS, thread_name_prefix="last")
        self._depths_asker = ThreadPoolExecutor(1, thread_name_prefix="depths")
        self._depths_asked: Future[Depths] | None = None
        self._open: dict[str, _Watch] = {}
        self._instances: dict[int, str] = {}
        self._agenda: list[tuple[int, str]] = []
        self._last: dict[int, int] = {}
        """Ops whose time is up → when it was, in that order."""
        self._answered_ns = 0
        """When the store last answered one of their looks."""
        self.watch_errors = 0
        self.last_watch_error: str | None = None
        hints.listen(lambda instance: self._inbox.put(_Hinted(instance)))

    def now_ns(self) -> int:
        return self._anchor + time.monotonic_ns()

    @property
    def clock_drift_ns(self) -> int:
        """How far the wall clock has moved against the monotonic one since the session began."""
        return time.time_ns() - time.monotonic_ns() - self._anchor

    def submit(self, order: Order) -> None:
        self._open[order.instance] = _Watch(order.op, 0)
        self._instances[order.op] = order.instance
        self._schedule(order.instance)
        self._starters.submit(self._start, order)

    def act(self, order: Order, number: int, action: Action) -> None:
        self._starters.submit(self._act, order, number, action)

    def wait(self, until_ns: int) -> list[Event]:
        events: list[Event] = []
        self._look_where_due()
        while True:
            next_ns = min(until_ns, self._next_ns())
            for item in self._inbox.take(max(next_ns - self.now_ns(), 0) / NS_PER_SEC):
                self._take(item, events)
            self._look_where_due()
            self._give_up_unseen(events)
            if events or self.now_ns() >= until_ns:
                return events

    def depths(self, *, wait: bool) -> Depths | None:
        asked = self._depths_asked
        if asked is not None and not asked.done():
            return None
        # Asked anew each time. Whoever waits gets the new answer: a late one may not be true now.
        self._depths_asked = self._depths_asker.submit(self._ask_depths)
        if wait:
            asked = self._depths_asked
        try:
            return None if asked is None else asked.result(timeout=DEPTHS_SECS)
        except TimeoutError:
            self._note("the queue depths took too long")
            return None
        except Exception as error:  # noqa: BLE001 - the SDK raises bare RuntimeError for a busy store
            self._note(str(error))
            return None

    def look_last(self, op: int) -> None:
        self._last[op] = self.now_ns()
        self._last_lookers.submit(self._look_last, self._instances[op], op)

    def forget(self, op: int) -> None:
        instance = self._instances.pop(op, None)
        if instance is not None:
            del self._open[instance]
            self._last.pop(op, None)

    def close(self) -> None:
        self._last.clear()
        self._last_lookers.shutdown(wait=False, cancel_futures=True)
        self._starters.shutdown(wait=False, cancel_futures=True)
        self._watchers.shutdown(wait=False, cancel_futures=True)
        self._sweepers.shutdown(wait=False, cancel_futures=True)
        self._depths_asker.shutdown(wait=False, cancel_futures=True)
        self._hints.close()

    def _ask_depths(self) -> Depths:
        found = self._client.get_queue_depths()
        return Depths(found.orchestrator_queue, found.worker_queue, self.now_ns())

    def _start(self, order: Order) -> None:
        begun = self.now_ns()
        try:
            self._client.start_orchestration(order.instance, order.orchestration, order.input)
        except Exception as error:  # noqa: BLE001 - whatever the client raises is the op's end
            self._inbox.put(Refused(order.op, begun, self.now_ns(), str(error)))
        else:
            self._inbox.put(Acknowledged(order.op, begun, self.now_ns()))

    def _act(self, order: Order, number: int, action: Action) -> None:
        begun, error = self.now_ns(), None
        try:
            match action.kind:
                case "enqueue":
                    self._client.enqueue_event(order.instance, action.name, action.data)
                case "raise":
                    self._client.raise_event(order.instance, action.name, action.data)
                case "cancel":
                    self._client.cancel_instance(order.instance, action.data)
        except Exception as failure:  # noqa: BLE001 - whatever the client raises is the call's end
            error = str(failure)
        self._inbox.put(Acted(order.op, number, begun, self.now_ns(), error))

    def _look(self, instance: str, op: int) -> bool:
        """Look once, and tell: whether the store answered."""
        try:
            found = self._client.get_status(instance)
        except Exception as error:  # noqa: BLE001 - looking again is always safe
            self._inbox.put(_StillOpen(instance, str(error)))
            return False
        if found.status in TERMINAL:
            self._inbox.put(Finished(op, self.now_ns(), found.status, found.output, found.error))
        else:
            self._inbox.put(_StillOpen(instance))
        return True

    def _look_last(self, instance: str, op: int) -> None:
        """Look until the store has answered, or nobody waits for it any more."""
        while op in self._last:
            if self._look(instance, op):
                self._inbox.put(Unfinished(op, self.now_ns()))  # of no account after an end
                return
            time.sleep(LAST_LOOK_PAUSE_SECS)

    def _take(self, item: Event | _StillOpen | _Hinted, events: list[Event]) -> None:
        match item:
            case _Hinted(instance):
                if instance in self._open:
                    self._open[instance].looks_since_hint = 0
                    self._schedule(instance)
            case _StillOpen(instance, error):
                if error is not None:
                    self._note(error)
                if instance in self._open:
                    self._schedule(instance)
            case Acknowledged() | Acted():
                events.append(item)
            case Finished(op) | Refused(op) | Unfinished(op):
                if op in self._last:
                    self._answered_ns = self.now_ns()
                if op in self._instances:
                    self.forget(op)
                    events.append(item)

    def _schedule(self, instance: str) -> None:
        """Put the next look on the agenda; an earlier entry for the instance is void from now."""
        watch = self._open[instance]
        if watch.looks_since_hint is None:
            pause_ns = max(SWEEP_NS, len(self._open) * NS_PER_SEC // LOOKS_PER_SEC)
        else:
            step = min(watch.looks_since_hint, len(self._pauses_ms) - 1)
            pause_ns = self._pauses_ms[step] * NS_PER_MS
            watch.looks_since_hint += 1
        watch.due_ns = self.now_ns() + pause_ns
        heapq.heappush(self._agenda, (watch.due_ns, instance))

    def _look_where_due(self) -> None:
        now = self.now_ns()
        while self._agenda and self._agenda[0][0] <= now:
            due_ns, instance = heapq.heappop(self._agenda)
            watch = self._open.get(instance)
            if watch is not None and watch.due_ns == due_ns:
                lookers = self._sweepers if watch.looks_since_hint is None else self._watchers
                lookers.submit(self._look, instance, watch.op)

    def _next_ns(self) -> int:
        """When something is due that no event tells of."""
        look_ns = self._agenda[0][0] if self._agenda else NEVER_NS
        return min(look_ns, self._unseen_ns() if self._last else NEVER_NS)

    def _unseen_ns(self) -> int:
        """When the instance whose time was up first is given up without an answer."""
        since_ns = next(iter(self._last.values()))
        return min(since_ns + LAST_LOOKS_NS, max(since_ns, self._answered_ns) + SILENT_NS)

    def _give_up_unseen(self, events: list[Event]) -> None:
        while self._last and self._unseen_ns() <= self.now_ns():
            op = next(iter(self._last))
            self.forget(op)
            events.append(Unfinished(op, self.now_ns()))

    def _note(self, error: str) -> None:
        self.watch_errors += 1
        self.last_watch_error = error
