"""Cancellation: what was cancelled stays cancelled.

A cancelled instance has ended with the reason its client gave (the success check holds it against that)
and begins no activity afterwards, and its children schedule nothing more: a child's next turn after its
parent's end finds the cancel in its queue. So does the next turn of an instance whose cancel has been
acknowledged: it ends there, and nothing follows. An activity that a worker had already taken may begin,
and a turn that was under way may end, within the second it takes a loaded host to get to it.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.recording.tables import Recording

GRACE_MS = 1_000

ROWS = """
SELECT f.instance, 'an activity began after the cancel' AS what,
       f.token || ' began ' || (f.at_ns // 1000000 - e.ended_ms) || ' ms after the end' AS detail,
       f.at_ns // 1000000 - e.ended_ms AS after_ms
FROM effects f JOIN ends e ON e.instance = f.instance
WHERE e.category = 'canceled' AND f.phase = 'begin'
  AND f.at_ns // 1000000 - e.ended_ms > $grace
  AND NOT EXISTS (FROM nodes n WHERE n.node = f.node AND n.what IN ('resumed', 'thawed')
                  AND abs(f.at_ns - n.at_ns) // 1000000 <= $grace)
UNION ALL
SELECT h.instance, 'a child went on after its parent''s cancel',
       h.kind || ' (event ' || h.event_id || ') ' || (h.ts_ms - e.ended_ms) || ' ms after the end of '
       || e.instance, h.ts_ms - e.ended_ms
FROM executions x JOIN ends e ON e.instance = x.parent JOIN history h ON h.instance = x.instance
WHERE x.current AND e.category = 'canceled' AND undisturbed_ms(e.ended_ms, h.ts_ms) > $grace
  AND h.kind IN ('ActivityScheduled', 'TimerCreated', 'SubOrchestrationScheduled')
UNION ALL
SELECT h.instance, 'went on after its cancel',
       arg_max(h.kind, h.event_id) || ' (event ' || max(h.event_id) || ') '
       || max(h.ts_ms - c.ts_ms) || ' ms after its cancel request', max(h.ts_ms - c.ts_ms)
FROM (SELECT instance, min(ts_ms) AS ts_ms FROM history
      WHERE kind = 'OrchestrationCancelRequested' GROUP BY instance) c
JOIN history h USING (instance)
WHERE h.ts_ms - c.ts_ms - skewed_ms(c.ts_ms, h.ts_ms) > $grace AND h.kind NOT LIKE '%CancelRequested'
GROUP BY h.instance
UNION ALL
SELECT h.instance, 'an acknowledged cancel was ignored',
       'a turn with ' || any_value(h.kind) || ' began ' || max(h.ts_ms - a.at_ns // 1000000)
       || ' ms after the cancel was acknowledged', max(h.ts_ms - a.at_ns // 1000000)
FROM acts a JOIN history h USING (instance)
WHERE a.kind = 'cancel' AND a.at_ns IS NOT NULL AND a.error IS NULL
  AND h.ts_ms - a.at_ns // 1000000 > $grace AND h.kind IN (
    'ActivityCompleted', 'ActivityFailed', 'TimerFired', 'SubOrchestrationCompleted',
    'SubOrchestrationFailed')
  AND instance NOT IN (SELECT instance FROM history WHERE kind = 'OrchestrationCancelRequested')
GROUP BY h.instance
ORDER BY 1, 3
"""


def asked(recording: Recording) -> bool:
    """Clients were to cancel."""
    return bool(recording.one("SELECT count(*) FROM ops WHERE expect_canceled <> ''"))


def look(recording: Recording) -> Looked:
    """Look for life after the end."""
    seen = recording.one("SELECT count(*) FROM ends WHERE category = 'canceled'")
    found = findings(recording, ROWS, grace=GRACE_MS)
    return Looked(seen=seen, findings=found, undecided=cut_off(recording))


CHECK = Check(
    name="cancellation",
    promise="A cancelled instance ends there: nothing of it begins to run or goes on afterwards.",
    source="engine: cancel is final and yields Failed `canceled: <reason>` once, and cascades",
    unit="cancelled instances",
    look=look,
    asked=asked,
)
