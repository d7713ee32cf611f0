"""The regression gate: what the newest entries of a series say, and which changes it has had.

One check is one new entry, looked at once. On quiet series it rings at most once in 1,000 checks,
whether their noise is Gaussian, has 3 % outliers, is correlated from entry to entry by up to 0.5, or
comes in steps; `benchmarks/gate_calibration.py` measures that and the power, docs/trend.md has both.
Deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from duroxide_stress.ledger.detector import BASELINE, MIN_ENTRIES, NEWEST, Array, Look, look

LEAST = 0.02
"""Changes below this part of the level are of no practical interest and never alarm."""
FLOOR = 0.25
"""Runs are never believed to repeat better than this part of the least change that matters."""
SETTLED = NEWEST
"""A new level that has lasted so many entries is the normal one from then on."""


class Change(msgspec.Struct, frozen=True):
    """A step in a series."""

    first: int
    """The likely first entry after it, counted from 0: the split that stands out most."""
    before: float
    """The level before it."""
    after: float
    """The median from it on."""
    relative: float | None
    """(after - before) / before; null after a level of 0."""
    certainty: float
    """How far the series is over the threshold of an alarm, as a multiple of it: more than 1."""

    @property
    def up(self) -> bool:
        """Whether the values became greater."""
        return self.after > self.before


class Reading(msgspec.Struct, frozen=True):
    """What a series says at its newest entry."""

    entries: int
    """Those of the level that the newest belongs to, or of the one before while it is new."""
    missing: int
    """How many more entries the gate needs before it can say anything; 0 when it can."""
    level: float | None
    """Before the newest entries; null while there are too few."""
    noise: float | None
    """The standard deviation of one entry there."""
    correlation: float | None
    """From one entry to the next, as allowed for."""
    visible: float | None
    """The smallest step, as a part of the level, that six new entries would show in four cases of five;
    null when the series is too short to show any, or its level is 0."""
    change: Change | None
    """What the newest entries show: an alarm, in either direction."""
    settled: tuple[Change, ...]
    """Earlier steps, each since become the normal level."""


def read(series: Sequence[float], least: float = LEAST) -> Reading:
    """Walk a series from its first entry to its newest and say what it shows there.

    `least` is the smallest change, as a part of the level, that matters. A series that is scaled by
    any factor says the same.
    """
    values = np.asarray(series, dtype=np.float64)
    start, change = 0, None
    settled: list[Change] = []
    for at, change, accepted in walk(values, least):
        if accepted and change is not None and at + 1 < len(values):
            settled.append(change)
            start = change.first
    rest = values[start:]
    if len(rest) < MIN_ENTRIES:
        missing = MIN_ENTRIES - len(rest)
        return Reading(len(rest), missing, None, None, None, None, None, tuple(settled))
    return _reading(rest, look(rest[None, :], least * FLOOR), change, settled)


def walk(values: Array, least: float = LEAST) -> Iterator[tuple[int, Change | None, bool]]:
    """Every entry's index with the alarm that the gate raises when that entry is the newest, and whether
    it is accepted with that: it has lasted, and what is before it is looked at no longer."""
    start, looks = 0, _Looks(values, least)
    since, before = len(values), 0  # where the ringing that goes on has its earliest first entry
    for at in range(len(values)):
        change = None
        if at + 1 - start >= MIN_ENTRIES:
            change = _change(values[start : at + 1], start, least, looks.at(start, at))
        side = 0 if change is None else 1 if change.up else -1
        earliest = len(values) if change is None else change.first
        since = min(since, earliest) if side == before else earliest
        before = side
        accepted = change is not None and at - since >= SETTLED - 1
        yield at, change, accepted
        if change is not None and accepted:
            start, looks = change.first, _Looks(values[change.first :], least)
            since, before = len(values), 0


class _Looks:
    """Looks at a level's newest entries. Where the level is longer than what a look takes in, all looks
    are taken in one go: walking through thousands of entries takes no time then."""

    def __init__(self, level: Array, least: float) -> None:
        self._level, self._floor = level, least * FLOOR
        self._long: Look | None = None

    def at(self, start: int, at: int) -> tuple[Look, int]:
        """The look when the entry `at` is the newest, and its row."""
        entries = at + 1 - start
        if entries < NEWEST + BASELINE:
            return look(self._level[None, :entries], self._floor), 0
        if self._long is None:
            windows = sliding_window_view(self._level, NEWEST + BASELINE)
            self._long = look(windows, self._floor)
        return self._long, entries - NEWEST - BASELINE


def _change(values: Array, start: int, least: float, looked: tuple[Look, int]) -> Change | None:
    """The alarm at the newest of these values, or none."""
    found, row = looked
    score, length = float(found.score[row]), int(found.length[row])
    if abs(score) <= 1:
        return None
    before, after = float(found.level[row]), float(np.median(values[-length:]))
    relative = None if before == 0 else (after - before) / abs(before)
    if relative is not None and abs(relative) < least:
        return None
    # Of a few entries that lie on both sides of the level, the median need not lie where the mean does.
    if (after - before) * score <= 0:
        return None
    return Change(start + len(values) - length, before, after, relative, abs(score))


def _reading(
    values: Array, found: Look, change: Change | None, settled: Sequence[Change]
) -> Reading:
    level, visible = float(found.level[0]), float(found.visible[0])
    known = np.isfinite(visible) and level != 0
    return Reading(
        entries=len(values),
        missing=0,
        level=level,
        noise=float(found.noise[0]),
        correlation=float(found.correlation[0]),
        visible=visible / abs(level) if known else None,
        change=change,
        settled=tuple(settled),
    )
