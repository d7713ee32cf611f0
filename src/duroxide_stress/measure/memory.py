"""Resident memory of the engine's process over the measuring window."""

from __future__ import annotations

from itertools import groupby
from statistics import median

import msgspec

from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import MIB, NS_PER_SEC

MIN_WINDOW_SECS = 60
BLOCK_NS = 5 * NS_PER_SEC
CONFIDENCE = 0.99


class EngineMemory(msgspec.Struct, frozen=True):
    """MiB, and MiB per minute; None where there is no figure."""

    samples: int = 0
    peak: float | None = None
    mean: float | None = None
    slope: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    late_slope: float | None = None
    """Of the window's second half alone."""


def engine_memory(recording: Recording) -> EngineMemory:
    """Peak over the whole cell; mean and slope over the window.

    Slope and interval: Theil-Sen over five-second medians (scipy.stats.theilslopes, after Sen 1968).
    """
    begin, end = recording.mark("window_begin"), recording.mark("window_end")
    source = "source IN ('engine', 'embedded') AND rss_bytes IS NOT NULL"
    # An embedded process goes on to copy the histories out, which is our memory and not the engine's.
    peak = recording.one(
        f"SELECT max(rss_bytes) FROM samples WHERE {source} AND at_ns <= $rest",
        rest=recording.mark("drained") or 2**62,
    )
    if peak is None or begin is None or end is None:
        return EngineMemory(peak=None if peak is None else peak / MIB)
    rows = recording.rows(
        f"SELECT at_ns, rss_bytes FROM samples WHERE {source} "
        "AND at_ns BETWEEN $begin AND $finish ORDER BY at_ns",
        begin=begin,
        finish=end,
    )
    mean = sum(rss for _, rss in rows) / len(rows) / MIB if rows else None
    blocks = [
        (median(at for at, _ in block), median(rss for _, rss in block))
        for block in (list(b) for _, b in groupby(rows, lambda row: (row[0] - begin) // BLOCK_NS))
    ]
    one_process = recording.one(f"SELECT count(DISTINCT node) < 2 FROM samples WHERE {source}")
    if not one_process or end - begin < MIN_WINDOW_SECS * NS_PER_SEC * 0.99 or len(blocks) < 10:
        return EngineMemory(len(rows), peak / MIB, mean)
    from scipy.stats import theilslopes

    minutes = [at / NS_PER_SEC / 60 for at, _ in blocks]
    mib = [rss / MIB for _, rss in blocks]
    slope, _, low, high = map(float, theilslopes(mib, minutes, CONFIDENCE))
    half = len(blocks) // 2
    late = float(theilslopes(mib[half:], minutes[half:], CONFIDENCE)[0])
    return EngineMemory(len(rows), peak / MIB, mean, slope, low, high, late)
