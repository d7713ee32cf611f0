"""Fairness: no instance takes ten times as long as the median one."""

from statistics import median

from duroxide_stress.checks.base import Check, Looked, cut_off
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding

TIMES = 10

# From due to the engine's durable end, of what completed; see `recording/tables.py` for the tables.
LATENCIES = """
SELECT instance, e.ended_ms - o.due_ns // 1000000 AS ms
FROM ops o JOIN ends e USING (instance)
WHERE e.status = 'Completed' ORDER BY o.op
"""


def look(recording: Recording) -> Looked:
    """Compare every latency with the median."""
    latencies = recording.rows(LATENCIES)
    if not latencies:
        return Looked(0, undecided=cut_off(recording))
    middle = median(ms for _, ms in latencies)
    found = [
        Finding("took far longer than others", f"{ms} ms, the median is {middle:g}", instance, ms)
        for instance, ms in latencies
        if ms > TIMES * max(middle, 1)
    ]
    return Looked(len(latencies), found, note=f"median {middle:g} ms")


CHECK = Check(
    name="fair-share",
    promise=f"No instance takes {TIMES} times as long as the median one.",
    source="our service level for checkouts",
    unit="completed instances",
    look=look,
    need=20,
)
