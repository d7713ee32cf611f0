"""History: the engine's own record of every execution is well-formed and has what its program owes.

Of every execution: event ids run 1..n without gap, the first event is OrchestrationStarted, exactly
one event ends it and nothing but cancel requests follows; a completion comes after its schedule and is
of its kind; a schedule is completed at most once. Of every instance that ended as planned: as many
events of each promised kind as its program makes.

A history of one execution that was copied out while it still ran (a hanging instance) is not judged
for its end; the completion check has it.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.recording.tables import Recording

GRAMMAR = """
WITH per AS (
  SELECT h.instance, h.execution, count(*) AS n, min(event_id) AS low, max(event_id) AS high,
         count(DISTINCT event_id) AS ids, arg_min(kind, event_id) AS first,
         count(*) FILTER (WHERE kind IN ('OrchestrationCompleted', 'OrchestrationFailed',
                                         'OrchestrationContinuedAsNew')) AS terminals,
         max(event_id) FILTER (WHERE kind NOT LIKE '%CancelRequested') AS last_id,
         max(event_id) FILTER (WHERE kind IN ('OrchestrationCompleted', 'OrchestrationFailed',
                                              'OrchestrationContinuedAsNew')) AS terminal_id,
         max(kind) FILTER (WHERE kind IN ('OrchestrationCompleted', 'OrchestrationFailed',
                                          'OrchestrationContinuedAsNew')) AS terminal
  FROM history h GROUP BY h.instance, h.execution),
judged AS (
  SELECT per.*, x.status FROM per JOIN executions x USING (instance, execution))
SELECT instance, 'gap in event ids' AS what,
       'execution ' || execution || ' has ' || n || ' events with ids ' || low || ' to ' || high
FROM judged WHERE low <> 1 OR high <> n OR ids <> n
UNION ALL
SELECT instance, 'does not begin with OrchestrationStarted',
       'execution ' || execution || ' begins with ' || first
FROM judged WHERE first <> 'OrchestrationStarted'
UNION ALL
SELECT instance, 'not exactly one end',
       'execution ' || execution || ' is ' || status || ' with ' || terminals || ' terminal events'
FROM judged WHERE status NOT IN ('Running', 'NotStarted') AND terminals <> 1
UNION ALL
SELECT instance, 'the books have another end',
       'execution ' || execution || ' is ' || status || ', its history ends with ' || terminal
FROM judged WHERE terminals = 1 AND status IN ('Completed', 'Failed', 'ContinuedAsNew')
  AND terminal <> 'Orchestration' || status
UNION ALL
SELECT instance, 'executions are not 1 to n',
       count(*) || ' executions with numbers ' || min(execution) || ' to ' || max(execution)
FROM executions GROUP BY instance HAVING min(execution) <> 1 OR max(execution) <> count(*)
UNION ALL
SELECT instance, 'events after the end',
       'execution ' || execution || ' ends with event ' || terminal_id || ', the last is ' || last_id
FROM judged WHERE terminals = 1 AND last_id > terminal_id
ORDER BY 1, 2
"""

CAUSES = """
WITH kinds(completion, schedule) AS (VALUES
  ('ActivityCompleted', 'ActivityScheduled'), ('ActivityFailed', 'ActivityScheduled'),
  ('ActivityCancelRequested', 'ActivityScheduled'), ('TimerFired', 'TimerCreated'),
  ('SubOrchestrationCompleted', 'SubOrchestrationScheduled'),
  ('SubOrchestrationFailed', 'SubOrchestrationScheduled'),
  ('SubOrchestrationCancelRequested', 'SubOrchestrationScheduled')),
completions AS (
  SELECT h.*, k.schedule, h.kind LIKE '%CancelRequested' AS request
  FROM history h JOIN kinds k ON k.completion = h.kind),
joined AS (
  SELECT c.*, s.kind AS cause, s.event_id AS cause_id FROM completions c
  LEFT JOIN history s ON s.instance = c.instance AND s.execution = c.execution
                     AND s.event_id = c.source)
SELECT instance, 'completion without its schedule' AS what,
       kind || ' (event ' || event_id || ' of execution ' || execution || ') names event '
       || coalesce(source::VARCHAR, 'nothing') || coalesce(', a ' || cause, ', which is not there')
FROM joined WHERE cause IS DISTINCT FROM schedule OR cause_id >= event_id
UNION ALL
SELECT instance, 'completed more than once',
       'event ' || source || ' of execution ' || execution || ' has ' || count(*) || ' completions'
FROM joined WHERE NOT request AND source IS NOT NULL
GROUP BY instance, execution, source HAVING count(*) > 1
ORDER BY 1, 2
"""

COUNTS = """
WITH owed AS (
  SELECT op, instance, unnest(json_keys(expect_events)) AS kind, expect_events
  FROM ops WHERE as_planned AND expect_canceled = ''
   AND instance IN (SELECT instance FROM executions)  -- one that is lost is no matter of counts
   AND instance NOT IN (SELECT instance FROM redelivered)),
numbers AS (
  SELECT instance, kind, count(*) AS n FROM history GROUP BY instance, kind)
SELECT o.instance, 'not the events its program makes' AS what,
       coalesce(n.n, 0) || ' ' || o.kind || ' where its program makes '
       || (o.expect_events ->> o.kind) AS detail,
       abs(coalesce(n.n, 0) - (o.expect_events ->> o.kind)::BIGINT) AS too_many_or_too_few
FROM owed o LEFT JOIN numbers n USING (instance, kind)
WHERE coalesce(n.n, 0) <> (o.expect_events ->> o.kind)::BIGINT
ORDER BY o.op, o.kind
"""


def look(recording: Recording) -> Looked:
    """Judge the grammar of all histories, then hold them against what programs owe."""
    undecided = cut_off(recording)
    found = []
    if not undecided:  # of a copy that broke off, what is missing is no fault of the engine's
        found = [f for rows in (GRAMMAR, CAUSES, COUNTS) for f in findings(recording, rows)]
    seen = recording.one("SELECT count(*) FROM history")
    return Looked(seen=seen, findings=found, undecided=undecided)


CHECK = Check(
    name="history",
    promise="Histories are well-formed and hold exactly the events their programs make.",
    source="engine: event ids 1..n, one completion per schedule, one terminal event per execution",
    unit="events",
    look=look,
)
