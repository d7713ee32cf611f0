"""Ordering: what follows a result began after it.

An activity that was scheduled after another one's completion (or a child's) can only have begun to run
after that other one had really ended, by the clock of the machine they both ran on; so have those of a
later generation. An engine that books
a completion it has not got, or runs ahead of its history, shows here although every history looks right.
Steps that were scheduled together promise no order among themselves, nor do workers.

Order within queues is for the messages check, order within one history for the history check.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, clock_slack_ns, cut_off, findings
from duroxide_stress.recording.tables import Recording

# For each activity that was scheduled once: the last completion before its schedule, of an activity.
PAIRS = """
CREATE OR REPLACE TEMP TABLE follows AS
WITH scheduled AS (
  SELECT instance, execution, event_id, execution * 1000000000 + event_id AS place,
         TRY(data ->> '$.input.token') AS token
  FROM history WHERE kind = 'ActivityScheduled'),
once AS (
  SELECT * FROM scheduled WHERE token IS NOT NULL
  QUALIFY count(*) OVER (PARTITION BY token) = 1),
completed AS (
  SELECT c.instance, c.event_id, c.execution * 1000000000 + c.event_id AS place, s.token
  FROM history c JOIN scheduled s
    ON s.instance = c.instance AND s.execution = c.execution AND s.event_id = c.source
  WHERE c.kind = 'ActivityCompleted'),
ran AS (
  SELECT token, min(at_ns) FILTER (WHERE phase = 'begin') AS begun_ns,
         min(at_ns) FILTER (WHERE phase = 'end') AS ended_ns
  FROM effects GROUP BY token)
SELECT o.instance, o.execution, o.event_id, o.token, c.token AS before, c.event_id AS before_id,
       r.begun_ns, b.ended_ns
FROM once o ASOF JOIN completed c
  ON c.instance = o.instance AND c.place < o.place
JOIN ran r ON r.token = o.token JOIN ran b ON b.token = c.token
"""
ROWS = """
SELECT instance, 'began before what it follows had ended' AS what,
       token || ' (event ' || event_id || ') began '
       || round((ended_ns - begun_ns) / 1e6, 3) || ' ms before the end of ' || before
       || ', whose completion is event ' || before_id
FROM follows WHERE begun_ns < ended_ns - $slack
ORDER BY ended_ns - begun_ns DESC
"""


def asked(recording: Recording) -> bool:
    """Some program has steps that follow one another; those of a fan-out do not."""
    recording.db.execute(PAIRS)
    return bool(recording.one("SELECT count(*) FROM follows"))


def look(recording: Recording) -> Looked:
    """Compare the beginning of every follower with the end of what it follows."""
    recording.db.execute(PAIRS)
    return Looked(
        seen=recording.one("SELECT count(*) FROM follows"),
        findings=findings(recording, ROWS, slack=clock_slack_ns(recording)),
        undecided=cut_off(recording),
    )


CHECK = Check(
    name="ordering",
    promise="Steps in sequence run in sequence: none begins before the one it follows has ended.",
    source="engine: a step is scheduled by the turn that takes the result before it",
    unit="steps that follow another",
    look=look,
    asked=asked,
)
