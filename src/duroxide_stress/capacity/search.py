"""The search for the highest rate that holds, without an engine: what to offer next, and when to stop.

It offers half of what a closed loop completed, doubles or halves until one rate holds and one does
not, then bisects the bracket geometrically until its ends are within 10 %. `capacity/steps.py` says
when a step holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from duroxide_stress.capacity.slo import Slo
from duroxide_stress.capacity.steps import Seen, Step, judged, samples_wanted

CLOSE = 1.1
"""The bracket is close enough when its upper end is at most this many times its lower one."""
MIN_SECS, MAX_SECS = 5.0, 60.0
LONGER = 5
"""The repetition of a step that decided nothing is so many times as long, where the budget leaves it:
to tell a share of 0.6 % from one of 1 % takes 2,000 samples."""
MAX_TURNS = 10
"""Doublings or halvings of the first rate: a factor of 1,000."""
RATE_CAP, RATE_FLOOR = 10_000.0, 0.1


class Limits(msgspec.Struct, frozen=True):
    """What the search may cost, and where it ends."""

    budget_secs: float
    warmup_secs: float = 2.0
    overhead_secs: float = 4.0
    """What a step costs beside its load."""
    rate_cap: float = RATE_CAP
    success: float = 100.0
    """The least per cent of instances that must complete."""


class Ask(msgspec.Struct, frozen=True):
    """A step to be carried out."""

    rate: float
    secs: float
    attempt: int
    """1, or 2 for the repetition of a step that decided nothing."""


class Found(msgspec.Struct, frozen=True):
    """What came of a search."""

    steps: tuple[Step, ...]
    low: float | None
    """The highest rate that held; null when none did."""
    high: float | None
    """The lowest rate above it that did not; null when none was found."""
    stopped: str
    """Why the search ended, in words."""

    @property
    def close(self) -> bool:
        """Whether the bracket is as narrow as it was to be."""
        return self.low is not None and self.high is not None and self.high / self.low <= CLOSE


Offer: TypeAlias = Callable[[Ask], Seen | None]
"""Carries a step out; None when it was interrupted."""


class _EndedError(Exception):
    """The search is over, and why."""


class Search:
    """One search. `first_rate` is the estimate of a closed loop, in instances a second."""

    def __init__(self, slo: Slo, limits: Limits, first_rate: float, offer: Offer) -> None:
        self._slo, self._limits, self._offer = slo, limits, offer
        self._estimate = first_rate
        self._left = limits.budget_secs
        self._steps: list[Step] = []

    def run(self) -> Found:
        """Search until the bracket is close, the budget is used up, or nothing more is to be asked."""
        try:
            self._bracket()
            self._bisect()
            stopped = "the bracket is within 10 %"
        except _EndedError as ended:
            stopped = str(ended)
        return Found(tuple(self._steps), self._low, self._high, stopped)

    @property
    def _high(self) -> float | None:
        return min((step.rate for step in self._steps if step.word != "holds"), default=None)

    @property
    def _low(self) -> float | None:
        return max((step.rate for step in self._steps if step.word == "holds"), default=None)

    def _bracket(self) -> None:
        rate = tidy(min(max(self._estimate / 2, RATE_FLOOR), self._limits.rate_cap))
        for _ in range(MAX_TURNS + 1):
            up = self._holds(rate)
            if self._low is not None and self._high is not None:
                return
            if up and rate >= self._limits.rate_cap:
                raise _EndedError(f"{rate:g}/s is the most that is offered, and it held")
            if not up and rate <= RATE_FLOOR:
                break
            if self._steps[-1].word == "unsure" and self._low is None:
                self._refuse_too_few(rate)
            factor = 2 if up else 0.5
            rate = tidy(min(max(rate * factor, RATE_FLOOR), self._limits.rate_cap))
        raise _EndedError(
            "no rate held, however low"
            if self._low is None
            else f"every rate held that was offered, up to {self._low:g}/s"
        )

    def _refuse_too_few(self, rate: float) -> None:
        """Half the rate has half the instances: where they decide nothing, lower rates cannot either."""
        if rate * MAX_SECS < samples_wanted(self._slo):
            raise _EndedError(
                f"{rate:g}/s has too few instances in {MAX_SECS:g} s to tell {self._slo}; a lower "
                "percentile needs fewer"
            )

    def _bisect(self) -> None:
        while self._low is not None and self._high is not None and self._high / self._low > CLOSE:
            middle = tidy(math.sqrt(self._low * self._high))
            if not self._low < middle < self._high:
                return
            self._holds(middle)

    def _holds(self, rate: float) -> bool:
        seen = self._ask(rate, 1)
        step = judged(rate, (seen,), self._slo, self._limits.success)
        self._steps.append(step)
        if step.word == "unsure":
            again = self._ask(rate, 2)
            step = judged(rate, (seen, again), self._slo, self._limits.success)
            self._steps[-1] = step
        if step.word == "not" and step.completed_per_sec:
            # What an overloaded engine completes is a better estimate of the queue that it leaves.
            self._estimate = min(self._estimate, step.completed_per_sec)
        return step.word == "holds"

    def _ask(self, rate: float, attempt: int) -> Seen:
        secs = self._secs(rate, attempt)
        if secs is None:
            raise _EndedError("the budget is used up")
        seen = self._offer(Ask(rate, secs, attempt))
        if seen is None:
            raise _EndedError("interrupted")
        self._left -= seen.spent_secs
        return seen

    def _secs(self, rate: float, attempt: int) -> float | None:
        """How long a step at this rate may be; None when the budget leaves too little.

        Beyond the estimate a queue grows, and takes as long again to drain as it is over it.
        """
        wanted = max(MIN_SECS, min(MAX_SECS, samples_wanted(self._slo) / rate))
        stretch = max(1.0, rate / self._estimate) if self._estimate > 0 else 1.0
        room = (self._left - self._limits.overhead_secs) / stretch - self._limits.warmup_secs
        if room < MIN_SECS:
            return None
        if attempt > 1:  # but no more than half of what is left, so that the search can go on
            wanted = max(wanted, min(LONGER * wanted, MAX_SECS, room / 2))
        return math.floor(10 * min(wanted, room)) / 10


def search(slo: Slo, limits: Limits, first_rate: float, offer: Offer) -> Found:
    """Find the highest rate that holds `slo`; asks `offer` for steps and never more than the budget."""
    return Search(slo, limits, first_rate, offer).run()


def tidy(rate: float) -> float:
    """A rate to three digits, as people would write it."""
    return float(f"{rate:.3g}")
