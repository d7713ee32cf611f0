"""W activity slots of the reference engine, and the queue before them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

import msgspec

from duroxide_stress.engines.base import EffectSink
from duroxide_stress.engines.reference.instance import Done, Instance
from duroxide_stress.engines.reference.simulation import Clock
from duroxide_stress.program import Json, perform, planned_failure
from duroxide_stress.recording.records import FIRST_NODE, Effect, EffectPhase
from duroxide_stress.units import NS_PER_MS


class Job(msgspec.Struct, frozen=True, eq=False):
    """One attempt at an activity that waits for a worker."""

    instance: Instance
    execution: int
    scheduled: int
    """Its ActivityScheduled event."""
    given: dict[str, Json]


class Workers:
    """Takes jobs in order, as many at once as there are workers, and answers with `send`."""

    def __init__(
        self,
        clock: Clock,
        count: int,
        effects: EffectSink,
        send: Callable[[Instance, Done], None],
    ) -> None:
        self.queue: deque[Job] = deque()
        self._clock, self._free, self._effects, self._send = clock, count, effects, send
        self._attempts: Counter[str] = Counter()
        self._runs = 0

    def dispatch(self) -> None:
        """Give free workers what waits."""
        while self._free and self.queue:
            self._free -= 1
            self._begin(self.queue.popleft())

    def withdraw(self, instance: Instance, scheduled: int) -> None:
        """Take an attempt out of the queue, if no worker has it yet."""
        mine = (instance.name, instance.execution, scheduled)
        self.queue = deque(
            job for job in self.queue if (job.instance.name, job.execution, job.scheduled) != mine
        )

    def _begin(self, job: Job) -> None:
        run, self._runs = self._runs, self._runs + 1
        name = str(job.given["token"])

        def effect(phase: EffectPhase) -> None:
            self._effects(
                Effect(phase, name, job.instance.name, run, self._clock.now_ns, FIRST_NODE)
            )

        def end() -> None:
            self._free += 1
            self._attempts[name] += 1
            failed = self._attempts[name] <= job.given.get("fails", 0)
            effect("failed" if failed else "end")
            if job.execution == job.instance.execution:
                self._send(job.instance, _outcome(job, failed))
            self.dispatch()

        effect("begin")
        self._clock.after(int(job.given["delay_ms"]) * NS_PER_MS, end)


def _outcome(job: Job, failed: bool) -> Done:
    if failed:
        path = str(job.given["token"]).rsplit("|", 1)[1]
        return Done(job.scheduled, "ActivityFailed", error=planned_failure(path))
    return Done(job.scheduled, "ActivityCompleted", perform(job.given))
