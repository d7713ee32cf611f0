"""Has the level of a series changed? One look at many series at once, in arrays.

The newest entries of a series are held against those before them. What is compared is a mean of
clipped values (Huber 1964, Ann. Math. Statist. 35), so that one wild entry can never ring by itself; the
split is the one among the newest entries that stands out most, as in Page's CUSUM over a limited
window (Page 1954, Biometrika 41; Lai 1995, JRSS B 57); and the error of the difference is widened by
the autocorrelation that the series itself shows, as for the mean of an AR(1) process. The thresholds
are simulated (`thresholds.py`): textbook ones hold for Gaussian, independent, known noise only.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from duroxide_stress.ledger.thresholds import threshold

Array: TypeAlias = NDArray[np.float64]

MIN_ENTRIES = 12
"""Fewer prove nothing: below, only an enormous step is more than noise may do."""
NEWEST, BASELINE = 12, 100
"""How many entries may be the changed ones, and how many before them are looked at, at most."""
FEWEST = 3
"""So many must differ: two wild entries in a row come too often."""
CLIP, CLIP_MOST, CLIP_ENTRIES = 2.8, 8.0, 80
"""In standard deviations: nothing counts for more. With few entries before, the threshold must be
high, for nobody knows then how much they are correlated; so the clip is wider there."""
ROUNDS = 3
GAUSSIAN_MEAN = 1.2533
"""A Gaussian's standard deviation as a multiple of its mean absolute one."""
ROUNDED = 0.6
"""Of a step, the noise that rounding may hide. Measured: with 0.4 or a uniform error's 1/sqrt(12)
Gaussian noise rings too often, with 0.5 noise with outliers does."""
SAME = 1e-9
"""Values that differ by no more than this part of the greatest differ by how they were computed."""
CAUTION, MOST = 4 / 3, 0.9
"""The autocorrelation that is allowed for is this much more than what is seen, for a short series shows
it badly, and at most so much."""


class Look(NamedTuple):
    """What each series shows; every field has one value a series."""

    score: Array
    """How far the newest differ, in units of the threshold: an alarm above 1 or below -1."""
    length: NDArray[np.int64]
    """How many of the newest entries differ most, in standard errors of independent ones."""
    level: Array
    """Of the entries before them: the mean of the clipped values."""
    noise: Array
    """Their standard deviation, clipped likewise."""
    correlation: Array
    """From one entry to the next, as allowed for."""
    visible: Array
    """The step, in the series' unit, that six new entries show in four cases of five; infinite where
    the series is too short for any."""


