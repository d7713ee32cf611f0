"""Isolation: nothing of one instance appears in another.

Every step's token carries its instance's id. An id of this cell found in a foreign history, output
or activity context is a leak. Children count as part of their root instance; one whose id a user's
code chose freely carries no id of ours, and whose ids it may know only its author can say.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.recording.tables import Recording

ROWS = """
WITH texts AS (
  SELECT instance, 'history event ' || event_id || ' ' || kind AS place, data AS text FROM history
  UNION ALL SELECT instance, 'the output given to the client', CAST(output AS VARCHAR) FROM ops
  UNION ALL SELECT instance, 'an activity''s context', token FROM effects),
ids AS (
  SELECT instance, place, unnest(list_distinct(regexp_extract_all(text, $pattern))) AS id
  FROM texts)
SELECT instance, 'the id of another instance' AS what, id || ' in ' || place AS detail
FROM ids WHERE regexp_extract(instance, $pattern) <> id
  AND NOT (regexp_extract(instance, $pattern) = ''
           AND instance IN (SELECT instance FROM executions WHERE parent IS NOT NULL))
ORDER BY instance, place
"""


def look(recording: Recording) -> Looked:
    """Look for foreign ids in every text of every instance."""
    return Looked(
        seen=recording.one("SELECT count(DISTINCT instance) FROM history"),
        findings=findings(recording, ROWS, pattern=recording.head.instance_pattern),
        undecided=cut_off(recording),
    )


CHECK = Check(
    name="isolation",
    promise="Instances are isolated: no token of one in another's history, output or activity.",
    source="stress test spec, Correctness Metrics: Isolation",
    unit="histories",
    look=look,
    need=2,
)
