"""How sure a change is: intervals from what varies within a run and between runs.

Everything is done on logarithms, so that a change is a ratio and its interval never crosses -100 %.

Within a run (`within`): the window is cut into equal blocks of time, each longer than the memory of the
load, and the spread of the blocks says how far the figure is off (batch means; Law, *Simulation
Modeling and Analysis*, 9.5). For a percentile the blocks say how far the *share* of latencies below it
is off, and the latencies at both ends of that share are its interval (Woodruff 1952, with blocks as
clusters): no density is estimated, and a tail with too few latencies has no interval.

Between runs (`judged`): a t interval, of the differences of pairs when the sides ran in turn, else
Welch's. It holds what varies within runs too. Two limits keep it honest: no interval is narrower than
one standard error of what varies within the runs (a few runs may agree by chance, or by rounding),
and one run a side is widened by a run-to-run noise that had to be assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import exp, log, sqrt
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from duroxide_stress.ledger.compare_series import Series

LEVEL = 0.95
POWER = 0.8
ASSUMED_NOISE = 0.05
"""Run-to-run standard deviation that a single run on a quiet machine is taken to have, as a share. An
assumption, and the report says so: only repeats can tell."""
BUSY_NOISE = 0.12
"""The same for a run whose figures are untrustworthy: the most that the released engine's throughput
showed over four runs on two cores that others kept busy (1.5 to 12 %, docs/compare.md)."""
MEMORY = 3
"""Blocks are at least so many mean latencies long: in a closed loop what is slow now delays what
starts one latency from now."""
LEAST_BLOCKS, MOST_BLOCKS = 5, 20
QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


class Spread(msgspec.Struct, frozen=True):
    """A standard error of a logarithm, and its degrees of freedom."""

    error: float
    freedom: float


class Sample(msgspec.Struct, frozen=True):
    """A figure of one run: its logarithm, and how far it is off by what varies within the run."""

    value: float
    within: Spread | None


class Interval(msgspec.Struct, frozen=True):
    """A difference of logarithms, candidate less base, with its 95 % interval."""

    change: float
    half: float | None
    """Half the interval's width; None when nothing says how much the figure varies."""
    smallest: float | None
    """Seen with 80 % power."""
    p: float | None
    assumed: bool = False
    """Whether the run-to-run noise was assumed, not seen."""

    @property
    def percents(self) -> tuple[float, float | None, float | None]:
        """(change, low, high) in percent."""
        change = percent(self.change)
        if self.half is None:
            return change, None, None
        return change, percent(self.change - self.half), percent(self.change + self.half)


def percent(difference: float) -> float:
    """A difference of logarithms as a change in percent."""
    return 100 * (exp(difference) - 1)


def blocks_of(secs: float, mean_ms: float) -> int:
    """How many blocks of time a window is cut into; 0 when it is too short for any."""
    if mean_ms <= 0 or secs * 1000 < LEAST_BLOCKS * mean_ms:
        return 0
    fit = int(secs * 1000 / (MEMORY * mean_ms))
    return min(MOST_BLOCKS, max(LEAST_BLOCKS, fit))


def within(series: Series, metric: str) -> Spread | None:
    """How far this figure of one run is off, by the time structure of its window. None when the window
    is too short for blocks, when a tail is too thin, or when the figure has no time structure."""
    import numpy as np

    latencies = np.asarray(series.latency_ms, dtype=float)
    if latencies.size < 2 or latencies.min() <= 0:
        return None
    blocks = blocks_of(series.secs, float(latencies.mean()))
    if not blocks:
        return None
    if metric == "throughput":
        ended = np.asarray(series.ended_secs, dtype=float)
        if not ended.size:
            return None
        counts = partial(_count_error, ended / series.secs)
        return Spread(max(_long_run(counts, blocks), _step(blocks)) / ended.size, _freedom(blocks))
    due = np.asarray(series.due_secs, dtype=float) / series.secs
    if metric == "mean":
        mean = float(latencies.mean())
        means = partial(_mean_error, due, latencies - mean)
        return Spread(max(_long_run(means, blocks), _step(blocks)) / mean, _freedom(blocks))
    if metric in QUANTILES:
        return _woodruff(latencies, due, blocks, QUANTILES[metric])
    return None


def _freedom(blocks: int) -> float:
    """Degrees of freedom of `_long_run`: half is lost to what it corrects (seen in
    benchmarks/compare_coverage.py, where all of them would make the intervals too narrow)."""
    return (blocks - 1) / 2


def _long_run(error_with: Callable[[int], float], blocks: int) -> float:
    """A standard error from blocks, freed of what neighbouring blocks have in common.

    That makes the variance too small by a share that halves when blocks are twice as long, so that
    2 V(long) - V(short) is free of it (lugsail batch means; Vats and Flegal 2022).
    """
    long, short = error_with(blocks) ** 2, error_with(2 * blocks) ** 2
    return sqrt(max(long, 2 * long - short))


def _block(places: Any, blocks: int) -> Any:
    """The block of each place in the window, which goes from 0 to 1."""
    import numpy as np

    return np.clip((places * blocks).astype(int), 0, blocks - 1)


def _count_error(places: Any, blocks: int) -> float:
    """The standard error of how many there are."""
    import numpy as np

    counts = np.bincount(_block(places, blocks), minlength=blocks)
    return float(counts.std(ddof=1)) * sqrt(blocks)


def _mean_error(places: Any, residuals: Any, blocks: int) -> float:
    """The standard error of a mean whose residuals hang together within blocks."""
    import numpy as np

    sums = np.bincount(_block(places, blocks), weights=residuals, minlength=blocks)
    return sqrt(blocks / (blocks - 1) * float(np.square(sums).sum())) / float(residuals.size)


