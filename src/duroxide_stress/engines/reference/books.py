"""What the reference engine says of itself at rest: executions, histories, totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from duroxide_stress.engines.reference.instance import Instance
from duroxide_stress.recording.records import Execution, HistoryEvent, SystemMetrics


def books(instances: Iterable[Instance]) -> Iterator[Execution | HistoryEvent]:
    """The books, instance by instance."""
    for instance in instances:
        yield from instance.books()
        for history in instance.histories:
            yield from history


def totals(instances: Iterable[Instance]) -> SystemMetrics:
    """Totals over the books."""
    every = list(instances)
    ends = Counter(instance.status for instance in every)
    histories = [history for instance in every for history in instance.histories]
    return SystemMetrics(
        total_instances=len(every),
        total_executions=len(histories),
        total_events=sum(map(len, histories)),
        running_instances=ends["Running"],
        completed_instances=ends["Completed"],
        failed_instances=ends["Failed"],
    )
