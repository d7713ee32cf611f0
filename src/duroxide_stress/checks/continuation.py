"""Continuation: generations follow one another, and nothing is lost between them.

Executions run 1 to n (the history check). Here: each begins when the one before has ended and not
before, with the input that it was handed, and an instance at rest never stands between two generations.
That results, status and keys survive shows in the output, which folds every generation's results; that
messages do, in the messages check.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, at_rest, clock_slack_ns, cut_off, findings
from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import NS_PER_MS

BORDERS = """
CREATE OR REPLACE TEMP TABLE borders AS
SELECT e.instance, e.execution, e.data AS handed, e.ts_ms AS ended_ms,
       b.instance IS NOT NULL AS begun, TRY(b.data -> '$.input') AS given, b.ts_ms AS begun_ms
FROM history e LEFT JOIN history b
  ON b.instance = e.instance AND b.execution = e.execution + 1 AND b.kind = 'OrchestrationStarted'
WHERE e.kind = 'OrchestrationContinuedAsNew'
"""
ROWS = """
SELECT instance, 'nothing came after a generation' AS what,
       'execution ' || execution || ' continued as new, and none began' AS detail
FROM borders WHERE $at_rest AND NOT begun
UNION ALL
SELECT instance, 'a generation began before the one before it had ended',
       'execution ' || (execution + 1) || ' began ' || (ended_ms - begun_ms) || ' ms too soon'
FROM borders WHERE begun_ms < ended_ms - $slack_ms
UNION ALL
SELECT instance, 'a generation was given another input than it was handed',
       'execution ' || execution || ' handed ' || handed[:80] || ', the next was given '
       || (CAST(given AS VARCHAR))[:80]
FROM borders WHERE begun AND TRY(json_exists(handed, '$.input'))
  AND json(handed -> '$.input')::VARCHAR <> json(given)::VARCHAR
ORDER BY 1, 2
"""


def asked(recording: Recording) -> bool:
    """Some program continues as new."""
    owed = "(expect_events ->> 'OrchestrationContinuedAsNew')::BIGINT > 0"
    return bool(recording.one(f"SELECT count(*) FROM ops WHERE {owed}"))


def look(recording: Recording) -> Looked:
    """Look at every border between two generations."""
    recording.db.execute(BORDERS)
    undecided = cut_off(recording)
    return Looked(
        seen=recording.one("SELECT count(*) FROM borders WHERE begun"),
        findings=findings(
            recording,
            ROWS,
            at_rest=not undecided and at_rest(recording),
            slack_ms=clock_slack_ns(recording) // NS_PER_MS,
        ),
        undecided=undecided,
    )


CHECK = Check(
    name="continuation",
    promise="Generations follow one another without a gap, each with what it was handed.",
    source="engine: executions 1, 2, 3 ..., all but the last ContinuedAsNew, each its own history",
    unit="borders between generations",
    look=look,
    asked=asked,
)