def _woodruff(latencies: Any, due: Any, blocks: int, share: float) -> Spread | None:
    import numpy as np

    ordered = np.sort(latencies)
    size = ordered.size
    middle = float(ordered[min(size - 1, int(np.ceil(share * size)) - 1)])
    below = (latencies <= middle).astype(float)
    error = _long_run(partial(_mean_error, due, below - below.mean()), blocks)
    # Ties and tiny samples leave blocks alike; independent latencies vary at least by this.
    error = max(error, sqrt(share * (1 - share) / size))
    # A rare exceedance has less memory than the load: in a tail nothing is lost (same benchmark).
    freedom = blocks - 1 if share > 0.9 else _freedom(blocks)
    factor = t_quantile((1 + LEVEL) / 2, freedom)
    low, high = share - factor * error, share + factor * error
    if high * size > size or low * size < 1:
        return None
    ends = [float(ordered[int(np.ceil(edge * size)) - 1]) for edge in (low, high)]
    error = max(log(ends[1] / ends[0]) / (2 * factor), _step(blocks) / middle)
    return Spread(error, freedom)


def _step(blocks: int) -> float:
    """The error that makes an interval one step wide to both sides. A latency has steps of a
    millisecond, for the engine stamps an end in whole ones; a count has steps of one, for a window's
    edge may fall on either side of an end. An engine like clockwork cannot be told better than that."""
    return 1.0 / t_quantile((1 + LEVEL) / 2, _freedom(blocks))


def judged(
    base: Sequence[Sample], candidate: Sequence[Sample], *, paired: bool, noise: float
) -> Interval:
    """The change from base to candidate, both not empty.

    With `paired`, the n-th of one belongs to the n-th of the other. `noise` is what a single run a side
    is taken to vary by from run to run (`ASSUMED_NOISE`; 0 in virtual time).
    """
    change = _mean(candidate) - _mean(base)
    inner = _inner(base, candidate)
    if len(base) == len(candidate) == 1:
        return _single(change, inner, noise)
    outer = _paired(base, candidate) if paired else _welch(base, candidate)
    if outer is None or (outer.error == 0 and inner is None):
        return Interval(change, None, None, None)
    # Seen as one estimate: the interval that is wider, with its own degrees of freedom.
    half = outer.error * t_quantile((1 + LEVEL) / 2, outer.freedom)
    if inner is not None and inner.error > half:
        return _stated(change, inner, half=inner.error)
    return _stated(change, outer)


def _single(change: float, inner: Spread | None, noise: float) -> Interval:
    if inner is None:
        return Interval(change, None, None, None, assumed=noise > 0)
    between = 2 * noise**2
    total = inner.error**2 + between
    # Welch and Satterthwaite; what is assumed has no degrees of freedom to lose.
    freedom = total**2 / (inner.error**4 / inner.freedom)
    found = _stated(change, Spread(sqrt(total), freedom))
    return msgspec.structs.replace(found, assumed=noise > 0)


def _stated(change: float, spread: Spread, half: float | None = None) -> Interval:
    """An interval and what follows from it; `half` where it is not t times the error."""
    from scipy.stats import t

    factor = t_quantile((1 + LEVEL) / 2, spread.freedom)
    half = spread.error * factor if half is None else half
    error = half / factor
    smallest = half + error * t_quantile(POWER, spread.freedom)
    p = 2 * float(t.sf(abs(change) / error, spread.freedom)) if error else 0.0
    return Interval(change, half, smallest, p)


def _inner(base: Sequence[Sample], candidate: Sequence[Sample]) -> Spread | None:
    """What varies within the runs, for the difference of the sides' means."""
    parts: list[Spread] = []
    for side in (base, candidate):
        for sample in side:
            if sample.within is None:
                return None
            parts.append(Spread(sample.within.error / len(side), sample.within.freedom))
    return _added(parts)


def _added(parts: Sequence[Spread]) -> Spread | None:
    """Independent errors together, with Satterthwaite's degrees of freedom."""
    total = sum(part.error**2 for part in parts)
    if not total:
        return None
    return Spread(sqrt(total), total**2 / sum(p.error**4 / p.freedom for p in parts))


def _paired(base: Sequence[Sample], candidate: Sequence[Sample]) -> Spread | None:
    differences = [b.value - a.value for a, b in zip(base, candidate, strict=True)]
    count = len(differences)
    return Spread(sqrt(_variance(differences) / count), count - 1)


def _welch(base: Sequence[Sample], candidate: Sequence[Sample]) -> Spread | None:
    values = [[sample.value for sample in side] for side in (base, candidate)]
    if min(map(len, values)) == 1:  # a single run is taken to vary as the other side's do
        more = max(values, key=len)
        return Spread(sqrt(_variance(more) * (1 + 1 / len(more))), len(more) - 1)
    parts = [Spread(sqrt(_variance(side) / len(side)), len(side) - 1) for side in values]
    return _added(parts) or Spread(0.0, sum(part.freedom for part in parts))


def _mean(samples: Sequence[Sample]) -> float:
    return sum(sample.value for sample in samples) / len(samples)


def _variance(values: Sequence[float]) -> float:
    middle = sum(values) / len(values)
    return sum((value - middle) ** 2 for value in values) / (len(values) - 1)


def t_quantile(share: float, freedom: float) -> float:
    """Student's t. Imported late: scipy takes a second."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def holm(ps: Sequence[float | None], level: float = 1 - LEVEL) -> list[bool]:
    """Which differences stand when all are allowed for: in at most `level` of comparisons in which
    nothing changed does any of them (Holm 1979)."""
    order = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    stands = [False] * len(ps)
    for rank, (p, place) in enumerate(order):
        if p > level / (len(order) - rank):
            break
        stands[place] = True
    return stands
