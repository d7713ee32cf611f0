"""Memory of the engine's processes, or of the driver, over the measuring window: of all that live at a
time, together.

Peak and mean are those of resident memory. The slope is that of its private part: what a process has
mapped grows with the file (as SQLite's index of a write-ahead log does) and is held once, however many
have mapped it. Where samples do not tell the two apart, it is the slope of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from math import ceil, sqrt
from statistics import fmean, median, stdev
from typing import NamedTuple

import msgspec

from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Memory
from duroxide_stress.units import MIB, NS_PER_MS, NS_PER_SEC

MIN_WINDOW_SECS = 60
BLOCKS, LONGEST_BLOCK_NS = 12, 60 * NS_PER_SEC
"""A window is cut into so many, or more of a minute at most."""
LEAST_SHARE = 5 / 6
"""Of the blocks that must have samples."""
ROUND_NS = 250 * NS_PER_MS
"""Processes are looked at in rounds, one after another, and rounds begin at least this far apart."""
CONFIDENCE = 0.99
ENGINE = ("engine", "embedded")
RESIDENT = "rss_bytes"
PRIVATE = "rss_bytes - coalesce(shared_bytes, 0)"
"""What is looked at, in SQL."""


class ProcessMemory(msgspec.Struct, frozen=True):
    """MiB of resident memory, and MiB per minute of its private part; None where there is no figure."""

    samples: int = 0
    """Rounds of samples within the window."""
    peak: float | None = None
    mean: float | None = None
    slope: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    late_slope: float | None = None
    """Of the window's second half alone."""
    grown: float | None = None
    """MiB of private memory in the last block above the least since the load began."""
    slope_reason: str = ""
    """Why there is no slope; empty when there is one."""


class Round(NamedTuple):
    """One look at every process that lived."""

    at_ns: int
    held_bytes: int
    nodes: frozenset[str]


class Block(NamedTuple):
    """A stretch of the window: the medians of when, in minutes, and of what was held."""

    minutes: float
    mib: float


def process_memory(recording: Recording, *sources: str) -> ProcessMemory:
    """Of processes that are sampled under these names: peak over the whole cell; mean and slope over the
    window, the slope of private memory alone.

    The slope is the trend of medians of blocks, a twelfth of the window each and a minute at most. There
    is none where a process began or ended inside the window: that is a step and no trend.
    """
    begin, end = recording.mark("window_begin"), recording.mark("window_end")
    rounds = _looked(recording, RESIDENT, sources)
    # An embedded process goes on to copy the histories out, which is our memory and not the engine's.
    rest = recording.mark("drained") or 2**62
    peak = max((one.held_bytes for one in rounds if one.at_ns <= rest), default=None)
    if peak is None or begin is None or end is None:
        reason = "no window" if rounds else "no samples"
        return ProcessMemory(peak=None if peak is None else peak / MIB, slope_reason=reason)
    inside = [one for one in rounds if begin <= one.at_ns <= end]
    mean = sum(one.held_bytes for one in inside) / len(inside) / MIB if inside else None
    loaded = recording.mark("begin") or begin
    private = [one for one in _looked(recording, PRIVATE, sources) if loaded <= one.at_ns <= end]
    blocks = _blocks([one for one in private if one.at_ns >= begin], begin, end)
    figures = ProcessMemory(len(inside), peak / MIB, mean)
    share = len(blocks) / _count(begin, end)
    if reason := _no_slope(inside, share, (end - begin) / NS_PER_SEC):
        return msgspec.structs.replace(figures, slope_reason=reason)
    slope, low, high, late = trend(blocks)
    grown = blocks[-1].mib - min(one.held_bytes for one in private) / MIB
    return msgspec.structs.replace(
        figures, slope=slope, slope_low=low, slope_high=high, late_slope=late, grown=grown
    )


def trend(blocks: Sequence[Block]) -> tuple[float, float, float, float]:
    """MiB gained a minute, the ends of its interval, and the mean of the later half; of three blocks or
    more.

    The mean of what was gained from one block to the next, with Student's interval for such a mean.
    Memory that was taken stays taken, so what is independent is what was gained and not what is held: a
    line through what is held (least squares, Theil-Sen) is sure of a trend in most random walks (Nelson
    and Kang 1984). Around a steady line the interval is wider than it need be.
    """
    from scipy.stats import t as student

    gained = [(b.mib - a.mib) / (b.minutes - a.minutes) for a, b in pairwise(blocks)]
    slope = fmean(gained)
    reach = float(student.ppf((1 + CONFIDENCE) / 2, len(gained) - 1))
    reach *= stdev(gained) / sqrt(len(gained))
    return slope, slope - reach, slope + reach, fmean(gained[(len(gained) + 1) // 2 :])


def _blocks(inside: list[Round], begin: int, end: int) -> list[Block]:
    """The window's rounds in blocks of one length."""
    span, count = end - begin, _count(begin, end)
    groups = groupby(inside, lambda one: min((one.at_ns - begin) * count // span, count - 1))
    return [
        Block(
            median(one.at_ns for one in group) / NS_PER_SEC / 60,
            median(one.held_bytes for one in group) / MIB,
        )
        for group in (list(found) for _, found in groups)
    ]


def _looked(recording: Recording, memory: str, sources: Sequence[str]) -> list[Round]:
    """Every round of looks at these processes."""
    rows = recording.rows(
        f"SELECT at_ns, coalesce(node, ''), {memory} FROM samples "
        "WHERE list_contains($sources, source) AND rss_bytes IS NOT NULL ORDER BY at_ns",
        sources=list(sources),
    )
    return list(in_rounds(rows))


def in_rounds(rows: Iterable[tuple[int, str, int]]) -> Iterable[Round]:
    """Samples (at_ns, node, bytes) in the order of their time, put together by the round."""
    at, seen = 0, dict[str, int]()
    for at_ns, node, held_bytes in rows:
        if seen and (node in seen or at_ns - at >= ROUND_NS):
            yield Round(at, sum(seen.values()), frozenset(seen))
            seen = {}
        if not seen:
            at = at_ns
        seen[node] = held_bytes
    if seen:
        yield Round(at, sum(seen.values()), frozenset(seen))


def _count(begin: int, end: int) -> int:
    return max(BLOCKS, ceil((end - begin) / LONGEST_BLOCK_NS))


def as_result(memory: ProcessMemory) -> Memory:
    """What of it stands in the result."""
    return Memory(
        memory.peak,
        memory.mean,
        memory.slope,
        memory.slope_low,
        memory.slope_high,
        memory.slope_reason,
    )


def _no_slope(inside: list[Round], share: float, secs: float) -> str:
    """Why a slope would say nothing; empty when it says something."""
    if secs < MIN_WINDOW_SECS * 0.99:
        return f"a slope needs a window of {MIN_WINDOW_SECS} s"
    if inside and not inside[0].nodes == inside[-1].nodes == frozenset().union(
        *(one.nodes for one in inside)
    ):
        return "a process began or ended inside the window"
    if share < LEAST_SHARE:
        return f"samples in {share:.0%} of the window's parts, five sixths are the least"
    return ""
