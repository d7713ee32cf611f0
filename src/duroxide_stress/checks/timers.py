"""Timers: none fires early.

TimerCreated says when the timer is due (`fireAtMs`); TimerFired is stamped by the same engine, so the
two may be compared. That the due time itself is right shows in the whole: no instance ends sooner than
the delays of its program allow, but for a clock that is being slewed (at most 500 ppm) or was made
wrong by a fault just then. How late a
timer fires is a figure, not a promise. That it fires only once is part of the history check.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked, cut_off, findings
from duroxide_stress.recording.tables import Recording

ROWS = """
SELECT instance, 'a timer fired early' AS what,
       'event ' || event_id || ' of execution ' || execution || ' fired ' || -late_ms
       || ' ms before it was due', -late_ms AS early_ms
FROM timers WHERE late_ms < -skewed_ms(ts_ms, ts_ms)
UNION ALL
SELECT o.instance, 'ended sooner than its delays allow',
       'after ' || (e.ended_ms - h.begun_ms) || ' ms, its program takes ' || o.expect_min_ms,
       o.expect_min_ms - (e.ended_ms - h.begun_ms)
FROM ops o JOIN ends e USING (instance)
JOIN (SELECT instance, min(ts_ms) AS begun_ms FROM history GROUP BY instance) h USING (instance)
WHERE o.as_planned AND e.category IS DISTINCT FROM 'canceled'
  AND e.ended_ms - h.begun_ms < o.expect_min_ms * 0.9995 - 1 - skewed_ms(h.begun_ms, e.ended_ms)
ORDER BY 2, 1
"""


def asked(recording: Recording) -> bool:
    """Some instance was to set timers."""
    return bool(
        recording.one("SELECT count(*) FROM ops WHERE json_exists(expect_events, '$.TimerCreated')")
    )


def look(recording: Recording) -> Looked:
    """Compare every firing with its due time."""
    seen = recording.one("SELECT count(*) FROM timers")
    return Looked(seen=seen, findings=findings(recording, ROWS), undecided=cut_off(recording))


CHECK = Check(
    name="timers",
    promise="A timer never fires before it is due; nothing ends sooner than its delays allow.",
    source="engine: TimerFired >= fire_at = TimerCreated + delay",
    unit="fired timers",
    look=look,
    asked=asked,
)
