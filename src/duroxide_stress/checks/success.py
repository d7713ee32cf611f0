"""Success: every instance that ended, ended as its scenario says it must.

Evidence: the client's view of each end, and the engine's books at rest; they must agree.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, findings
from duroxide_stress.recording.tables import Recording

ROWS = """
SELECT o.instance,
       CASE WHEN o.fail_where = 'start' THEN 'start refused'
            WHEN o.ended = 'fail' THEN coalesce(e.category, 'unclassified') || ' failure'
            ELSE 'client and books disagree' END AS what,
       CASE WHEN o.ended = 'fail'
            THEN coalesce(e.error, o.error)
                 || CASE WHEN e.retryable THEN ' (the engine calls this retryable)' ELSE '' END
            ELSE 'the client saw ' || o.ended || ', the books say ' || e.status END AS detail
FROM ops o LEFT JOIN ends e USING (instance)
WHERE o.fail_where = 'start'
   OR (o.ended = 'fail' AND o.expect_status <> 'Failed')
   OR (o.ended = 'ok' AND o.expect_status <> 'Completed')
   OR (o.ended = 'ok' AND e.status IS NOT NULL AND e.status <> 'Completed')
   OR (o.ended = 'fail' AND o.fail_where = 'end' AND e.status IS NOT NULL
       AND e.status <> 'Failed')
ORDER BY o.op
"""


def look(recording: Recording) -> Looked:
    """Compare every end with what was expected."""
    ended = recording.one("SELECT count(*) FROM ops WHERE ended IN ('ok', 'fail')")
    return Looked(seen=ended, findings=findings(recording, ROWS))


CHECK = Check(
    name="success",
    promise="Every instance ends as its scenario says: 100 % success.",
    source="stress test spec, Success Metrics 1",
    unit="ended instances",
    look=look,
)
