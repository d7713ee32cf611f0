"""Effects: what the books say of activities is what really happened.

Hosts write every real execution of an activity down as it happens, apart from the engine. An activity
that is booked as done (or as failed by plan) must have run; what ran must have been scheduled; an
instance that ended as planned must have run everything its program needs; and the result that is
stored must be the one that the activity makes of its stored input. More runs than completions are
allowed: activities run at least once.

A user's own workflows plan no activities and are not asked about.
"""

from __future__ import annotations

import json

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.program import perform
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding

# One row a token, the name of a step: how it is booked, and how it ran.
STEPS = """
CREATE OR REPLACE TEMP TABLE steps AS
WITH booked AS (
  SELECT s.data ->> '$.input.token' AS token, any_value(s.instance) AS instance,
         count(*) FILTER (WHERE c.kind = 'ActivityCompleted') AS completed,
         count(*) FILTER (WHERE c.kind = 'ActivityFailed'
                            AND contains(c.data, 'planned failure')) AS failed
  FROM history s LEFT JOIN history c
    ON c.instance = s.instance AND c.execution = s.execution AND c.source = s.event_id
   AND c.kind IN ('ActivityCompleted', 'ActivityFailed')
  WHERE s.kind = 'ActivityScheduled' GROUP BY token),
ran AS (
  SELECT token, any_value(instance) AS instance, count(*) FILTER (WHERE phase = 'end') AS ended,
         count(*) FILTER (WHERE phase = 'failed') AS failed
  FROM effects GROUP BY token)
SELECT token, coalesce(b.instance, r.instance) AS instance, o.instance AS root,
       b.token IS NOT NULL AS scheduled, coalesce(b.completed, 0) AS completed,
       coalesce(b.failed, 0) AS failed, coalesce(r.ended, 0) AS ended_runs,
       coalesce(r.failed, 0) AS failed_runs
FROM booked b FULL JOIN ran r USING (token) JOIN ops o ON o.instance = split_part(token, '|', 1)
WHERE json_exists(o.expect_events, '$.OrchestrationStarted')
"""
ROWS = """
SELECT instance, 'booked as done, but never ran' AS what,
       token || ': ' || completed || ' completions, ' || ended_runs || ' runs'
FROM steps WHERE completed > ended_runs
UNION ALL
SELECT instance, 'booked as failed, but never ran',
       token || ': ' || failed || ' failures, ' || failed_runs || ' runs that failed'
FROM steps WHERE failed > failed_runs
UNION ALL
SELECT instance, 'ran, but nobody scheduled it', token
FROM steps WHERE NOT scheduled AND instance IN (SELECT instance FROM history)
UNION ALL
SELECT o.instance, 'fewer activities ran than its program needs',
       coalesce(s.n, 0) || ' ran, its program needs ' || o.expect_activities
FROM ops o JOIN ends e USING (instance) LEFT JOIN (
  SELECT root, count(*) AS n FROM steps WHERE ended_runs + failed_runs > 0 GROUP BY root) s
  ON s.root = o.instance
WHERE o.as_planned AND e.category IS DISTINCT FROM 'canceled'
  AND coalesce(s.n, 0) < o.expect_activities
ORDER BY 1, 2
"""
RESULTS = """
SELECT s.instance, c.event_id, s.data, c.data
FROM history c JOIN history s
  ON s.instance = c.instance AND s.execution = c.execution AND s.event_id = c.source
JOIN steps t ON t.token = s.data ->> '$.input.token'
WHERE c.kind = 'ActivityCompleted' AND s.kind = 'ActivityScheduled'
ORDER BY s.instance, c.execution, c.event_id
"""


def asked(recording: Recording) -> bool:
    """Some instance was to run activities of ours."""
    return bool(recording.one("SELECT count(*) FROM ops WHERE expect_activities > 0"))


def look(recording: Recording) -> Looked:
    """Hold the books against what ran, then every stored result against its stored input."""
    recording.db.execute(STEPS)
    seen = recording.one("SELECT count(*) FROM steps WHERE ended_runs + failed_runs > 0")
    undecided = cut_off(recording)
    found = [] if undecided else [*findings(recording, ROWS), *_wrong_results(recording)]
    return Looked(seen=seen, findings=found, undecided=undecided)


def _wrong_results(recording: Recording) -> list[Finding]:
    found: list[Finding] = []
    cursor = recording.db.execute(RESULTS)
    while rows := cursor.fetchmany(1_000):
        for instance, event_id, scheduled, completed in rows:
            given = json.loads(scheduled)["input"]
            if completed is None or json.loads(completed) != perform(given):
                detail = f"event {event_id}, {given['token']}"
                found.append(Finding("stored another result than it returns", detail, instance))
    return found


CHECK = Check(
    name="effects",
    promise="What is booked of activities really happened, and is stored as it was returned.",
    source="engine: at least once, never zero for a recorded completion; what an activity returned "
    "is what is stored",
    unit="activities",
    look=look,
    asked=asked,
)
