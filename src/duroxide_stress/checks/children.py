"""Children: every sub-orchestration is there, linked both ways, and ended as its parent was told.

The parent's SubOrchestrationScheduled names a suffix, and the child's id is `{parent}::{suffix}`; or it
names the whole id, where the caller chose one. The child's books must name the parent, and its end and
result must be those that the parent recorded. A call without an end may have led to no child at all: its
parent was cancelled before the child began (and a parent that completed without an end that it needs is
the history check's). Nor does a call lead to one whose chosen id was taken, and which failed for that.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.recording.tables import Recording

# A child's input follows its id and may be anything that Python calls JSON: it is not parsed here.
CALLS = r"""
CREATE OR REPLACE TEMP TABLE calls AS
SELECT s.instance AS parent, c.kind AS told, c.data AS result,
       CASE WHEN starts_with(s.called, 'sub::') THEN s.instance || '::' || s.called
            ELSE s.called END AS child
FROM (SELECT *, CAST(nullif(regexp_extract(data, '"instance":("(?:[^"\\]|\\.)*")', 1), '') AS JSON)
                ->> '$' AS called
      FROM history WHERE kind = 'SubOrchestrationScheduled') s LEFT JOIN history c
  ON c.instance = s.instance AND c.execution = s.execution AND c.source = s.event_id
 AND c.kind IN ('SubOrchestrationCompleted', 'SubOrchestrationFailed')
WHERE NOT coalesce(c.kind = 'SubOrchestrationFailed' AND NOT starts_with(s.called, 'sub::')
                   AND regexp_matches(c.data, 'sub-orchestration instance id .* already exists', 's'),
                   false)
"""
ROWS = """
SELECT c.parent, 'a child is missing' AS what, c.child || ' has no execution' AS detail
FROM calls c LEFT JOIN ends e ON e.instance = c.child
WHERE e.instance IS NULL AND c.told IS NOT NULL
UNION ALL
SELECT c.parent, 'a child does not name its parent',
       c.child || ' names ' || coalesce(x.parent, 'nobody')
FROM calls c JOIN executions x ON x.instance = c.child AND x.current
WHERE x.parent IS DISTINCT FROM c.parent
UNION ALL
SELECT c.parent, 'told another end than the child had',
       c.child || ' is ' || e.status || ', the parent recorded ' || c.told
FROM calls c JOIN ends e ON e.instance = c.child
WHERE c.told IS NOT NULL AND replace(c.told, 'SubOrchestration', '') <> e.status
UNION ALL
SELECT c.parent, 'told another result than the child gave', c.child
FROM calls c JOIN ends e ON e.instance = c.child
WHERE c.told = 'SubOrchestrationCompleted' AND e.status = 'Completed'
  AND c.result IS DISTINCT FROM e.output
UNION ALL
SELECT x.parent, 'a child nobody called', x.instance || ' names this parent'
FROM executions x WHERE x.current AND x.parent IS NOT NULL
  AND x.instance NOT IN (SELECT child FROM calls)
UNION ALL
SELECT c.parent, 'a child outlived its parent', c.child || ' is ' || e.status
FROM calls c JOIN ends e ON e.instance = c.child JOIN ends p ON p.instance = c.parent
WHERE p.status IN ('Completed', 'Failed') AND e.status NOT IN ('Completed', 'Failed')
ORDER BY 1, 2
"""


def asked(recording: Recording) -> bool:
    """Some instance was to call children."""
    owed = (
        "SELECT count(*) FROM ops WHERE json_exists(expect_events, '$.SubOrchestrationScheduled')"
    )
    return bool(recording.one(owed))


def look(recording: Recording) -> Looked:
    """Follow every call to its child and back."""
    recording.db.execute(CALLS)
    seen = recording.one("SELECT count(*) FROM calls")
    return Looked(seen=seen, findings=findings(recording, ROWS), undecided=cut_off(recording))


CHECK = Check(
    name="children",
    promise="Every child exists, is linked both ways, and ended as its parent was told.",
    source="engine: ids derive from the parent, parent links survive, cancelling cascades",
    unit="calls of children",
    look=look,
    asked=asked,
)
