"""An engine that does nothing: it accepts every instance and says that it is over, at once or later.

What the benchmarks of the load generator have in place of an engine, so that they measure the generator:
driver, orders, expectations and the file of records are those of a run.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from duroxide_stress.engines.base import Acknowledged, Depths, Event, Finished, Session
from duroxide_stress.engines.duroxide.session import DuroxideSession
from duroxide_stress.load.driver import Driver
from duroxide_stress.nodes.hints import LocalHints
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.recording.pieces import count, lines_of
from duroxide_stress.recording.writer import DirectWriter, LineWriter
from duroxide_stress.scenarios.base import Action, Order
from duroxide_stress.scenarios.registry import scenario_named


class IdleEngine:
    """A session. With `held`, instances end only when so many more are open, the oldest first."""

    watch_errors, last_watch_error, clock_drift_ns = 0, None, 0

    def __init__(self, held: int = 0) -> None:
        self._events: list[Event] = []
        self._open: deque[Order] = deque()
        self._held = held
        self.now_ns: Callable[[], int] = time.time_ns

    def submit(self, order: Order) -> None:
        at_ns = time.time_ns()
        self._events.append(Acknowledged(order.op, at_ns, at_ns))
        self._open.append(order)
        if len(self._open) > self._held:
            self._end(at_ns)

    def _end(self, at_ns: int) -> None:
        order = self._open.popleft()
        output = [dict(one) for one in order.expect.output]  # not the same object, as in a run
        self._events.append(Finished(order.op, at_ns, "Completed", output))

    def act(self, order: Order, number: int, action: Action) -> None:
        raise AssertionError("nobody calls these instances")

    def wait(self, until_ns: int) -> list[Event]:
        if not self._events:  # what is still open is over when nothing else happens
            for _ in range(min(len(self._open), 1_000)):
                self._end(time.time_ns())
        events, self._events = self._events, []
        return events

    def depths(self, *, wait: bool) -> Depths:
        return Depths(0, 0)

    def look_last(self, op: int) -> None:
        raise AssertionError("none of these instances takes its whole time")

    def forget(self, op: int) -> None:
        """Nobody is watched."""

    def close(self) -> None:
        """Nothing is held."""


class ReadyClient:
    """Says yes to every start, hints at once that it is over, and says so when asked."""

    def __init__(self, hints: LocalHints) -> None:
        self._hints = hints

    def start_orchestration(self, instance: str, name: str, given: Any) -> None:
        self._hints.send(instance)

    def get_status(self, instance: str) -> Any:
        return SimpleNamespace(status="Completed", output=None, error=None)

    def get_queue_depths(self) -> Any:
        return SimpleNamespace(orchestrator_queue=0, worker_queue=0)


def ready_session() -> DuroxideSession:
    """The session for Duroxide, with its threads, before a client that answers at once."""
    hints = LocalHints()
    return DuroxideSession(ReadyClient(hints), hints)


def drive(directory: Path, secs: float, in_flight: int, session: Session) -> tuple[int, float]:
    """Drive so long and write into `directory`: (operations, seconds they took with their writing).

    Raises AssertionError when one was not written down.
    """
    config = StressTestConfig(
        max_concurrent=in_flight, duration_secs=secs, warmup_secs=0, tasks_per_instance=1
    )
    work = scenario_named("parallel").workload(Cell("parallel", "reference", config))
    ops = LineWriter(directory / "ops.jsonl")
    samples = DirectWriter(directory / "samples.jsonl")
    driver = Driver(session, work, config, ops, samples, tell=lambda progress: ops.flush_if_due())
    begun = time.perf_counter()
    driver.run()
    session.close()
    ops.close()
    spent = time.perf_counter() - begun
    ended = sum(b'{"type":"ok"' in line for line in lines_of(directory, "ops"))
    if (
        not ended == driver.launched == driver.completed
        or (count(directory, "ops") or 0) < 3 * ended
    ):
        raise AssertionError(f"{driver.launched} were launched, {ended} written down")
    return ended, spent
