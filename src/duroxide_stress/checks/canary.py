"""Canary: what happens to other instances is no trouble of a healthy one.

Canaries are small instances of known output, started at a steady pace beside the load. Each must end
as it owes, and none may starve: when nothing happened to it for longer than any lock lasts, while an
instance came and went that has turns and activities as it has, it was passed over. A store that is slow
for all is slow for canaries too, and that is no violation: one with more turns than others waits more
often than they, but not longer each time. Their latency stands with the parts.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.recording.records import CANARY
from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

BEYOND_LOCK_SECS = 5
"""After the longest lock (30 s by default) and this, whoever held a canary's turn has lost it."""

ROWS = f"""
WITH canaries AS (SELECT * FROM ops WHERE part = '{CANARY}'),
moments AS (
  SELECT instance, acked_ns AS at_ns FROM canaries WHERE acked_ns IS NOT NULL
  UNION ALL
  SELECT instance, h.ts_ms * {NS_PER_MS} FROM canaries JOIN history h USING (instance)),
waits AS (
  SELECT instance, at_ns AS until_ns,
         lag(at_ns) OVER (PARTITION BY instance ORDER BY at_ns) AS since_ns
  FROM moments QUALIFY until_ns - since_ns > $starved * {NS_PER_MS}::BIGINT),
others AS (
  SELECT o.begun_ns, e.ended_ms * {NS_PER_MS} AS ended_ns FROM ops o JOIN ends e USING (instance)
  WHERE o.acked_ns IS NOT NULL AND instance IN (SELECT instance FROM effects))
SELECT instance, 'a canary did not end as it must' AS what,
       CASE WHEN info_reason = 'timeout' THEN 'no end within the wait timeout'
            WHEN ended = 'fail' THEN error
            ELSE 'completed where a failure was due' END AS detail,
       0 AS weight
FROM canaries WHERE info_reason = 'timeout' OR (ended IN ('ok', 'fail') AND NOT as_planned)
UNION ALL
SELECT instance, 'a canary starved',
       'nothing happened to it for ' || ((until_ns - since_ns) // {NS_PER_SEC}) || ' s, in which '
       || passed || ' instances were started and ended',
       (until_ns - since_ns) / 1e9
FROM (SELECT w.*, (SELECT count(*) FROM others o
                   WHERE o.begun_ns > w.since_ns AND o.ended_ns < w.until_ns) AS passed
      FROM waits w)
WHERE passed > 0 AND undisturbed_ms(since_ns // {NS_PER_MS}, until_ns // {NS_PER_MS}) > $starved
ORDER BY 1, 2
"""


def asked(recording: Recording) -> bool:
    """The plan has canaries."""
    return recording.head.cell.config.canary_every_ms > 0


def look(recording: Recording) -> Looked:
    """Look how each canary ended, and who passed those that waited long."""
    starved_ms = recording.head.cell.config.longest_lock_ms + BEYOND_LOCK_SECS * 1000
    return Looked(
        seen=recording.one(
            f"SELECT count(*) FROM ops WHERE part = '{CANARY}' "
            "AND (ended IN ('ok', 'fail') OR info_reason = 'timeout')"
        ),
        findings=findings(recording, ROWS, starved=starved_ms),
        undecided=cut_off(recording),
    )


CHECK = Check(
    name="canary",
    promise="A healthy instance is served whatever happens to others, and none starves.",
    source="engine: instances are isolated: one's fault never changes another's result or liveness",
    unit="canaries",
    look=look,
    need=3,
    asked=asked,
)
