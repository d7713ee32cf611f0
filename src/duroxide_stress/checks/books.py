"""Books: whatever the engine says of one thing in several places, it says the same.

Of every execution at rest: its row, its last event and (for the current one) the instance's own status
and output agree, and the engine lists every instance that has an execution. Of the whole store: the
engine's system metrics are the counts of what is in it.

What clients saw is for the success and outputs checks; whether the last event is the right one for its
execution, for the history check.
"""

from __future__ import annotations

from typing import Any

from duroxide_stress.checks.base import Check, Looked, at_rest, cut_off, findings
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding

ROWS = """
SELECT instance, 'an execution without an instance' AS what,
       'the store has its ' || lower(status) || ' execution, the engine does not list the instance'
FROM executions WHERE current AND NOT listed
UNION ALL
SELECT instance, 'the instance has another status than its execution',
       'the instance is ' || instance_status || ', execution ' || execution || ' is ' || status
FROM executions WHERE current AND listed AND instance_status <> status AND status <> 'NotStarted'
UNION ALL
SELECT instance, 'more than one current execution', count(*) || ' are called current'
FROM executions WHERE current GROUP BY instance HAVING count(*) > 1
UNION ALL
SELECT instance, 'an earlier execution that did not continue',
       'execution ' || execution || ' of ' || last || ' is ' || status
FROM (SELECT *, max(execution) OVER (PARTITION BY instance) AS last FROM executions)
WHERE execution < last AND status <> 'ContinuedAsNew'
UNION ALL
SELECT x.instance, 'the last event has another output than the execution',
       'execution ' || x.execution || ', event ' || h.event_id
FROM executions x JOIN history h USING (instance, execution)
WHERE h.kind = 'OrchestrationCompleted' AND x.status = 'Completed'
  AND h.data IS DISTINCT FROM x.output
ORDER BY 1, 2
"""
COUNTS = """
SELECT count(DISTINCT instance), count(*) FILTER (WHERE status <> 'NotStarted'),
       (SELECT count(*) FROM history),
       count(*) FILTER (WHERE current AND status IN ('Running', 'NotStarted')),
       count(*) FILTER (WHERE current AND status = 'Completed'),
       count(*) FILTER (WHERE current AND status = 'Failed')
FROM executions WHERE listed
"""
NAMES = ("total_instances", "total_executions", "total_events", "running_instances",
         "completed_instances", "failed_instances")  # fmt: skip
AGED = {
    "total_instances": "aged_instances",
    "total_executions": "aged_executions",
    "total_events": "aged_events",
    "completed_instances": "aged_instances",
}


def look(recording: Recording) -> Looked:
    """Compare the books with each other, then their totals with the engine's own."""
    undecided = cut_off(recording)
    found = [] if undecided else [*findings(recording, ROWS), *_totals(recording)]
    seen = recording.one("SELECT count(*) FROM executions")
    note = "" if recording.metrics is not None else "the engine keeps no totals to compare with"
    return Looked(seen=seen, findings=found, undecided=undecided, note=note)


def _totals(recording: Recording) -> list[Finding]:
    """Totals are taken after the books: only at rest do both speak of one moment.

    An engine that counts executions of instances it does not list, or leaves them out, is told apart
    by ROWS; totals are compared only when every execution is listed.
    """
    unlisted = recording.one("SELECT count(*) FROM executions WHERE NOT listed")
    if recording.metrics is None or unlisted or not at_rest(recording):
        return []
    counted = zip(NAMES, recording.rows(COUNTS)[0], strict=True)
    return [
        Finding("the engine's totals differ from its books", f"{name} {told}, counted {count}")
        for name, count in counted
        if (told := _told(recording.metrics, name, count)) != count
    ]


def _told(metrics: dict[str, Any], name: str, count: int) -> int:
    """What the engine says of the cell: without the instances that the store was aged with."""
    aged = int(metrics.get(AGED.get(name, ""), 0))
    return int(metrics.get(name, count + aged)) - aged


CHECK = Check(
    name="books",
    promise="The engine's books agree with each other, and its totals with what they count.",
    source="engine: execution row, last event and status agree at rest; system metrics equal counts",
    unit="executions",
    look=look,
)
