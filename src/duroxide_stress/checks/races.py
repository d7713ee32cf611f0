"""Races: the side that completed first has won, and the loser is cancelled and stays without effect.

Who won is read from the history alone: the first of the two completions in it. The client and the
books must both name that side. A loser that had not completed when its race was won has one cancel
request; the winner has none. Nothing of the loser comes back afterwards: no result of an activity that
still ran when its cancel was committed, no activity begun after that, no child that goes on.

What is allowed: a completion that was on its way when the race was won stands in the history, before
the cancel request or after it, and a lost timer may fire. A child's end is told as it was, cancelled or
not. An activity that a worker has already taken runs to its end. The second of grace is for what a
worker or a turn of a child had begun by then on a loaded host.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.checks.cancellation import GRACE_MS
from duroxide_stress.recording.races import tabulate_races
from duroxide_stress.recording.tables import Recording

WINNERS = """
SELECT instance, 'a race without a winner' AS what,
       'race ' || race || ': neither side completed' AS detail
FROM races WHERE won IS NULL
UNION ALL
SELECT instance, 'the client was given another winner',
       'race ' || race || ': side ' || won || ' completed first (event ' || won_done
       || '), the output names ' || coalesce(given::VARCHAR, 'none')
FROM races WHERE given IS DISTINCT FROM won AND won IS NOT NULL
UNION ALL
SELECT instance, 'the books hold another winner',
       'race ' || race || ': side ' || won || ' completed first (event ' || won_done
       || '), the output names ' || coalesce(booked::VARCHAR, 'none')
FROM races WHERE booked IS DISTINCT FROM won AND won IS NOT NULL
ORDER BY 1, 3
"""

# A loser that completed in the very turn that decided the race needs no cancel; that turn is over at the
# next schedule, which the program made after it.
CANCELS = """
SELECT r.instance, 'a loser was not cancelled' AS what,
       'race ' || race || ': no cancel request for event ' || lost_event AS detail
FROM races r WHERE won IS NOT NULL AND cancel IS NULL AND lost_kind <> 'TimerCreated'
 AND (lost_done IS NULL OR EXISTS (
   FROM history h WHERE h.instance = r.instance AND h.execution = 1
    AND h.event_id > won_done AND h.event_id < lost_done
    AND h.kind IN ('ActivityScheduled', 'TimerCreated', 'SubOrchestrationScheduled')))
UNION ALL
SELECT instance, 'a winner was cancelled',
       'race ' || race || ': event ' || won_cancel || ' asks for the cancel of event ' || won_event
FROM races WHERE won IS NOT NULL AND won_cancel IS NOT NULL
UNION ALL
SELECT instance, 'cancelled before the race was won',
       'race ' || race || ': cancel in event ' || cancel || ', won in event ' || won_done
FROM races WHERE cancel < won_done
ORDER BY 1, 2, 3
"""

# Every cancel request, of races and of attempts that timed out. later_ms: the completion that is booked
# next belongs to another turn (one books what has arrived when it begins, and cancels when it ends), so
# the turn that cancelled was committed by then.
CANCELLED = """
CREATE OR REPLACE TEMP TABLE cancelled AS
WITH requests AS (
  SELECT instance, execution, source, min(event_id) AS cancel, count(*) AS times FROM history
  WHERE kind IN ('ActivityCancelRequested', 'SubOrchestrationCancelRequested') GROUP BY ALL),
completions AS (
  SELECT instance, execution, event_id, source, ts_ms FROM history WHERE kind IN (
    'ActivityCompleted', 'ActivityFailed', 'TimerFired', 'SubOrchestrationCompleted',
    'SubOrchestrationFailed'))
SELECT q.*, s.kind, s.data, n.ts_ms AS later_ms, d.event_id AS done
FROM requests q
JOIN history s ON s.instance = q.instance AND s.execution = q.execution AND s.event_id = q.source
ASOF LEFT JOIN completions n
  ON n.instance = q.instance AND n.execution = q.execution AND n.event_id > q.cancel
LEFT JOIN completions d
  ON d.instance = q.instance AND d.execution = q.execution AND d.source = q.source
"""

TWICE = """
SELECT instance, 'cancelled more than once' AS what,
       times || ' cancel requests for event ' || source || ' of execution ' || execution AS detail
FROM cancelled WHERE times > 1 ORDER BY 1, 3
"""

ACTIVITIES = """
WITH lost AS (
  SELECT *, TRY(data ->> '$.input.token') AS token FROM cancelled
  WHERE kind = 'ActivityScheduled' AND later_ms IS NOT NULL),
