"""Effects: what the books say of activities is what really happened.

Hosts write every real execution of an activity down as it happens, apart from the engine. An activity
that is booked as done (or as failed by plan) must have run; what ran must have been scheduled; an
instance that ended as planned must have run everything its program needs; and the result that is
stored must be the one that the activity makes of its stored input.

Activities run at least once, so more runs than completions are allowed, and counted in the note. But no
run begins when the activity has been booked as done: its row left the queue in the same commit. And no
two runs of one attempt overlap: a worker's lock lasts 30 s and is renewed, so that within 25 s of a
beginning nobody else can have taken the work, unless its node was told to stop or died. A step that was
scheduled several times (attempts that failed or timed out) is left out there: attempts may overlap.

A user's own workflows plan no activities and are not asked about.
"""

from __future__ import annotations

import json

from duroxide_stress.checks.base import Check, Looked, clock_slack_ns, cut_off, findings
from duroxide_stress.program import perform
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

GRACE_NS = NS_PER_SEC
"""What a worker may take from having the work to beginning it."""
LOCKED = 5 / 6
"""The part of a worker's lock that no run within it has outlived."""

# One row a token, the name of a step: how it is booked, and how it ran.
STEPS = """
CREATE OR REPLACE TEMP TABLE steps AS
WITH booked AS (
  SELECT TRY(s.data ->> '$.input.token') AS token, any_value(s.instance) AS instance,
         count(DISTINCT (s.execution, s.event_id)) AS schedules,
         arg_max_null(CASE WHEN c.kind = 'ActivityCompleted' THEN c.ts_ms END, s.event_id)
           AS done_ms,
         count(*) FILTER (WHERE c.kind = 'ActivityCompleted') AS completed,
         count(*) FILTER (WHERE c.kind = 'ActivityFailed'
                            AND contains(c.data, 'planned failure')) AS failed
  FROM history s LEFT JOIN history c
    ON c.instance = s.instance AND c.execution = s.execution AND c.source = s.event_id
   AND c.kind IN ('ActivityCompleted', 'ActivityFailed')
  WHERE s.kind = 'ActivityScheduled' GROUP BY token),
ran AS (
  SELECT token, any_value(instance) AS instance, count(*) FILTER (WHERE phase = 'end') AS ended,
         count(*) FILTER (WHERE phase = 'failed') AS failed,
         count(DISTINCT (node, run)) AS runs
  FROM effects GROUP BY token)
SELECT token, coalesce(b.instance, r.instance) AS instance, o.instance AS root,
       b.token IS NOT NULL AS scheduled, coalesce(b.completed, 0) AS completed,
       coalesce(b.failed, 0) AS failed, coalesce(r.ended, 0) AS ended_runs,
       coalesce(r.failed, 0) AS failed_runs, coalesce(r.runs, 0) AS runs,
       coalesce(b.schedules, 0) AS schedules, b.done_ms  -- by its last attempt, if that is done
FROM booked b FULL JOIN ran r USING (token) JOIN ops o ON o.instance = split_part(token, '|', 1)
WHERE json_exists(o.expect_events, '$.OrchestrationStarted')
"""
ROWS = """
SELECT instance, 'booked as done, but never ran' AS what,
       token || ': ' || completed || ' completions, ' || ended_runs || ' runs',
       completed - ended_runs AS missing
FROM steps WHERE completed > ended_runs
UNION ALL
SELECT instance, 'booked as failed, but never ran',
       token || ': ' || failed || ' failures, ' || failed_runs || ' runs that failed',
       failed - failed_runs
FROM steps WHERE failed > failed_runs
UNION ALL
SELECT instance, 'ran, but nobody scheduled it', token, ended_runs + failed_runs
FROM steps WHERE NOT scheduled AND instance IN (SELECT instance FROM history)
UNION ALL
SELECT o.instance, 'fewer activities ran than its program needs',
       coalesce(s.n, 0) || ' ran, its program needs ' || o.expect_activities,
       o.expect_activities - coalesce(s.n, 0)
FROM ops o JOIN ends e USING (instance) LEFT JOIN (
  SELECT root, count(*) AS n FROM steps WHERE ended_runs + failed_runs > 0 GROUP BY root) s
  ON s.root = o.instance
WHERE o.as_planned AND e.category IS DISTINCT FROM 'canceled'
  AND coalesce(s.n, 0) < o.expect_activities
ORDER BY 1, 2
"""
AGAIN = f"""
SELECT s.instance, 'ran again after it was booked as done' AS what,
       s.token || ' began ' || (f.at_ns // 1000000 - s.done_ms)
       || ' ms after its completion was booked' AS detail,
       f.at_ns // 1000000 - s.done_ms AS after_ms
FROM steps s JOIN effects f USING (token)
WHERE f.phase = 'begin' AND f.at_ns - s.done_ms * 1000000
      > {GRACE_NS} + $slack + 1000000 * skewed_ms(s.done_ms, f.at_ns // 1000000)
  AND NOT EXISTS (FROM nodes n WHERE n.node = f.node AND n.what IN ('resumed', 'thawed')
                  AND f.at_ns BETWEEN n.at_ns - {GRACE_NS} AND n.at_ns + {GRACE_NS})
ORDER BY 1, 2
"""
BEFORE = """
WITH scheduled AS (
  SELECT TRY(data ->> '$.input.token') AS token, min(ts_ms) AS ts_ms FROM history
  WHERE kind = 'ActivityScheduled' GROUP BY token)
SELECT t.instance, 'ran before it was scheduled' AS what,
       token || ' began ' || (s.ts_ms - min(f.at_ns) // 1000000) || ' ms before its schedule' AS detail,
       s.ts_ms - min(f.at_ns) // 1000000 AS before_ms
FROM steps t JOIN scheduled s USING (token) JOIN effects f USING (token)
WHERE f.phase = 'begin' AND s.ts_ms * 1000000
      > f.at_ns + $slack + 1000000 * skewed_ms(f.at_ns // 1000000, s.ts_ms)
GROUP BY t.instance, token, s.ts_ms ORDER BY 1, 3
"""
TWICE = """
WITH runs AS (
  SELECT token, node, run, min(at_ns) FILTER (WHERE phase = 'begin') AS begun_ns,
         max(at_ns) FILTER (WHERE phase <> 'begin') AS ended_ns
  FROM effects GROUP BY ALL)
SELECT s.instance, 'ran twice at once' AS what,
       s.token || ': run ' || b.run || ' on ' || b.node || ' began '
       || (a.ended_ns - b.begun_ns) // 1000 || ' us before run ' || a.run || ' on ' || a.node
       || ' had ended' AS detail
FROM steps s JOIN runs a USING (token) JOIN runs b USING (token)
WHERE s.schedules = 1 AND (a.node, a.run) <> (b.node, b.run)
  AND (a.begun_ns, a.node, a.run) < (b.begun_ns, b.node, b.run)
  AND b.begun_ns < a.ended_ns AND b.begun_ns - a.begun_ns < $locked
  AND NOT EXISTS (FROM nodes n WHERE n.what = 'stopping' AND n.node IN (a.node, b.node)
                  AND n.at_ns < a.ended_ns)
ORDER BY 1, 3
"""
RESULTS = """
SELECT s.instance, c.event_id, s.data, c.data
FROM history c JOIN history s
  ON s.instance = c.instance AND s.execution = c.execution AND s.event_id = c.source
JOIN steps t ON t.token = TRY(s.data ->> '$.input.token')
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
    repeated = recording.one("SELECT count(*) FROM steps WHERE runs > schedules AND scheduled")
    undecided = cut_off(recording)
    found = []
    if not undecided:
        found = [*findings(recording, ROWS), *_repeats(recording), *_wrong_results(recording)]
    things = "activity" if repeated == 1 else "activities"
    note = f"{repeated} {things} ran more than once" if repeated else ""
    return Looked(seen=seen, findings=found, undecided=undecided, note=note)


def _repeats(recording: Recording) -> list[Finding]:
    """Runs that no lost lock and no failed acknowledgement explains, or that nobody had asked for yet
    (after a crash, of a history that was lost since)."""
    end = recording.end
    skewed_ms = recording.one("SELECT skewed_ms(0, 2::BIGINT**62)")
    slack = clock_slack_ns(recording) - skewed_ms * NS_PER_MS
    found = [f for rows in (AGAIN, BEFORE) for f in findings(recording, rows, slack=slack)]
    if end is not None and end.ended == "finished":
        lock_ns = recording.head.cell.config.worker_lock_timeout_ms * NS_PER_MS
        # A clock that is wrong ends locks before their time.
        locked_ns = max(0, round(LOCKED * lock_ns) - skewed_ms * NS_PER_MS)
        found += findings(recording, TWICE, locked=locked_ns)
    return found


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
