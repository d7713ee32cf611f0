"""The whole distribution of a cell's latencies by percentile, as HdrHistogram lists it, but exact.

HdrHistogram sorts values into buckets; here each percentile is nearest-rank: a latency that some
instance really had. Its percentiles lie denser towards the tail: so many in each half of the distance
that is left to 100 % (`PercentileIterator` of HdrHistogram 2.2).
"""

from __future__ import annotations

import math
from fractions import Fraction

import msgspec

from duroxide_stress.measure.metrics import due_within, latencies
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Window

TICKS = 5
"""Percentiles in each half of the distance that is left, as HdrHistogram's output has them."""


class Rung(msgspec.Struct, frozen=True):
    """One percentile."""

    share: float
    """0 to 1."""
    ns: int
    count: int
    """How many latencies are not longer than this one."""


class Ladder(msgspec.Struct, frozen=True):
    """A distribution from its smallest to its greatest value, in ns."""

    count: int
    mean_ns: float | None
    deviation_ns: float | None
    """Of the whole population."""
    rungs: tuple[Rung, ...]
    """The last is the maximum, at a share of 1; empty when there is no latency."""


def levels(count: int) -> list[tuple[float, int]]:
    """(share, nearest rank) of each percentile to be listed of so many values, up to the first whose
    rank is the greatest. Steps are 20 / 2^k per cent, so that floats hold them exactly."""
    found = []
    percent, rank = 0.0, 0
    while rank < count:
        rank = max(1, math.ceil(Fraction(percent) * count / 100))
        found.append((percent / 100, rank))
        halvings = int(math.log2(100 / (100 - percent))) + 1
        percent += 100 / (TICKS * 2**halvings)
    return found


def ladder(recording: Recording, measured: Window, clock: str = "durable") -> Ladder:
    """The distribution of the latencies that `metrics.latency` sums up, with one query for all ranks."""
    if measured.begin_ns is None:
        return Ladder(0, None, None, ())
    within = due_within(measured)
    values = f"(SELECT v::BIGINT AS v FROM ({latencies(clock)}) WHERE v IS NOT NULL)"
    count, total, deviation, most = recording.rows(
        f"SELECT count(*), sum(v)::HUGEINT, stddev_pop(v), max(v) FROM {values}", **within
    )[0]
    if not count:
        return Ladder(0, None, None, ())
    listed = levels(count)
    found = {
        rank: (ns, upto)
        for ns, rank, upto in recording.rows(
            "SELECT v, rank, upto FROM (SELECT v, row_number() OVER (ORDER BY v) AS rank, "
            "count(*) OVER (ORDER BY v RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto "
            f"FROM {values}) WHERE list_contains($ranks, rank)",
            ranks=[rank for _, rank in listed],
            **within,
        )
    }
    rungs = [Rung(share, *found[rank]) for share, rank in listed]
    # The first to fall on the greatest value is the last before 100 %, as HdrHistogram has it.
    kept = next(number for number, rung in enumerate(rungs, 1) if rung.count == count)
    return Ladder(count, total / count, deviation, (*rungs[:kept], Rung(1.0, most, count)))