def newest(entries: int) -> int:
    """How many of so many entries may be the changed ones."""
    return min(NEWEST, entries // 3)


def look(series: Array, floor: float = 0.0) -> Look:
    """Hold the newest entries of each row (series × entries, at least MIN_ENTRIES) against the others.

    `floor` is the least noise that is believed, as a part of the level.
    """
    count = newest(series.shape[1])
    recent = series[:, -count:]
    base = series[:, :-count][:, -BASELINE:]
    level, noise = _level_and_noise(base)
    noise = np.maximum(noise, _hidden(base, recent))
    noise = np.maximum(noise, floor * np.abs(level))
    clip = clipped_at(base.shape[1])
    correlation = _correlation(_scores(base, level, noise, clip))
    reverse = _scores(recent, level, noise, clip)[:, ::-1]
    lengths = np.arange(1, count + 1)
    error = _error(correlation[:, None], lengths, base.shape[1])
    limit = threshold(series.shape[1]) * weight(lengths) * error
    apart = (np.cumsum(reverse, axis=1) / lengths)[:, FEWEST - 1 :]
    relative = apart / limit[:, FEWEST - 1 :]
    furthest = np.argmax(np.abs(relative), axis=1)
    # Where the change lies is another question than whether there is one: no weights, no correlation.
    plain = np.sqrt(1 / lengths + 1 / base.shape[1])[FEWEST - 1 :]
    split = np.argmax(np.abs(apart / plain), axis=1)
    return Look(
        score=relative[np.arange(len(furthest)), furthest],
        length=split + FEWEST,
        level=level,
        noise=noise,
        correlation=correlation,
        visible=_visible(limit, error, noise, min(6, count), clip),
    )


def clipped_at(before: int) -> float:
    """The clip with so many entries before the newest."""
    return min(max(CLIP, 2 + CLIP_ENTRIES / before), CLIP_MOST)


def weight(lengths: NDArray[np.int64]) -> Array:
    """What the threshold is multiplied by for so many newest entries.

    Most of the alarms that are allowed are spent where a step of two or three deviations is to be seen
    first, at four entries; at three, outliers are dear, and long runs show such a step anyhow.
    """
    return np.where(lengths < 4, 1.08, 1 + 0.04 * (lengths - 4))


def _level_and_noise(base: Array) -> tuple[Array, Array]:
    """Mean and deviation of the clipped values, begun from median and MAD."""
    clip = clipped_at(base.shape[1])
    level = np.median(base, axis=1)
    away = np.abs(base - level[:, None])
    noise = 1.4826 * np.median(away, axis=1)
    # With more than half of the values alike the MAD is 0, and clipping would keep the noise there.
    noise = np.where(noise > 0, noise, GAUSSIAN_MEAN * away.mean(axis=1))
    for _ in range(ROUNDS):
        reach = clip * noise
        clipped = np.clip(base, (level - reach)[:, None], (level + reach)[:, None])
        level, noise = clipped.mean(axis=1), clipped.std(axis=1, ddof=1)
    return level, noise


def _hidden(base: Array, recent: Array) -> Array:
    """The least noise of figures that come in steps, as a count in a short window does.

    The step is the smallest gap between different values, so of figures without steps this is next to
    nothing. What is one step off may be noise that rounding hid: up to ROUNDED of it. Where the baseline
    is all alike, another value has not come in B entries, and comes in about 1/(B + 2) of them by
    Laplace's rule of succession; the noise is that of a figure with these two values.
    """
    gaps = np.diff(np.sort(np.concatenate([base, recent], axis=1), axis=1), axis=1)
    same = SAME * np.abs(base).max(axis=1, keepdims=True)
    gap = np.where(gaps > same, gaps, np.inf).min(axis=1)
    seldom = 1 / (base.shape[1] + 2)
    alike = np.ptp(base, axis=1) <= same[:, 0]
    part = np.where(alike, np.sqrt(seldom * (1 - seldom)), ROUNDED)
    hidden: Array = np.where(np.isfinite(gap), part * gap, 0.0)
    return hidden


def _scores(values: Array, level: Array, noise: Array, clip: float) -> Array:
    """Deviations from the level in units of the noise, clipped; without noise any is the greatest."""
    away = values - level[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scored = np.where(noise[:, None] > 0, away / noise[:, None], np.sign(away) * clip)
    return np.clip(scored, -clip, clip)


def _correlation(scores: Array) -> Array:
    """The lag-one autocorrelation, its bias in short series put right (Marriott and Pope 1954)."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    power = (centred**2).sum(axis=1)
    product = (centred[:, 1:] * centred[:, :-1]).sum(axis=1)
    seen = np.divide(product, power, out=np.zeros_like(power), where=power > 0)
    entries = scores.shape[1]
    allowed: Array = np.clip(CAUTION * (seen + (1 + 3 * seen) / entries), 0.0, MOST)
    return allowed


def _error(correlation: Array, lengths: NDArray[np.int64], before: int) -> Array:
    """The standard error of (mean of so many newest minus mean of those before) in units of the noise,
    for an AR(1) process."""
    phi = correlation
    cross = phi * (1 - phi**lengths) * (1 - phi**before) / (1 - phi) ** 2 / (lengths * before)
    own, others = _mean_variance(phi, lengths), _mean_variance(phi, np.array([before]))
    error: Array = np.sqrt(own + others - 2 * cross)
    return error


def _mean_variance(phi: Array, count: NDArray[np.int64]) -> Array:
    ends = 2 * phi * (1 - phi**count) / (count * (1 - phi) ** 2)
    return ((1 + phi) / (1 - phi) - ends) / count


POWER = 0.8416
"""The normal quantile of four in five."""


def _visible(limit: Array, error: Array, noise: Array, length: int, clip: float) -> Array:
    needed = limit[:, length - 1] + POWER * error[:, length - 1]
    # Near the clip a mean of clipped values hardly grows any more.
    return np.where(needed < 0.95 * clip, needed * noise, np.inf)
