"""What was offered against what the load model wanted, over the measuring window."""

from __future__ import annotations

from duroxide_stress.arrivals import read_arrivals
from duroxide_stress.measure.metrics import LOAD
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Offered, Window
from duroxide_stress.units import NS_PER_SEC


def offered(recording: Recording, measured: Window) -> Offered:
    """Instances that were due, started and dropped within the window.

    Started counts by when the client's call began (of one that was refused, when it was) and not by when
    it was due: an instance that was started late is missing where it was due and one too many later,
    which the rate's error shows.
    """
    load = recording.head.cell.config.load
    arrivals = read_arrivals(load)
    if measured.begin_ns is None or measured.end_ns is None or not arrivals.open:
        return Offered(load, None, 0, 0, None)
    inside = {"begin": measured.begin_ns, "finish": measured.end_ns}
    started = recording.one(
        "SELECT count(*) FROM (SELECT coalesce(o.begun_ns, o.seen_ns) AS at_ns FROM ops o "
        f"WHERE {LOAD}) WHERE at_ns >= $begin AND at_ns < $finish",
        **inside,
    )
    dropped = recording.one(
        "SELECT count(*) FROM dropped WHERE due_ns >= $begin AND due_ns < $finish", **inside
    )
    secs = (measured.end_ns - measured.begin_ns) / NS_PER_SEC
    # A Poisson process and a burst are counted by what was drawn, which stands in the recording.
    due = recording.one(
        "SELECT (SELECT count(*) FROM ops o WHERE o.due_ns >= $begin AND o.due_ns < $finish "
        f"AND {LOAD}) + $dropped",
        **inside,
        dropped=dropped,
    )
    by_model = not arrivals.poisson and arrivals.kind != "burst"
    wanted = arrivals.wanted(0.0, secs) if by_model else float(due)
    error = (started + dropped - wanted) / wanted if wanted else None
    return Offered(load, wanted / secs, started, dropped, error)
