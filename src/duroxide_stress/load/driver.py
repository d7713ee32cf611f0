"""The one loop: free slots → orders → the engine's client → records. Knows no engine and no clock
of its own, so that it runs on virtual time as well.

Closed loop: as long as the measuring window is open, `max_concurrent` instances are in flight; an
instance is due the moment its slot is free. After the window nothing is started, and what is in
flight is waited for (drain), each instance at most `wait_timeout_secs` from its start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from duroxide_stress.engines.base import Acknowledged, Depths, Event, Finished, Refused, Session
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.recording.records import (
    Acked,
    Fail,
    Info,
    InfoReason,
    Invoke,
    Mark,
    MarkName,
    Ok,
    Sample,
)
from duroxide_stress.scenarios.base import Workload
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC, secs_to_ns

TICK_NS = 250 * NS_PER_MS
"""Progress is told, and an abort noticed, at least this often."""
DEPTHS_EVERY_NS = NS_PER_SEC
QUIESCE_NS = 10 * NS_PER_SEC
"""How long the queues may take to empty once every instance has ended."""
REFUSED_PAUSE_NS = 100 * NS_PER_MS
"""How long a slot stays taken after a refused start, so that a store that refuses everything is
asked 10 times a second per slot and not as fast as it can say no."""


class Records(Protocol):
    """Where records go, in order."""

    def write(self, record: msgspec.Struct) -> None:
        """Append one record."""
        ...


class Progress(msgspec.Struct, frozen=True):
    """What a display needs to know, counted from the beginning of the cell."""

    phase: str
    elapsed_secs: float
    total_secs: float
    launched: int
    completed: int
    failed: int
    in_flight: int
    orchestrations_per_sec: float
    """Completions the client saw within the window, over the time the window has been open."""


class Driver:
    """Runs one cell's load. `aborted` is asked at every tick; `tell` is given progress."""

    def __init__(
        self,
        session: Session,
        workload: Workload,
        config: StressTestConfig,
        ops: Records,
        samples: Records,
        *,
        part: str,
        aborted: Callable[[], bool] = lambda: False,
        tell: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._session, self._workload, self._config = session, workload, config
        self._ops, self._samples, self._part = ops, samples, part
        self._aborted, self._tell = aborted, tell
        self._in_flight: dict[int, int] = {}
        self._resting: deque[int] = deque()
        self.launched = self.completed = self.failed = self.max_in_flight = 0
        self._begun_ns = self._window_ns = self._window_end_ns = 0
        self._completed_in_window = 0
        self._told_ns = self._measured_ns = 0

    def run(self) -> bool:
        """Offer the load, drain, and wait for the queues to empty. False when it was aborted."""
        self._begun_ns = now = self._session.now_ns()
        self._window_ns = now + secs_to_ns(self._config.warmup_secs)
        self._window_end_ns = self._window_ns + secs_to_ns(self._config.duration_secs)
        self._mark("begin", now)
        finished = (
            self._offer("warm-up", self._window_ns)
            and self._mark("window_begin", self._session.now_ns())
            and self._offer("measuring", self._window_end_ns)
            and self._mark("window_end", self._session.now_ns())
            and self._drain()
            and self._mark("drained", self._session.now_ns())
            and self._quiesce()
        )
        if finished:
            self._mark("at_rest", self._session.now_ns())
        else:
            self._give_up(list(self._in_flight), "interrupted")
        return finished

    def _offer(self, phase: str, until_ns: int) -> bool:
        while (now := self._session.now_ns()) < until_ns:
            if self._aborted():
                return False
            while self._resting and self._resting[0] <= now:
                self._resting.popleft()
            while len(self._in_flight) + len(self._resting) < self._config.max_concurrent:
                self._submit()
            free_ns = self._resting[0] if self._resting else until_ns
            self._step(phase, min(until_ns, free_ns, now + TICK_NS))
        return True

    def _drain(self) -> bool:
        while self._in_flight:
            if self._aborted():
                return False
            self._step("draining", self._session.now_ns() + TICK_NS)
        return True

    def _quiesce(self) -> bool:
        deadline = self._session.now_ns() + QUIESCE_NS
        while (now := self._session.now_ns()) < deadline:
            if self._aborted():
                return False
            depths = self._measure(now)
            if depths is not None and depths.orchestrator == depths.worker == 0:
                break
            self._step("coming to rest", now + TICK_NS)
        return True

    def _submit(self) -> None:
        order = self._workload.order(self.launched)
        now = self._session.now_ns()
        self._ops.write(
            Invoke(order.op, order.instance, self._part, order.input, now, now, order.expect)
        )
        self._in_flight[order.op] = now
        self.launched += 1
        self.max_in_flight = max(self.max_in_flight, len(self._in_flight))
        self._session.submit(order)

    def _step(self, phase: str, until_ns: int) -> None:
        for event in self._session.wait(until_ns):
            self._record(event)
        now = self._session.now_ns()
        limit_ns = now - secs_to_ns(self._config.wait_timeout_secs)
        # Ops are in the order they were submitted, so the overdue ones stand in front.
        overdue = []
        for op, since in self._in_flight.items():
            if since > limit_ns:
                break
            overdue.append(op)
        self._give_up(overdue, "timeout")
        if now - self._measured_ns >= DEPTHS_EVERY_NS:
            self._measure(now)
        if now - self._told_ns >= TICK_NS:
            self._report(phase, now)

    def _record(self, event: Event) -> None:
        match event:
            case Acknowledged(op, begun_ns, at_ns):
                self._ops.write(Acked(op, begun_ns, at_ns))
            case Refused(op, _, at_ns, error):
                self._ops.write(Fail(op, at_ns, "start", error))
                self._in_flight.pop(op, None)
                self._resting.append(at_ns + REFUSED_PAUSE_NS)
                self.failed += 1
            case Finished(op, at_ns, "Completed", output):
                self._ops.write(Ok(op, at_ns, output))
                self._in_flight.pop(op, None)
                self.completed += 1
                if self._window_ns <= at_ns < self._window_end_ns:
                    self._completed_in_window += 1
            case Finished(op, at_ns, _, _, error):
                self._ops.write(Fail(op, at_ns, "end", error or ""))
                self._in_flight.pop(op, None)
                self.failed += 1

    def _give_up(self, ops: list[int], reason: InfoReason) -> None:
        for op in ops:
            self._ops.write(Info(op, self._session.now_ns(), reason))
            self._session.forget(op)
            del self._in_flight[op]

    def _measure(self, now: int) -> Depths | None:
        self._measured_ns = now
        depths = self._session.depths()
        if depths is not None:
            self._samples.write(
                Sample(
                    now,
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
            )
        )

    def _mark(self, name: MarkName, at_ns: int) -> bool:
        self._ops.write(Mark(name, at_ns))
        return True
