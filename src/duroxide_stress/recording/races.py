"""The races of a recording as a table: both sides of each, who won, and what became of the loser.

Who raced is not in the engine's books: an instance has ended as planned, and its expected output says
that the last of its steps were races. Their sides are then the last schedules of its history, two by
two in the order of the steps. An instance whose history has another number of schedules than it owes is
left out: the history check has it.

Columns of `races`, one row a race
- instance, race (the step, from 0), given and booked (the winner that the client was told, and the one
  in the engine's books: 0 or 1, null when they name none)
- won: the side whose completion stands first in the history (null: none does), won_event, won_done and
  won_ms (schedule, completion, when), won_cancel (a cancel request for the winner, or null)
- lost_event, lost_kind and lost_data (the loser's schedule), lost_done (its completion, or null),
  cancel and cancel_ms (the cancel request for it, or null)
"""

from __future__ import annotations

from duroxide_stress.recording.tables import Recording

_PLANNED = """
CREATE OR REPLACE TEMP TABLE race_steps AS
WITH steps AS (
  SELECT instance, output, expect_events, json_extract(expect_output, '$[*]') AS listed
  FROM ops WHERE ended = 'ok' AND as_planned),
one AS (
  SELECT instance, output, expect_events, len(listed) AS steps,
         unnest(range(len(listed))) AS race, unnest(listed) AS owed FROM steps),
owed AS (
  SELECT * FROM one WHERE json_exists(owed, '$."$any"[0].winner')
                      AND json_exists(owed, '$."$any"[1].winner'))
SELECT o.instance, o.race, o.steps - 1 - o.race AS back,
       coalesce((o.expect_events ->> 'ActivityScheduled')::BIGINT, 0)
       + coalesce((o.expect_events ->> 'TimerCreated')::BIGINT, 0)
       + coalesce((o.expect_events ->> 'SubOrchestrationScheduled')::BIGINT, 0) AS schedules,
       TRY_CAST(json_extract(o.output, '$[' || o.race || '].winner') AS BIGINT) AS given,
       TRY_CAST(json_extract(CASE WHEN json_valid(e.output) THEN e.output END,
                             '$[' || o.race || '].winner') AS BIGINT) AS booked
FROM owed o LEFT JOIN ends e USING (instance)
-- only races that nothing but races comes after
QUALIFY o.steps - o.race = count(*) OVER (PARTITION BY o.instance ORDER BY o.race DESC)
"""
_SIDES = """
CREATE OR REPLACE TEMP TABLE race_sides AS
WITH schedules AS (
  SELECT h.*, count(*) OVER (PARTITION BY instance) AS n,
         row_number() OVER (PARTITION BY instance ORDER BY event_id DESC) - 1 AS back
  FROM history h
  WHERE kind IN ('ActivityScheduled', 'TimerCreated', 'SubOrchestrationScheduled')
    AND execution = 1 AND instance IN (SELECT instance FROM race_steps)),
sides AS (
  SELECT r.*, 1 - s.back % 2 AS side, s.event_id, s.kind, s.data
  FROM race_steps r JOIN schedules s
    ON s.instance = r.instance AND s.back // 2 = r.back AND s.n = r.schedules),
completions AS (
  SELECT instance, source, min(event_id) AS done, arg_min(ts_ms, event_id) AS done_ms
  FROM history WHERE execution = 1 AND kind IN (
    'ActivityCompleted', 'ActivityFailed', 'TimerFired', 'SubOrchestrationCompleted',
    'SubOrchestrationFailed') GROUP BY instance, source),
requests AS (
  SELECT instance, source, min(event_id) AS cancel, arg_min(ts_ms, event_id) AS cancel_ms
  FROM history WHERE execution = 1 AND kind IN (
    'ActivityCancelRequested', 'SubOrchestrationCancelRequested') GROUP BY instance, source)
SELECT s.*, c.done, c.done_ms, q.cancel, q.cancel_ms,
       row_number() OVER (PARTITION BY s.instance, s.race ORDER BY c.done NULLS LAST, s.side) AS place
FROM sides s
LEFT JOIN completions c ON c.instance = s.instance AND c.source = s.event_id
LEFT JOIN requests q ON q.instance = s.instance AND q.source = s.event_id
"""
_RACES = """
CREATE OR REPLACE TEMP TABLE races AS
SELECT w.instance, w.race, w.given, w.booked,
       CASE WHEN w.done IS NOT NULL THEN w.side END AS won, w.event_id AS won_event,
       w.done AS won_done, w.done_ms AS won_ms, w.cancel AS won_cancel,
       l.event_id AS lost_event, l.kind AS lost_kind, l.data AS lost_data, l.done AS lost_done,
       l.cancel, l.cancel_ms
FROM race_sides w JOIN race_sides l ON l.instance = w.instance AND l.race = w.race
WHERE w.place = 1 AND l.place = 2
"""


def tabulate_races(recording: Recording) -> None:
    """Make the table `races` of this recording, anew each time it is asked for."""
    for statement in (_PLANNED, _SIDES, _RACES):
        recording.db.execute(statement)
