"""Latency and timer lateness by percentile, out to the last instance.

Ranks are closer together the nearer they are to 100 %, as HdrHistogram's are (Tene): `STEPS` of them
each time the part above is halved. A percentile is nearest-rank, so each is a value that something
really had. The maximum of n values stands at n/(n+1): n values say nothing of what is rarer than that.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from duroxide_stress.measure.metrics import LOAD
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Window
from duroxide_stress.units import NS_PER_MS

STEPS = 5
NAMED = (0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999)
"""Ranks that people ask for; always among them, as far as there are samples for them."""

Clock: TypeAlias = Literal["due_to_durable", "due_to_seen", "begun_to_durable"]


class Percentiles(msgspec.Struct, frozen=True):
    """A distribution: (part of the values that are no greater, value in ms), in rising order."""

    samples: int = 0
    points: tuple[tuple[float, float], ...] = ()
    """The last is the maximum."""


CLOCKS: dict[Clock, str] = {
    "due_to_durable": f"e.ended_ms * {NS_PER_MS} - o.due_ns",
    "due_to_seen": "o.seen_ns - o.due_ns",
    "begun_to_durable": f"e.ended_ms * {NS_PER_MS} - o.begun_ns",
}
"""From due to the durable end (what the tables call latency), from due until the client saw it, and
from the client's start call to the durable end."""


def latency_percentiles(recording: Recording, measured: Window) -> dict[Clock, Percentiles]:
    """The three clocks, over the same instances as the latency of the tables: due inside the window,
    completed as planned, canaries left out. Empty distributions where the window never opened."""
    if measured.begin_ns is None:
        return {clock: Percentiles() for clock in CLOCKS}
    values = ", ".join(f"{value} AS {clock}" for clock, value in CLOCKS.items())
    recording.db.execute(
        f"CREATE OR REPLACE TEMP TABLE clocks AS SELECT {values} FROM ops o "
        f"LEFT JOIN ends e USING (instance) WHERE o.as_planned AND {LOAD} "
        "AND o.due_ns >= $begin AND o.due_ns < $finish",
        {
            "begin": measured.begin_ns,
            "finish": measured.end_ns if measured.end_ns is not None else 2**62,
        },
    )
    found = {
        clock: _distribution(recording, f"SELECT {clock} AS v FROM clocks", NS_PER_MS)
        for clock in CLOCKS
    }
    recording.db.execute("DROP TABLE clocks")
    return found


def timer_percentiles(recording: Recording, measured: Window) -> Percentiles:
    """Fired minus due of the timers that fired inside the window; empty where there are none."""
    if measured.begin_ns is None or measured.end_ns is None:
        return Percentiles()
    return _distribution(
        recording,
        f"SELECT late_ms AS v FROM timers WHERE ts_ms * {NS_PER_MS} >= $begin "
        f"AND ts_ms * {NS_PER_MS} < $finish",
        1,
        begin=measured.begin_ns,
        finish=measured.end_ns,
    )


def ranks(samples: int) -> tuple[float, ...]:
    """The parts at which a distribution of so many values is looked at, in rising order."""
    found = {0.0, *NAMED}
    above = 1.0
    while above > 1 / samples:
        found |= {1 - above + above / 2 * step / STEPS for step in range(STEPS)}
        above /= 2
    return tuple(sorted(rank for rank in found if rank <= 1 - 1 / samples))


def _distribution(
    recording: Recording, values: str, scale: int, **parameters: object
) -> Percentiles:
    known = f"FROM (SELECT v::BIGINT AS v FROM ({values})) WHERE v IS NOT NULL"
    samples, most = recording.rows(f"SELECT count(*), max(v) {known}", **parameters)[0]
    if not samples:
        return Percentiles()
    wanted = ranks(samples)
    ranked = recording.one(f"SELECT quantile_disc(v, {list(wanted)}) {known}", **parameters)
    points = [(rank, round(value / scale, 3)) for rank, value in zip(wanted, ranked, strict=True)]
    return Percentiles(samples, (*points, (samples / (samples + 1), round(most / scale, 3))))
