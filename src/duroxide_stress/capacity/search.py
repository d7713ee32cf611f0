"""The search for the highest rate that holds, without an engine: what to offer next, and when to stop.

It sounds first, in steps as short as the statistics allow: half of what a closed loop completed, doubled
or halved until one rate holds and one does not, then the bracket bisected geometrically until its ends
are within 10 %. What holds for some seconds need not hold for a minute: a queue has not grown yet, a
store is still fresh. So the rate that was found is confirmed in a long step, and where it does not hold,
lower ones are tried, each long. `capacity/steps.py` says when a step holds.
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
LONG_SECS, LEAST_LONG_SECS = 40.0, 20.0
"""What a confirmation lasts, and what it lasts at least where the budget leaves no more."""
MARGIN = 1.1
"""A confirmation has so many times the samples it takes: how many there are is chance."""
PACE = 0.95
"""The part that is offered next of what an engine completed that fell behind."""
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
    """1, 2 for the repetition of a step that decided nothing, 3 for a long step."""
    left_secs: float
    """What is left of the budget before it."""


class Found(msgspec.Struct, frozen=True):
    """What came of a search."""

    steps: tuple[Step, ...]
    low: float | None
    """The highest rate that held; null when none did."""
    high: float | None
    """The lowest rate above it that did not; null when none was found."""
    stopped: str
    """Why the search ended, in words."""
    confirmed: bool
    """Whether the highest rate that held did so in a long step."""

    @property
    def close(self) -> bool:
        """Whether the bracket is as narrow as it was to be."""
        return self.low is not None and self.high is not None and self.high / self.low <= CLOSE


Offer: TypeAlias = Callable[[Ask], Seen | None]
"""Carries a step out; None when it was interrupted."""


LONG = 3
"""The attempt that is a confirmation."""
CLOSE_ENOUGH, USED_UP, INTERRUPTED = (
    "the bracket is within 10 %",
    "the budget is used up",
    "interrupted",
)


class _EndedError(Exception):
    """The search is over, and why."""


class Search:
    """One search. `first_rate` is the estimate of a closed loop, in instances a second."""

    def __init__(self, slo: Slo, limits: Limits, first_rate: float, offer: Offer) -> None:
        self._slo, self._limits, self._offer = slo, limits, offer
        self._estimate = first_rate
        self._left = limits.budget_secs
        self._steps: dict[float, Step] = {}
        self._runs: dict[float, list[Seen]] = {}
        self._long: set[float] = set()
        self._confirming = False

    def run(self) -> Found:
        """Search until the bracket is close and its lower end confirmed, the budget is used up, or
        nothing more is to be asked."""
        stopped = CLOSE_ENOUGH
        try:
            self._bracket()
            self._bisect()
        except _EndedError as ended:
            stopped = str(ended)
        sounded = self._low
        if sounded is not None and stopped not in (USED_UP, INTERRUPTED):
            self._confirming = True
            try:
                self._confirm(sounded)
            except _EndedError as ended:
                stopped = str(ended)
        confirmed = self._confirming and self._low is not None
        if not confirmed:
            self._confirming = False
        return Found(tuple(self._steps.values()), self._low, self._high, stopped, confirmed)

    @property
    def _high(self) -> float | None:
        rates = (rate for rate, step in self._steps.items() if step.word != "holds")
        return min(rates, default=None)

    @property
    def _low(self) -> float | None:
        """The highest rate that held; once rates are being confirmed, in a long step."""
        held = (
            rate
            for rate, step in self._steps.items()
            if step.word == "holds" and (not self._confirming or rate in self._long)
        )
        return max(held, default=None)

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
            if self._steps[rate].word == "unsure" and self._low is None:
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

    def _confirm(self, sounded: float) -> None:
        """Long steps: the rate that was sounded; where it does not hold, what the engine completed then,
        or a tenth less; then the bracket between what held so and what did not."""
        rate = sounded
        while not self._holds(rate):
            completed = self._steps[rate].completed_per_sec
            rate = tidy(min(rate / CLOSE, PACE * completed if completed else rate / 2))
            if rate < RATE_FLOOR:
                raise _EndedError("no rate held for long, however low")
        self._bisect()

    def _holds(self, rate: float) -> bool:
        if self._confirming:
            self._take(rate, LONG)
        else:
            self._take(rate, 1)
            if self._steps[rate].word == "unsure":
                self._take(rate, 2)
        step = self._steps[rate]
        if step.word == "not" and step.completed_per_sec:
            # What an overloaded engine completes is a better estimate of the queue that it leaves.
            self._estimate = min(self._estimate, step.completed_per_sec)
        return step.word == "holds"

    def _take(self, rate: float, attempt: int) -> None:
        """Carry a step out and judge the rate: by a long step alone, for the short ones were chosen
        because they held; else by all."""
        seen = self._ask(rate, attempt)
        if attempt == LONG:
            self._long.add(rate)
            self._runs[rate] = []
        runs = self._runs.setdefault(rate, [])
        runs.append(seen)
        self._steps[rate] = judged(rate, runs, self._slo, self._limits.success)

    def _ask(self, rate: float, attempt: int) -> Seen:
        secs = self._secs(rate, attempt)
        if secs is None:
            raise _EndedError(USED_UP)
        seen = self._offer(Ask(rate, secs, attempt, self._left))
        if seen is None:
            raise _EndedError(INTERRUPTED)
        self._left -= seen.spent_secs
        return seen

    def _secs(self, rate: float, attempt: int) -> float | None:
        """How long a step at this rate may be; None when the budget leaves too little: with fewer
        samples than it takes, no answer of the engine's could say that the rate holds.

        Beyond the estimate a queue grows, and takes as long again to drain as it is over it.
        """
        enough = samples_wanted(self._slo) / rate
        if attempt == LONG:
            least, wanted = max(LEAST_LONG_SECS, enough), max(LONG_SECS, MARGIN * enough)
        else:
            least = wanted = max(MIN_SECS, min(MAX_SECS, enough))
        stretch = max(1.0, rate / self._estimate) if self._estimate > 0 else 1.0
        room = (self._left - self._limits.overhead_secs) / stretch - self._limits.warmup_secs
        if room < least:
            return None
        if attempt == 2:  # but no more than half of what is left, so that the search can go on
            wanted = max(wanted, min(LONGER * wanted, MAX_SECS, room / 2))
        return math.floor(10 * min(wanted, room)) / 10


def search(slo: Slo, limits: Limits, first_rate: float, offer: Offer) -> Found:
    """Find the highest rate that holds `slo`; asks `offer` for steps and never more than the budget."""
    return Search(slo, limits, first_rate, offer).run()


def tidy(rate: float) -> float:
    """A rate to three digits, as people would write it."""
    return float(f"{rate:.3g}")
