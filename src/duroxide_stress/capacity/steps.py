"""One rate that was offered: what was seen, and whether it holds, does not, or cannot be told.

The share of instances that took as long as the bound or longer is a binomial proportion; its interval
is Wilson's (1927, "Probable inference, the law of succession, and statistical inference", JASA 22;
advised for small shares by Brown, Cai and DasGupta 2001, Statistical Science 16). A mean has the
normal interval. Both take instances for independent, which latencies in a queue are not: the true
interval is wider.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Literal, TypeAlias

import msgspec

from duroxide_stress.capacity.slo import Slo, bound_text

Word: TypeAlias = Literal["holds", "not", "unsure"]
Z = 1.959964
"""Two-sided 95 %."""
MIN_SAMPLES = 300
KEEPING_UP = 0.95
"""Completed over started within the window: below it, and with a growing queue, the engine is behind."""


class Seen(msgspec.Struct, frozen=True):
    """What one run at a rate showed."""

    secs: float
    """The window."""
    latencies_ms: tuple[float, ...]
    """Of instances due inside the window, ascending; infinite for one that did not complete."""
    started: int
    """Within the window."""
    completed: int
    """Within the window."""
    dropped: int
    succeeded: int
    """Over the whole run."""
    failed: int
    in_flight: tuple[int, ...] = ()
    """At moments that are evenly spread over the window."""
    broken: tuple[str, ...] = ()
    """Promises that were violated."""
    unproven: str = ""
    """Why the run proves nothing; empty when it does."""
    spent_secs: float = 0.0
    """Of the budget."""

    @property
    def completed_per_sec(self) -> float:
        return self.completed / self.secs if self.secs else 0.0

    @property
    def success(self) -> float | None:
        """Per cent."""
        ended = self.succeeded + self.failed
        return 100 * self.succeeded / ended if ended else None

    @property
    def keeps_up(self) -> bool:
        """Whether completions keep pace with starts, or the queue at least is level: its last quarter
        no higher than the one before by more than chance (two deviations of a Poisson count)."""
        if not self.started or self.completed / self.started >= KEEPING_UP:
            return True
        quarter = len(self.in_flight) // 4
        if not quarter:
            return False
        before, last = (
            fmean(self.in_flight[-2 * quarter : -quarter]),
            fmean(self.in_flight[-quarter:]),
        )
        return last <= before + 2 * math.sqrt(before) + 1


class Step(msgspec.Struct, frozen=True):
    """A rate, and what was found at it, its repetition merged."""

    rate: float
    word: Word
    why: str
    """Why it does not hold or is unsure; empty when it holds."""
    secs: float
    samples: int
    completed_per_sec: float
    p50: float | None
    """Milliseconds; null where so many did not complete."""
    p95: float | None
    p99: float | None
    p999: float | None
    mean: float | None
    success: float | None
    figure_low: float | None
    """The 95 % interval of the share over the bound, or of the mean in ms."""
    figure_high: float | None
    broken: tuple[str, ...]
    runs: int


def samples_wanted(slo: Slo) -> int:
    """How many instances a step needs: 300, and so many that none over the bound decides it."""
    allowed = slo.allowed
    return MIN_SAMPLES if allowed is None else max(MIN_SAMPLES, math.ceil(Z * Z / allowed) + 15)


def wilson(over: int, samples: int) -> tuple[float, float]:
    """The 95 % interval of a proportion; (0, 1) without samples."""
    if not samples:
        return 0.0, 1.0
    share, square = over / samples, Z * Z / samples
    middle = (share + square / 2) / (1 + square)
    half = Z * math.sqrt(share * (1 - share) / samples + square / (4 * samples)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def percentile(ascending: Sequence[float], quantile: float) -> float | None:
    """Nearest rank; None without samples, or where it falls on one that did not complete."""
    if not ascending:
        return None
    found = ascending[max(0, math.ceil(round(quantile * len(ascending), 6)) - 1)]
    return None if math.isinf(found) else found


def merged(runs: Sequence[Seen]) -> Seen:
    """Several runs at one rate as one. The queue is that of the run that kept up worst."""
    worst = next((run for run in runs if not run.keeps_up), runs[-1])
    return Seen(
        secs=sum(run.secs for run in runs),
        latencies_ms=tuple(sorted(ms for run in runs for ms in run.latencies_ms)),
        started=sum(run.started for run in runs),
        completed=sum(run.completed for run in runs),
        dropped=sum(run.dropped for run in runs),
        succeeded=sum(run.succeeded for run in runs),
        failed=sum(run.failed for run in runs),
        in_flight=worst.in_flight,
        broken=tuple(dict.fromkeys(name for run in runs for name in run.broken)),
        unproven=next((run.unproven for run in runs if run.unproven), ""),
        spent_secs=sum(run.spent_secs for run in runs),
    )


def judged(rate: float, runs: Sequence[Seen], slo: Slo, success: float) -> Step:
    """Whether a rate holds the objectives, from all its runs together."""
    seen = merged(runs)
    low, high = _interval(seen.latencies_ms, slo)
    word, why = _word(seen, slo, success, low, high)
    known = [ms for ms in seen.latencies_ms if math.isfinite(ms)]
    p50, p95, p99, p999 = (percentile(seen.latencies_ms, q) for q in (0.5, 0.95, 0.99, 0.999))
    return Step(
        rate=rate,
        word=word,
        why=why,
        secs=seen.secs,
        samples=len(seen.latencies_ms),
        completed_per_sec=seen.completed_per_sec,
        p50=p50,
        p95=p95,
        p99=p99,
        p999=p999,
        mean=fmean(known) if known and len(known) == len(seen.latencies_ms) else None,
        success=seen.success,
        figure_low=None if math.isinf(low) else low,
        figure_high=None if math.isinf(high) else high,
        broken=seen.broken,
        runs=len(runs),
    )


def _interval(latencies_ms: Sequence[float], slo: Slo) -> tuple[float, float]:
    if slo.allowed is not None:
        over = sum(ms >= slo.bound_ms for ms in latencies_ms)
        return wilson(over, len(latencies_ms))
    if len(latencies_ms) < 2:
        return 0.0, math.inf
    if math.isinf(latencies_ms[-1]):
        return math.inf, math.inf
    half = Z * stdev(latencies_ms) / math.sqrt(len(latencies_ms))
    return fmean(latencies_ms) - half, fmean(latencies_ms) + half


def _word(seen: Seen, slo: Slo, success: float, low: float, high: float) -> tuple[Word, str]:
    if seen.unproven:
        return "not", f"nothing proven: {seen.unproven}"
    if seen.broken:
        return "not", f"violated: {', '.join(seen.broken)}"
    if seen.success is not None and seen.success < success:
        return "not", f"success {seen.success:.4g} %"
    if seen.dropped:
        return "not", f"{seen.dropped} dropped"
    allowed = slo.bound_ms if slo.allowed is None else slo.allowed
    bound = bound_text(slo.bound_ms)
    if slo.allowed is None:
        said = "mean never" if math.isinf(low) else f"mean {low:.4g}-{high:.4g} ms"
    else:
        said = f"{_percent(low)}-{_percent(high)} % over {bound}"
    if low > allowed:
        return "not", said
    if not seen.keeps_up:
        return "not", f"behind: {100 * seen.completed / seen.started:.0f} % completed"
    return ("holds", "") if high <= allowed else ("unsure", said)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.1 else f"{100 * share:.2g}"
