"""Success: every instance that ended, ended as its scenario says it must.

Evidence: the client's view of each end, and the engine's books at rest; they must agree. A start that
was refused while a fault let the store refuse clients is left out, and so is the missing end of an
instance of which another call was: it may wait for what it was never sent.

How bad an end is: a client that was told something else than the books hold comes before an end that is
not the right one, that before none in time, that before a failure (poison first, and half a step worse
when the engine itself calls it retryable), and a refused start last, because nothing was promised yet.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, findings
from duroxide_stress.recording.tables import Recording

ROWS = """
SELECT o.instance,
       CASE WHEN o.info_reason = 'timeout' THEN 'no end in time'
            WHEN o.fail_where = 'start' THEN 'start refused'
            WHEN o.disagree THEN 'client and books disagree'
            WHEN o.complaint IS NOT NULL THEN 'refused by its scenario'
            WHEN o.ended = 'fail' AND o.expect_status = 'Failed' THEN 'failed with other words'
            WHEN o.ended = 'fail' THEN coalesce(o.category, 'unclassified') || ' failure'
            ELSE 'completed where a failure was due' END AS what,
       CASE WHEN o.info_reason = 'timeout' THEN 'given up after the wait timeout'
            WHEN o.complaint IS NOT NULL THEN o.complaint
            WHEN o.disagree
            THEN 'the client saw ' || o.ended || ', the books say ' || o.status
                 || coalesce(': ' || coalesce(o.booked_error, o.error), '')
            WHEN o.ended = 'fail'
            THEN coalesce(o.booked_error, o.error)
                 || CASE WHEN o.retryable THEN ' (the engine calls this retryable)' ELSE '' END
            ELSE 'expected ' || o.expect_status END AS detail,
       CASE WHEN o.info_reason = 'timeout' THEN 4
            WHEN o.fail_where = 'start' THEN 1
            WHEN o.disagree THEN 6
            WHEN o.complaint IS NOT NULL OR o.ended = 'ok' THEN 5
            ELSE CASE WHEN o.category = 'poison' THEN 3 ELSE 2 END
                 + CASE WHEN o.retryable THEN 0.5 ELSE 0 END END AS weight
FROM (SELECT ops.*, e.status, e.category, e.retryable, e.error AS booked_error,
             coalesce((ended = 'ok' AND e.status <> 'Completed')
                      OR (fail_where = 'end' AND e.status <> 'Failed'), false) AS disagree
      FROM ops LEFT JOIN ends e USING (instance)) o
LEFT JOIN excused x USING (instance)
WHERE o.disagree OR (o.info_reason = 'timeout' AND x.call IS NULL)
   OR (o.ended IN ('ok', 'fail') AND NOT o.as_planned
       AND NOT (x.call IS NOT NULL AND o.fail_where = 'start'))
ORDER BY o.op
"""


def look(recording: Recording) -> Looked:
    """Compare every end with what was expected."""
    ended = recording.one(
        "SELECT count(*) FROM ops WHERE ended IN ('ok', 'fail') OR info_reason = 'timeout'"
    )
    return Looked(seen=ended, findings=findings(recording, ROWS), note=excuses(recording))


def excuses(recording: Recording) -> str:
    """What is not held against the engine, in one sentence; empty when there is nothing."""
    excused = recording.one("SELECT count(*) FROM excused")
    return (
        f"{excused} instances of which the store refused a client's call by a fault of ours owe no end"
        if excused
        else ""
    )


CHECK = Check(
    name="success",
    promise="Every instance ends as its scenario says: 100 % success.",
    source="stress test spec, Success Metrics 1",
    unit="ended instances",
    look=look,
)
