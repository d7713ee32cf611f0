"""Durability: what was acknowledged to a client is never lost.

When a start, a message or a cancel has returned, it stands in the store. The store is opened again in a
fresh process (where it can be), and then every acknowledged start must have an execution, and every
acknowledged message or cancel must be in the history of its instance, unless that instance was over
before it could be read: an end takes what is unread with it. What still lies in a queue is not lost
(that nobody takes it is the completion check's). Positional events promise less: one that nobody waits
for is dropped. Where nobody could look into the queues and the engine counts messages in them, what no
history has may be one of those, and is not called lost.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, at_rest, cut_off, findings
from duroxide_stress.checks.causes import left_over, unseen
from duroxide_stress.recording.tables import Recording

# Messages that could not be read any more are left out: only of an instance without an end is it sure
# that it had time to. (One that ended without what its program needs has a wrong output.)
ROWS = """
WITH books AS (SELECT instance, any_value(status) AS status FROM executions WHERE current
               GROUP BY instance),
open AS (SELECT instance FROM books WHERE status NOT IN ('Completed', 'Failed')),
delivered AS (
  SELECT instance, TRY(data ->> '$.name') AS name,
         TRY(json(data -> '$.data')::VARCHAR) AS message
  FROM history WHERE kind = 'QueueEventDelivered'),
asked_to_end AS (SELECT DISTINCT instance FROM history WHERE kind = 'OrchestrationCancelRequested')
SELECT o.instance, 'an acknowledged start is gone' AS what,
       'its start was acknowledged, a reopened store does not know it' AS detail
FROM ops o LEFT JOIN books b USING (instance)
WHERE o.acked_ns IS NOT NULL AND b.instance IS NULL AND NOT list_contains($queued, o.instance)
UNION ALL
SELECT a.instance, 'an acknowledged message is gone',
       a.name || ' was sent ' || (json(a.data)::VARCHAR)[:120] || ', which no history has'
FROM acts a JOIN open USING (instance)
LEFT JOIN delivered d ON d.instance = a.instance AND d.name = a.name
 AND d.message = json(a.data)::VARCHAR
WHERE a.kind = 'enqueue' AND a.at_ns IS NOT NULL AND a.error IS NULL AND d.instance IS NULL
  AND NOT list_contains($queued, a.instance)
UNION ALL
SELECT a.instance, 'an acknowledged cancel is gone', 'the instance goes on and has no cancel request'
FROM acts a JOIN open USING (instance) LEFT JOIN asked_to_end c USING (instance)
WHERE a.kind = 'cancel' AND a.at_ns IS NOT NULL AND a.error IS NULL AND c.instance IS NULL
  AND NOT list_contains($queued, a.instance)
ORDER BY 1, 2
"""


def asked(recording: Recording) -> bool:
    """A cell that went to its end: one that was ended otherwise says so itself."""
    return recording.end is None or recording.end.ended == "finished"


def look(recording: Recording) -> Looked:
    """Hold everything that was acknowledged against the books."""
    undecided = cut_off(recording)
    if not undecided and not at_rest(recording):
        undecided = "it never came to rest, so starts and messages may still wait in a queue"
    acknowledged = (
        "SELECT (SELECT count(*) FROM ops WHERE acked_ns IS NOT NULL) + "
        "(SELECT count(*) FROM acts WHERE at_ns IS NOT NULL AND error IS NULL)"
    )
    found = [] if undecided else findings(recording, ROWS, queued=list(left_over(recording)))
    if found and unseen(recording):
        undecided = (
            f"{len(found)} acknowledged calls are in no history, and may still lie in a queue: "
            "this store's cannot be looked into"
        )
        found = []
    return Looked(seen=recording.one(acknowledged), findings=found, undecided=undecided)


CHECK = Check(
    name="durability",
    promise="What was acknowledged to a client is never lost.",
    source="engine: work acknowledged to a client (start, enqueue, cancel returned) is never lost",
    unit="acknowledged calls",
    look=look,
    asked=asked,
)
