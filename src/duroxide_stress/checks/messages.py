"""Messages: what clients send to a queue arrives as sent, once, in the order of its sender.

Evidence is the history. Messages that an execution did not take are carried into the next one and
stand in both histories, so a message may be delivered once in each execution, but taken only once: an
execution takes as many messages of a queue as it has subscriptions, the first ones. Positional events
promise less (one that nobody waits for is dropped): they too come in order, and once.

That every message which is owed arrives is for the outputs check: the program returns them.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.recording.tables import Recording

DELIVERIES = """
CREATE OR REPLACE TEMP TABLE deliveries AS
WITH sent AS (
  SELECT instance, kind, name, sender, json(data)::VARCHAR AS message, min(number) AS number,
         count(*) AS times
  FROM acts WHERE kind IN ('enqueue', 'raise') GROUP BY ALL),
arrived AS (
  SELECT instance, execution, event_id, TRY(data ->> '$.name') AS name,
         CASE kind WHEN 'ExternalEvent' THEN 'raise' ELSE 'enqueue' END AS kind,
         TRY(json(data -> '$.data')::VARCHAR) AS message
  FROM history WHERE kind IN ('QueueEventDelivered', 'ExternalEvent')
   AND instance IN (SELECT instance FROM acts)),
subscribed AS (
  SELECT instance, execution, TRY(data ->> '$.name') AS name, count(*) AS n
  FROM history WHERE kind = 'QueueSubscribed' GROUP BY ALL)
SELECT a.*, s.sender, s.number, s.times,
       row_number() OVER (PARTITION BY a.instance, a.execution, a.kind, a.name ORDER BY event_id)
         <= coalesce(q.n, 0) AS taken
FROM arrived a LEFT JOIN sent s USING (instance, kind, name, message)
LEFT JOIN subscribed q ON q.instance = a.instance AND q.execution = a.execution
 AND q.name = a.name AND a.kind = 'enqueue'
"""
ROWS = """
SELECT instance, 'a message nobody sent' AS what,
       name || ' got ' || message || ' (event ' || event_id || ' of execution ' || execution || ')'
FROM deliveries WHERE number IS NULL
UNION ALL
SELECT instance, 'a message came more than once',
       name || ' got ' || message || ' ' || count(*) || ' times in execution ' || execution
FROM deliveries WHERE number IS NOT NULL
GROUP BY instance, execution, kind, name, message HAVING count(*) > any_value(times)
UNION ALL
SELECT instance, 'a message was taken more than once',
       name || ' gave ' || message || ' to executions ' || string_agg(execution, ', ')
FROM deliveries WHERE taken AND number IS NOT NULL
GROUP BY instance, kind, name, message
HAVING count(*) > any_value(times) AND count(DISTINCT execution) > 1
UNION ALL
SELECT instance, 'messages of one sender out of order',
       name || ' got ' || message || ' after a later one, in execution ' || execution
FROM (SELECT *, max(number) OVER (PARTITION BY instance, execution, kind, name, sender
                                  ORDER BY event_id) AS latest FROM deliveries)
WHERE number < latest AND times = 1
ORDER BY 1, 2
"""


def asked(recording: Recording) -> bool:
    """Clients were to send something."""
    return bool(recording.one("SELECT count(*) FROM acts WHERE kind IN ('enqueue', 'raise')"))


def look(recording: Recording) -> Looked:
    """Follow every delivery back to what was sent."""
    recording.db.execute(DELIVERIES)
    seen = recording.one("SELECT count(*) FROM deliveries")
    return Looked(seen=seen, findings=findings(recording, ROWS), undecided=cut_off(recording))


CHECK = Check(
    name="messages",
    promise="A message arrives as it was sent, once, in its sender's order.",
    source="engine: enqueue/dequeue is FIFO per instance and queue, each message read exactly once",
    unit="deliveries",
    look=look,
    asked=asked,
)
