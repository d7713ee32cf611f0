"""Completion: no instance hangs and none is lost.

An instance whose start was acknowledged must come to an end within its wait timeout, and must be in
the engine's books at rest (before that, its start may still wait in a queue). Instances that were in
flight when a run was cut off prove nothing, nor do those of which a client call raised while a fault
held the store. Those that hang are named with a cause (see `causes.py`).
"""

from __future__ import annotations

import msgspec

from duroxide_stress.checks.base import (
    FINDINGS_SHOWN,
    Check,
    Looked,
    at_rest,
    cut_off,
    findings,
)
from duroxide_stress.checks.causes import causes
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding

HANGS = "no end within the wait timeout"
ROWS = f"""
WITH last AS (
  SELECT instance, count(*) AS events, arg_max(kind, (execution, event_id)) AS kind
  FROM history GROUP BY instance)
SELECT o.instance,
       CASE WHEN o.info_reason = 'timeout' THEN '{HANGS}'
            ELSE 'acknowledged, then lost' END AS what,
       CASE WHEN e.status IS NULL THEN 'not in the books'
            ELSE 'books at rest: ' || e.status || ', ' || coalesce(l.events, 0) || ' events'
                 || coalesce(', the last ' || l.kind, '') END AS detail,
       CASE WHEN o.info_reason = 'timeout' THEN 1 ELSE 2 END AS weight  -- what is lost is worse
FROM ops o LEFT JOIN ends e USING (instance) LEFT JOIN last l USING (instance)
WHERE (o.info_reason = 'timeout' AND o.instance NOT IN (SELECT instance FROM excused))
   OR ($at_rest AND o.acked_ns IS NOT NULL AND e.status IS NULL)
   OR ($collected AND o.ended = 'ok' AND e.status IN ('Running', 'NotStarted'))
ORDER BY o.op
"""


def _with_causes(recording: Recording, found: list[Finding]) -> list[Finding]:
    """The findings that are shown, with what the books and the store say of why."""
    shown = [f.instance for f in found[:FINDINGS_SHOWN] if f.instance is not None]
    why = causes(recording, shown)
    return [
        msgspec.structs.replace(f, detail=f"{why[f.instance]}; {f.detail}")
        if f.instance in why and f.what == HANGS
        else f
        for f in found
    ]


def look(recording: Recording) -> Looked:
    """Find instances without an end, and acknowledged ones that the books do not know."""
    missing = cut_off(recording)
    acked = recording.one("SELECT count(*) FROM ops WHERE acked_ns IS NOT NULL")
    open_ones = recording.one(
        "SELECT count(*) FROM ops WHERE ended IS NULL OR info_reason = 'interrupted'"
    )
    undecided = missing
    if open_ones:
        undecided = f"{open_ones} instances were in flight when the run was cut off"
    found = findings(
        recording, ROWS, collected=not missing, at_rest=not missing and at_rest(recording)
    )
    return Looked(
        seen=acked,
        findings=found if missing else _with_causes(recording, found),
        undecided=undecided,
    )


CHECK = Check(
    name="completion",
    promise="Every launched orchestration completes within its timeout; none hangs, none is lost.",
    source="stress test spec, Success Metrics 4",
    unit="acknowledged instances",
    look=look,
)
