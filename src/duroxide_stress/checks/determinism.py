"""Determinism: the same work on the same input gives the same output and the same schedule.

Instances that were given the same input are compared with each other, their own ids written as `$`:
outputs must be equal, and so must the scheduling events of their histories, in order, with what they
schedule. Completions may arrive in any order, so they are compared by count only.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.recording.tables import Recording

SHAPES = """
CREATE OR REPLACE TEMP TABLE shapes AS
WITH shape AS (
  SELECT instance,
         string_agg(kind || CASE WHEN kind = 'TimerCreated' THEN ''  -- its data is a moment
                    ELSE ' ' || replace(coalesce(data, ''), instance, '$') END, chr(10)
                    ORDER BY execution, event_id)
           FILTER (WHERE kind IN ('ActivityScheduled', 'TimerCreated', 'SubOrchestrationScheduled',
                                  'OrchestrationChained', 'ExternalSubscribed',
                                  'QueueSubscribed')) AS schedule,
         count(*) FILTER (WHERE kind IN ('ActivityCompleted', 'TimerFired',
                                         'SubOrchestrationCompleted')) AS completions
  FROM history GROUP BY instance)
SELECT o.op, o.alike, o.instance, replace(CAST(o.output AS VARCHAR), o.instance, '$') AS output,
       s.schedule, s.completions
FROM ops o JOIN shape s USING (instance)
WHERE o.ended = 'ok' AND o.alike <> '' AND instance NOT IN (SELECT instance FROM redelivered)
"""

# Within a group the most frequent shape is taken as the rule; whoever differs from it is the row.
ROWS = """
WITH rule AS (
  SELECT alike, mode(output) AS output, mode(schedule) AS schedule,
         mode(completions) AS completions
  FROM shapes GROUP BY alike)
SELECT s.instance,
       CASE WHEN s.output IS DISTINCT FROM r.output THEN 'another output for the same input'
            ELSE 'another history for the same input' END AS what,
       'input class ' || s.alike || CASE WHEN s.output IS DISTINCT FROM r.output
            THEN ': ' || coalesce(s.output, 'null')[:120]
                 || ' where others gave ' || coalesce(r.output, 'null')[:120]
            WHEN s.completions <> r.completions
            THEN ': ' || s.completions || ' completions where others have ' || r.completions
            ELSE ': it did not schedule what others did, in their order' END AS detail
FROM shapes s JOIN rule r USING (alike)
WHERE s.output IS DISTINCT FROM r.output OR s.schedule IS DISTINCT FROM r.schedule
   OR s.completions <> r.completions
ORDER BY s.op
"""


def asked(recording: Recording) -> bool:
    """Some instances were given work whose result does not depend on timing."""
    return bool(recording.one("SELECT count(*) FROM ops WHERE alike <> ''"))


def look(recording: Recording) -> Looked:
    """Compare completed instances of equal input with each other."""
    recording.db.execute(SHAPES)
    seen = recording.one(
        "SELECT coalesce(sum(n), 0)::BIGINT FROM "
        "(SELECT count(*) AS n FROM shapes GROUP BY alike HAVING count(*) > 1)"
    )
    undecided = cut_off(recording)
    found = [] if undecided else findings(recording, ROWS)
    return Looked(seen=seen, findings=found, undecided=undecided)


CHECK = Check(
    name="determinism",
    promise="The same input gives identical results and identical schedules.",
    source="stress test spec, Success Metrics 2",
    unit="completed instances with a twin",
    look=look,
    need=2,
    asked=asked,
)
