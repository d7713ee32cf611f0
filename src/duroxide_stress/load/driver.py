"""The one loop: free slots → orders → the engine's client → records. Knows no engine and no clock
of its own, so that it runs on virtual time as well.

Closed loop: as long as the measuring window is open, `max_concurrent` instances are in flight; an
instance is due the moment its slot became free, which is when the client saw the one before it end. Open
loop: instances are due by the clock, and their latency counts from then, however late they are started;
what comes while `max_concurrent` are in flight is dropped, and recorded as that (see `feed.py`).

After the window nothing is started, and what is in flight is waited for (drain), each instance at most
`wait_timeout_secs`, the time it needs by its own delays, and a last look.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from duroxide_stress.arrivals import read_arrivals
from duroxide_stress.engines.base import (
    Acknowledged,
    Acted,
    Depths,
    Event,
    Finished,
    Refused,
    Session,
    Unfinished,
)
from duroxide_stress.load.actions import Actions
from duroxide_stress.load.feed import Backlog, ByClock, Feed, Slots
from duroxide_stress.load.progress import Progress, Recent
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.recording.records import (
    CANARY,
    Acked,
    Dropped,
    Fail,
    Info,
    InfoReason,
    Invoke,
    Mark,
    MarkName,
    Ok,
    Sample,
)
from duroxide_stress.recording.writer import Records
from duroxide_stress.scenarios.base import Order, Workload
from duroxide_stress.scenarios.canary import WithCanaries
from duroxide_stress.seeds import stream
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC, secs_to_ns
from duroxide_stress.values import recordable

TICK_NS = 250 * NS_PER_MS
"""Progress is told, and an abort noticed, at least this often."""
DEPTHS_EVERY_NS = NS_PER_SEC
QUIESCE_NS = 10 * NS_PER_SEC
"""How long the queues may take to empty once every instance has ended."""
STILL_NS = 4 * NS_PER_SEC
"""How long a depth must not rise to count as rest: longer than a slot sleeps after a lock error."""
REFUSED_PAUSE_NS = 100 * NS_PER_MS
"""How long a slot stays taken after a refused start, so that a store that refuses everything is
asked 10 times a second per slot and not as fast as it can say no."""
STALE = 64
"""Entries of ended instances that an agenda may hold, beside one for each that still runs."""
GONE: tuple[None, int] = None, 0
"""Of an op that is over: neither its order nor when it was due."""


class Driver:
    """Runs one cell's load. `aborted` is asked at every tick; `tell` is given progress.

    `calm` says whether every injected fault is over and healed; None when there is none. Before that
    no instance is given up, and nothing counts as rest.
    """

    def __init__(
        self,
        session: Session,
        workload: Workload,
        config: StressTestConfig,
        ops: Records,
        samples: Records,
        *,
        aborted: Callable[[], bool] = lambda: False,
        calm: Callable[[], bool] | None = None,
        tell: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._session, self._workload, self._config = session, workload, config
        self._ops, self._samples = ops, samples
        self._aborted, self._tell, self._calm = aborted, tell, calm
        self._patience_ns = secs_to_ns(config.wait_timeout_secs)
        self._in_flight: dict[int, tuple[Order, int]] = {}
        self._deadlines: list[tuple[int, int]] = []
        self._actions = Actions(session, ops)
        self._recent = Recent()
        self._feed: Feed = Slots(0, 0)
        self.launched = self.completed = self.failed = self.max_in_flight = 0
        self._begun_ns = self._window_ns = self._window_end_ns = 0
        self._canaries, self._canary_due_ns = 0, 2**63 - 1
        self._completed_in_window = 0
        self._told_ns = self._measured_ns = 0
        self._struck = calm is not None

    def run(self) -> bool:
        """Offer the load, drain, and wait for the queues to empty. False when it was aborted."""
        self._begun_ns = now = self._session.now_ns()
        self._window_ns = now + secs_to_ns(self._config.warmup_secs)
        self._window_end_ns = self._window_ns + secs_to_ns(self._config.duration_secs)
        self._feed = self._make_feed(now)
        if isinstance(self._workload, WithCanaries):
            self._canary_due_ns = now
        self._mark("begin", now)
        finished = (
            self._offer("warm-up", self._window_ns)
            and self._mark("window_begin", self._window_ns)
            and self._offer("measuring", self._window_end_ns)
            and self._mark("window_end", self._window_end_ns)
            and self._drain()
            and self._mark("drained", self._session.now_ns())
        )
        if finished and self._quiesce():
            self._mark("at_rest", self._session.now_ns())
        if not finished or self._aborted():
            for op in list(self._in_flight):
                self._give_up(op, "interrupted", self._session.now_ns())
            return False
        return True

    def _offer(self, phase: str, until_ns: int) -> bool:
        while (now := self._session.now_ns()) < until_ns:
            if self._aborted():
                return False
            self._submit_due(now)
            self._submit_canaries(now)
            due_ns = self._feed.next_ns()
            next_ns = due_ns if due_ns is not None and due_ns > now else until_ns
            self._step(phase, min(until_ns, next_ns, self._canary_due_ns, now + TICK_NS))
        if self._feed.by_clock:  # what was due at the very end is late, and not forgotten
            self._submit_due(until_ns - 1)
        return True

    def _make_feed(self, now: int) -> Feed:
        """What the configuration's load says is due."""
        arrivals, limit = read_arrivals(self._config.load), self._config.max_concurrent
        if arrivals.open:
            draws = stream(self._config.seed, "arrivals")
            due = arrivals.due_ns(secs_to_ns(self._config.warmup_secs), draws)
            return ByClock(due, now, limit, lambda due, at: self._ops.write(Dropped(due, at)))
        if arrivals.kind == "backlog":
            return Backlog(arrivals.count, limit, self._waiting)
        return Slots(limit, now)

    def _waiting(self, now: int) -> int | None:
        depths = self._measure(now)
        return None if depths is None else depths.orchestrator

    def _drain(self) -> bool:
        while self._in_flight or self._calm is not None:
            if self._aborted():
                return False
            phase = "draining" if self._calm is None else "waiting for faults to heal"
            self._step(phase, self._session.now_ns() + TICK_NS)
        return True

    def _quiesce(self) -> bool:
        """Wait until the queues are empty, or hold only what waits for its time: whether they are.

        Timers that lost a race stay in Duroxide's orchestrator queue until they are due, each for
        itself, so a depth that has not risen for a while is rest too: whoever still works makes work.
        """
        # What a host held when it was struck stays locked until the lock has run out.
        locked_ns = self._config.longest_lock_ms * NS_PER_MS if self._struck else 0
        deadline = self._session.now_ns() + QUIESCE_NS + locked_ns
        still_since, last = self._session.now_ns(), -1
        while (now := self._session.now_ns()) < deadline:
            if self._aborted():
                return False
            depths = self._measure(now)
            if depths is not None:
                if depths.worker or depths.orchestrator > last >= 0:
                    still_since = now
                last = depths.orchestrator
                if not depths.worker and (last == 0 or now - still_since >= STILL_NS + locked_ns):
                    return True
            self._step("coming to rest", now + TICK_NS)
        return False

    def _submit_due(self, now: int) -> None:
        """Start what the feed says is due, as long as the scenario has instances."""
        limit = self._workload.limit
        while limit is None or self.launched - self._canaries < limit:
            due_ns = self._feed.take(now, self.launched)
            if due_ns is None:
                return
            self._submit(self._workload.order(self.launched), due_ns)

    def _submit_canaries(self, now: int) -> None:
        """Those that are due by their own pace, whatever the load does; a late one is not left out."""
        while isinstance(self._workload, WithCanaries) and self._canary_due_ns <= now:
            self._submit(self._workload.canary(self.launched), self._canary_due_ns)
            self._canary_due_ns += self._config.canary_every_ms * NS_PER_MS
            self._canaries += 1

    def _submit(self, order: Order, due: int) -> None:
        now = self._session.now_ns()
        self._ops.write(
            Invoke(order.op, order.instance, order.part, order.input, due, now, order.expect)
        )
        self._in_flight[order.op] = order, due
        heapq.heappush(self._deadlines, (now + self._allowed_ns(order), order.op))
        self.launched += 1
        self._session.submit(order)

    def _allowed_ns(self, order: Order) -> int:
        """How long an instance may take. What it needs by its own delays, or waits for by ours, is no
        hanging."""
        allowed_ms = order.expect.min_ms
        if order.actions:
            sent = (action.after_ms for action in order.actions if action.kind == "enqueue")
            allowed_ms = max(allowed_ms, *sent, 0)
        return self._patience_ns + allowed_ms * NS_PER_MS

    def _clear_up(self, now: int) -> None:
        """The last fault is healed: what is open now has its whole time from when nothing of it can be
        locked any more by what was struck."""
        self._calm = None
        self._mark("calm", now)
        free_ns = now + self._config.longest_lock_ms * NS_PER_MS
        flights = self._in_flight.values()
        self._deadlines = [(free_ns + self._allowed_ns(order), order.op) for order, _ in flights]
        heapq.heapify(self._deadlines)

    def _step(self, phase: str, until_ns: int) -> None:
        # Between two steps they only become more.
        self.max_in_flight = max(self.max_in_flight, len(self._in_flight))
        for event in self._session.wait(min(until_ns, self._actions.next_ns() or until_ns)):
            self._record(event)
        now = self._session.now_ns()
        self._actions.carry_out(now)
        if self._calm is not None and self._calm():
            self._clear_up(now)
        while self._calm is None and self._deadlines and self._deadlines[0][0] <= now:
            _, op = heapq.heappop(self._deadlines)
            if op in self._in_flight:
                self._session.look_last(op)
        if now - self._measured_ns >= DEPTHS_EVERY_NS:
            self._measure(now, wait=False)
        if now - self._told_ns >= TICK_NS:
            self._report(phase, now)

    def _record(self, event: Event) -> None:
        match event:
            case Finished():
                self._finish(event)
            case Acknowledged():
                self._ops.write(Acked(event.op, event.begun_ns, event.at_ns))
                self._feed.answered(event.op)
                order, _ = self._in_flight.get(event.op, GONE)
                if order is not None and order.actions:
                    self._actions.begin(order, event.at_ns)
            case Acted():
                self._actions.done(event)
            case Unfinished(op, at_ns):
                self._give_up(op, "timeout", at_ns)
            case Refused(op, _, at_ns, error):
                self._ops.write(Fail(op, at_ns, "start", error))
                self._end(op, at_ns + REFUSED_PAUSE_NS)
                self.failed += 1

    def _finish(self, event: Finished) -> None:
        """An instance is over, as its program planned or not."""
        op, at_ns, output, error = event.op, event.at_ns, event.output, event.error
        order, due_ns = self._in_flight.get(op, GONE)
        if event.status == "Completed":
            complaint = self._workload.complaint(op, event.status, output, None)
            # What equals an expectation can be written as that can.
            if order is None or output != order.expect.output:
                output = recordable(output)
            self._ops.write(Ok(op, at_ns, output, complaint))
            inside = self._window_ns <= at_ns < self._window_end_ns
            self._completed_in_window += inside and order is not None and order.part != CANARY
            planned = True
        else:
            complaint = self._workload.complaint(op, event.status, None, error)
            self._ops.write(Fail(op, at_ns, "end", error or "", complaint))
            planned = order is not None and order.expect.status == "Failed"
        if planned and order is not None and order.part != CANARY:
            self._recent.add(at_ns - due_ns)
        self._end(op, at_ns)
        self.completed += planned
        self.failed += not planned

    def _end(self, op: int, free_ns: int) -> None:
        """An op is over; its slot is free from `free_ns` on."""
        order, _ = self._in_flight.pop(op, GONE)
        if order is not None:
            if order.part != CANARY:
                self._feed.ended(op, free_ns)
            if order.actions:
                self._actions.forget(op)
        # A deadline may lie a day ahead; those of ended instances must not pile up until then.
        if len(self._deadlines) > 2 * len(self._in_flight) + STALE:
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self._in_flight]
            heapq.heapify(self._deadlines)

    def _give_up(self, op: int, reason: InfoReason, at_ns: int) -> None:
        self._ops.write(Info(op, at_ns, reason))
        self._session.forget(op)
        self._end(op, at_ns)

    def _measure(self, now: int, *, wait: bool = True) -> Depths | None:
        """Record the queues' depths, as of when they were told. Without waiting they are those of the
        question before: whoever waits for a slow store starts late what is due meanwhile."""
        self._measured_ns = now
        depths = self._session.depths(wait=wait)
        if depths is not None:
            self._samples.write(
                Sample(
                    now if depths.at_ns is None else depths.at_ns,
                    "queues",
                    orchestrator_queue=depths.orchestrator,
                    worker_queue=depths.worker,
                )
            )
        return depths

    def _report(self, phase: str, now: int) -> None:
        self._told_ns = now
        open_ns = min(now, self._window_end_ns) - self._window_ns
        rate = self._completed_in_window * NS_PER_SEC / open_ns if open_ns > 0 else 0.0
        p50_ms, p99_ms = self._recent.percentiles_ms()
        self._tell(
            Progress(
                phase=phase,
                elapsed_secs=(now - self._begun_ns) / NS_PER_SEC,
                total_secs=self._config.warmup_secs + self._config.duration_secs,
                launched=self.launched,
                completed=self.completed,
                failed=self.failed,
                in_flight=len(self._in_flight),
                orchestrations_per_sec=rate,
                latency_p50_ms=p50_ms,
                latency_p99_ms=p99_ms,
            )
        )

    def _mark(self, name: MarkName, at_ns: int) -> bool:
        self._ops.write(Mark(name, at_ns))
        return True
