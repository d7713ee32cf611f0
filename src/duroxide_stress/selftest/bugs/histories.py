"""Histories and books that do not hold what happened."""

from __future__ import annotations

from collections import deque

import msgspec

from duroxide_stress.engines.reference.instance import Instance
from duroxide_stress.program import Json
from duroxide_stress.recording.records import Execution, SystemMetrics
from duroxide_stress.selftest.planted import Bug, Planted


class GapInIds(Planted):
    """An event id is left out of a history."""

    def _append(self, instance: Instance, kind: str, source: int | None, data: Json) -> int:
        event_id = super()._append(instance, kind, source, data)
        if event_id > 2 and self.strikes(instance.name):
            event_id += 1
            event = msgspec.structs.replace(instance.history[-1], event_id=event_id)
            instance.history[-1] = event
        return event_id


class NoSchedule(Planted):
    """A completion names an event that is not there."""

    def _append(self, instance: Instance, kind: str, source: int | None, data: Json) -> int:
        lost = kind == "ActivityCompleted" and self.strikes(instance.name)
        nowhere = 1_000 + len(instance.history)
        return super()._append(instance, kind, nowhere if lost else source, data)


class LostKey(Planted):
    """A key that is set is not stored."""

    every = 2

    def _append(self, instance: Instance, kind: str, source: int | None, data: Json) -> int:
        if kind == "KeyValueSet" and self.strikes(instance.name):
            return len(instance.history)
        return super()._append(instance, kind, source, data)


class TwoEnds(Planted):
    """The event that ends an instance is written twice."""

    def _complete(self, instance: Instance, output: Json) -> None:
        super()._complete(instance, output)
        if self.strikes(instance.name):
            self._append(instance, "OrchestrationCompleted", None, output)


class AfterTheEnd(Planted):
    """Something is written into a history that has ended."""

    def _over(self, instance: Instance, kind: str) -> None:
        if self.strikes(instance.name):
            self._append(instance, "KeyValueSet", None, {"key": "k", "value": "v"})
        super()._over(instance, kind)


class OtherStatus(Planted):
    """An execution that its history has completed is called failed in the books."""

    def booked(self, book: Execution) -> Execution:
        return msgspec.structs.replace(book, status="Failed", instance_status="Failed")


class StaleRead(Planted):
    """The engine is asked for an instance and answers with what was true before its end."""

    def booked(self, book: Execution) -> Execution:
        return msgspec.structs.replace(book, instance_status="Running")


class Unlisted(Planted):
    """An instance has its execution and is not in the list of instances."""

    def booked(self, book: Execution) -> Execution:
        return msgspec.structs.replace(book, listed=False, instance_status=None)


class OtherOutput(Planted):
    """An execution's row holds another output than its last event."""

    def booked(self, book: Execution) -> Execution:
        return msgspec.structs.replace(book, output='"another"')


class LyingMetrics(Planted):
    """Completed instances are counted as running."""

    def metrics(self) -> SystemMetrics:
        true = super().metrics()
        return msgspec.structs.replace(
            true,
            running_instances=true.running_instances + 3,
            completed_instances=true.completed_instances - 3,
        )


class LyingTotal(Planted):
    """The total of events leaves some out."""

    def metrics(self) -> SystemMetrics:
        true = super().metrics()
        return msgspec.structs.replace(true, total_events=true.total_events - 1)


class LeftInQueue(Planted):
    """A message that has been read stays in its queue."""

    def __init__(self) -> None:
        super().__init__()
        self._left: list[Instance] = []

    def _over(self, instance: Instance, kind: str) -> None:
        super()._over(instance, kind)
        if self.strikes(instance.name):
            self._left.append(instance)

    def _dispatch(self) -> None:
        left = {instance.name for instance in self._left}
        self.turns = deque(i for i in self.turns if i.name not in left)
        super()._dispatch()
        self.turns.extend(self._left)


BUGS = (
    Bug("gap in event ids", "history", "parallel", GapInIds),
    Bug("completion without schedule", "history", "parallel", NoSchedule),
    Bug("key not stored", "history", "long-running", LostKey, options={"generations": 3}),
    Bug("two terminal events", "history", "parallel", TwoEnds),
    Bug("event after the end", "history", "parallel", AfterTheEnd),
    Bug("status that disagrees with history", "history", "parallel", OtherStatus),
    Bug("stale read", "books", "parallel", StaleRead),
    Bug("instance not listed", "books", "parallel", Unlisted),
    Bug("output row that disagrees", "books", "parallel", OtherOutput),
    Bug("metrics that lie", "books", "parallel", LyingMetrics),
    Bug("total that lies", "books", "parallel", LyingTotal),
    Bug("message left in the queue", "database", "parallel", LeftInQueue),
)
