"""The activity slots of the reference engine's hosts, and the queue before them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import msgspec

from duroxide_stress.engines.base import EffectSink
from duroxide_stress.engines.reference.hosts import Hosts, Life, Lock
from duroxide_stress.engines.reference.instance import Done, Instance
from duroxide_stress.program import Json, perform, planned_failure
from duroxide_stress.recording.records import Effect, EffectPhase
from duroxide_stress.units import NS_PER_MS

Row: TypeAlias = tuple[str, int, int]
"""What names a row of the queue: instance, execution and ActivityScheduled event."""


class Job(msgspec.Struct, frozen=True, eq=False):
    """One attempt at an activity that waits for a worker."""

    instance: Instance
    execution: int
    scheduled: int
    """Its ActivityScheduled event."""
    given: dict[str, Json]

    @property
    def row(self) -> Row:
        return (self.instance.name, self.execution, self.scheduled)

    @property
    def token(self) -> str:
        return str(self.given["token"])


class Workers:
    """Takes jobs in order, as many at once as there are workers, and answers with `send`."""

    def __init__(
        self, hosts: Hosts, effects: EffectSink, send: Callable[[Instance, Done], None]
    ) -> None:
        self.queue: deque[Job] = deque()
        self._hosts, self._clock = hosts, hosts.clock
        self._effects, self._send = effects, send
        self._attempts: Counter[str] = Counter()
        self._withdrawn: set[Row] = set()

    @property
    def free(self) -> int:
        """Workers that have nothing to do."""
        return self._hosts.free_workers

    def dispatch(self) -> None:
        """Give free workers what waits."""
        while self.queue and self.free:
            self._begin(self.queue.popleft())

    def withdraw(self, instance: Instance, scheduled: int) -> None:
        """Take an attempt out of the queue; one that a worker has does not come back into it."""
        mine = (instance.name, instance.execution, scheduled)
        self._withdrawn.add(mine)
        self.queue = deque(job for job in self.queue if job.row != mine)

    def _begin(self, job: Job) -> None:
        """Run it on a host that has a worker free."""
        life = self._hosts.for_work()
        assert life is not None, "no worker is free"
        life.free_workers -= 1
        lock = self._hosts.lock_work(life)
        lock.put_back = partial(self._put_back, job)
        run, life.runs = life.runs, life.runs + 1
        self._note("begin", job, life, run)
        delay_ns = int(job.given["delay_ms"]) * NS_PER_MS
        life.after(delay_ns, partial(self._end, job, life, lock, run))

    def _end(self, job: Job, life: Life, lock: Lock, run: int) -> None:
        life.free_workers += 1
        self._attempts[job.token] += 1
        failed = self._attempts[job.token] <= job.given.get("fails", 0)
        self._note("failed" if failed else "end", job, life, run)
        if lock.release() and job.execution == job.instance.execution:
            self._send(job.instance, _outcome(job, failed))
        self.dispatch()

    def _put_back(self, job: Job) -> None:
        """The lock has expired: whoever is free takes it."""
        if job.row not in self._withdrawn:
            self.queue.appendleft(job)
            self.dispatch()

    def _note(self, phase: EffectPhase, job: Job, life: Life, run: int) -> None:
        now_ns = self._clock.now_ns
        self._effects(Effect(phase, job.token, job.instance.name, run, now_ns, life.name))


def _outcome(job: Job, failed: bool) -> Done:
    if failed:
        return Done(
            job.scheduled, "ActivityFailed", error=planned_failure(job.token.rsplit("|", 1)[1])
        )
    return Done(job.scheduled, "ActivityCompleted", perform(job.given))