runs AS (
  SELECT token, min(at_ns // 1000000) FILTER (WHERE phase = 'end') AS ended_ms,
         max(at_ns // 1000000) FILTER (WHERE phase = 'begin') AS begun_ms
  FROM effects GROUP BY token)
SELECT instance, 'a cancelled activity''s result was taken' AS what,
       'event ' || done || ': ' || token || ' ended ' || (ended_ms - later_ms)
       || ' ms after its cancel was committed' AS detail, ended_ms - later_ms AS after_ms
FROM lost JOIN runs USING (token) WHERE done > cancel AND ended_ms > later_ms
UNION ALL
SELECT instance, 'a cancelled activity began',
       token || ' began ' || (begun_ms - later_ms) || ' ms after its cancel was committed',
       begun_ms - later_ms
FROM lost JOIN runs USING (token) WHERE undisturbed_ms(later_ms, begun_ms) > $grace
ORDER BY 1, 3
"""

# A turn begins with its completions; whatever arrived together with the cancel is before it.
CHILDREN = """
WITH lost AS (
  SELECT *, TRY(data ->> '$.instance') AS called,
         CASE WHEN starts_with(called, 'sub::') THEN instance || '::' || called ELSE called END AS child
  FROM cancelled WHERE kind = 'SubOrchestrationScheduled'),
turns AS (
  SELECT l.instance, l.child, h.execution, min(h.event_id) AS begun,
         min(h.ts_ms - l.later_ms) AS after_ms
  FROM lost l JOIN history h ON h.instance = l.child
  WHERE undisturbed_ms(l.later_ms, h.ts_ms) > $grace AND h.kind IN (
    'OrchestrationStarted', 'ActivityCompleted', 'ActivityFailed', 'TimerFired',
    'SubOrchestrationCompleted', 'SubOrchestrationFailed')
  GROUP BY ALL),
reached AS (
  SELECT instance AS child, execution, min(event_id) AS cancelled FROM history
  WHERE kind = 'OrchestrationCancelRequested' GROUP BY ALL)
SELECT DISTINCT t.instance, 'a cancelled child went on' AS what,
       t.child || ' had a turn of its own ' || t.after_ms || ' ms after its cancel was committed'
       AS detail, t.after_ms
FROM turns t LEFT JOIN reached c USING (child, execution)
JOIN history h ON h.instance = t.child AND h.execution = t.execution AND h.event_id > t.begun
WHERE (c.cancelled IS NULL OR h.event_id < c.cancelled) AND h.kind IN (
  'ActivityScheduled', 'TimerCreated', 'SubOrchestrationScheduled', 'OrchestrationCompleted',
  'OrchestrationFailed', 'OrchestrationContinuedAsNew')
UNION ALL
SELECT l.instance, 'a cancelled child failed otherwise',
       l.child || ': ' || coalesce(e.error, e.category, 'no error'), 0
FROM lost l JOIN ends e ON e.instance = l.child
WHERE e.status = 'Failed' AND e.category IS DISTINCT FROM 'canceled'
ORDER BY 1, 3
"""


def asked(recording: Recording) -> bool:
    """Some instance was to end with a race."""
    # A user's own output may have a winner too, but never says that several outputs are right.
    owed = """SELECT count(*) FROM ops WHERE contains(expect_output::VARCHAR, '"winner"')
              AND contains(expect_output::VARCHAR, '"$any"')"""
    return bool(recording.one(owed))


def look(recording: Recording) -> Looked:
    """Find the races, then what their histories say of winners and losers."""
    tabulate_races(recording)
    recording.db.execute(CANCELLED)
    seen = recording.one("SELECT count(*) FROM races")
    undecided = cut_off(recording)
    found = [
        finding
        for rows, given in (
            *((rows, {}) for rows in (WINNERS, CANCELS, TWICE)),
            *((rows, {"grace": GRACE_MS}) for rows in (ACTIVITIES, CHILDREN)),
        )
        for finding in ([] if undecided else findings(recording, rows, **given))
    ]
    return Looked(seen=seen, findings=found, undecided=undecided)


CHECK = Check(
    name="races",
    promise="The side that completed first has won; the loser is cancelled and its result dropped.",
    source="engine: select resolves by the earliest completion in history; the loser of a race is "
    "cancelled, its queue row removed in the same commit",
    unit="races",
    look=look,
    asked=asked,
)
