"""Load models as pure values: when each instance is due.

A **profile** says how many instances a second are wanted at each moment; its cumulative sum Λ(t) says
how many are wanted until then. The k-th instance is due where Λ reaches k (evenly), or where it reaches
the sum of k exponential draws (a Poisson process of that rate: time change of a unit one, Cinlar 1975,
"Introduction to Stochastic Processes", 4.7). So every profile comes in both, with the same rates.

Written `closed`, `backlog:500`, `burst:100/5s`, `constant:50/s`, `ramp:10..200/60s`,
`steps:10,20,40/15s`; `,poisson` behind any of the last three.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from duroxide_stress.errors import UsageError, shown
from duroxide_stress.units import NS_PER_SEC, format_duration, parse_duration_secs

Kind: TypeAlias = Literal["closed", "backlog", "burst", "constant", "ramp", "steps"]
MAX_RATE, MAX_BACKLOG = 100_000.0, 100_000
FORMS = {
    "closed": "closed",
    "constant": "constant:50/s",
    "ramp": "ramp:10..200/60s",
    "steps": "steps:10,20,40/15s",
    "burst": "burst:100/5s",
    "backlog": "backlog:500",
}
"""Each kind as it is written."""
_RATE = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_PROFILE = {
    "constant": re.compile(rf"({_RATE})(?:/s)?"),
    "ramp": re.compile(rf"({_RATE})\.\.({_RATE})/(\S+)"),
    "steps": re.compile(rf"({_RATE}(?:,{_RATE})+)/(\S+)"),
    "burst": re.compile(r"([0-9]{1,6})/(\S+)"),
    "backlog": re.compile(r"([0-9]{1,6})"),
}


class Piece(msgspec.Struct, frozen=True):
    """A stretch of time in which the wanted rate goes straight from one figure to another."""

    begin_secs: float
    """Since the measuring window opened; the first piece also holds before it."""
    secs: float
    """Its length; infinite for the last."""
    first: float
    """Instances per second at its beginning."""
    last: float

    def wanted(self, secs: float) -> float:
        """How many instances are wanted within its first `secs`."""
        slope = 0.0 if math.isinf(self.secs) else (self.last - self.first) / self.secs
        return self.first * secs + slope * secs * secs / 2

    def reached(self, number: float) -> float:
        """After how many seconds of it so many are wanted; infinite where they never are."""
        if number <= 0:
            return 0.0
        slope = 0.0 if math.isinf(self.secs) else (self.last - self.first) / self.secs
        root = self.first * self.first + 2 * slope * number
        if root < 0:
            return math.inf
        # The stable form of the quadratic's solution, also where the slope is 0 or the first rate is.
        below = self.first + math.sqrt(root)
        return math.inf if below == 0 else 2 * number / below


class Arrivals(msgspec.Struct, frozen=True):
    """A load model."""

    kind: Kind = "closed"
    pieces: tuple[Piece, ...] = ()
    poisson: bool = False
    count: int = 0
    """Instances of a burst, or the backlog that is held."""
    every_secs: float = 0.0
    """Between two bursts."""

    @property
    def open(self) -> bool:
        """Whether instances are due by the clock, whatever became of those before them."""
        return self.kind not in ("closed", "backlog")

    def due_ns(self, warmup_ns: int, draws: random.Random) -> Iterator[int]:
        """When each instance is due, in ns since the load began, without end. `draws` are used by a
        Poisson process alone. Before the window opens the rate is the profile's first."""
        if self.kind == "burst":
            number = 0
            while True:
                yield number // self.count * round(self.every_secs * NS_PER_SEC)
                number += 1
        wanted = 0.0
        while True:
            wanted += draws.expovariate(1.0) if self.poisson else 1.0
            # Evenly, the first is due at once, not a gap later.
            secs = self._reached(wanted if self.poisson else wanted - 1, warmup_ns / NS_PER_SEC)
            if math.isinf(secs):
                return
            yield round(secs * NS_PER_SEC)

    def wanted(self, begin_secs: float, end_secs: float) -> float:
        """How many instances are wanted between two moments of the window."""
        return self._until(end_secs) - self._until(begin_secs)

    def rate_at(self, secs: float) -> float:
        """Instances per second that are wanted so long after the window opened."""
        if self.kind == "burst":
            return self.count / self.every_secs
        piece = next(
            p for p in reversed(self.pieces) if secs >= p.begin_secs or p is self.pieces[0]
        )
        inside = min(max(0.0, secs - piece.begin_secs), piece.secs)
        if math.isinf(piece.secs):
            return piece.first
        return piece.first + (piece.last - piece.first) * inside / piece.secs

    def _until(self, secs: float) -> float:
        if self.kind == "burst":
            return (math.floor(secs / self.every_secs) + 1) * self.count if secs > 0 else 0
        inside = ((p, min(p.secs, secs - p.begin_secs)) for p in self.pieces)
        return sum(piece.wanted(spent) for piece, spent in inside if spent > 0)

    def _reached(self, number: float, warmup_secs: float) -> float:
        """When so many are wanted, in seconds since the load began."""
        rate = self.pieces[0].first
        before = rate * warmup_secs
        if number < before:
            return number / rate
        left = number - before
        for piece in self.pieces:
            whole = math.inf if math.isinf(piece.secs) else piece.wanted(piece.secs)
            if left <= whole:
                return warmup_secs + piece.begin_secs + piece.reached(left)
            left -= whole
        return math.inf


def read_arrivals(text: str) -> Arrivals:
    """The load model a text stands for. Raises UsageError with what would be right."""
    words, _, last = text.strip().rpartition(",poisson")
    poisson = text.strip().endswith(",poisson") and last == ""
    name, _, given = (words if poisson else text.strip()).partition(":")
    if name == "closed" and not given and not poisson:
        return Arrivals()
    match = _PROFILE[name].fullmatch(given) if name in _PROFILE else None
    if match is None:
        forms = ", ".join(FORMS.values())
        raise UsageError(
            f"load {shown(text)} is not of a known form: {forms}; the middle three also with "
            ",poisson behind them"
        )
    if poisson and name in ("burst", "backlog"):
        raise UsageError(f"load {shown(text)}: a {name} has no Poisson arrivals; leave it out")
    try:
        made = _made(name, match.groups())
    except ValueError as error:
        raise UsageError(f"load {shown(text)}: {error}") from None
    return msgspec.structs.replace(made, poisson=poisson)


def _made(name: str, parts: tuple[str, ...]) -> Arrivals:
    match name, parts:
        case "constant", (rate,):
            return Arrivals("constant", (_flat(0.0, _rate(rate)),))
        case "ramp", (first, last, length):
            secs = _secs(length)
            top = _rate(last, zero=True)
            ramp = Piece(0.0, secs, _rate(first, zero=True), top)
            if ramp.first == ramp.last == 0:
                raise ValueError("one of the rates must be more than 0")
            return Arrivals("ramp", (ramp, *([_flat(secs, top)] if top else [])))
        case "steps", (rates, length):
            secs, figures = _secs(length), [_rate(rate) for rate in rates.split(",")]
            steps = [Piece(n * secs, secs, rate, rate) for n, rate in enumerate(figures[:-1])]
            return Arrivals("steps", (*steps, _flat(len(steps) * secs, figures[-1])))
        case "burst", (count, length):
            return Arrivals("burst", count=_count(count), every_secs=_secs(length))
        case _, (count,):
            return Arrivals("backlog", count=_count(count))
    raise AssertionError(f"{name} has no such parts")


def _flat(begin_secs: float, rate: float) -> Piece:
    return Piece(begin_secs, math.inf, rate, rate)


def _rate(text: str, *, zero: bool = False) -> float:
    rate = float(text)
    if not (0 if zero else 0.001) <= rate <= MAX_RATE:
        raise ValueError(
            f"a rate must be between {0 if zero else 0.001:g} and {MAX_RATE:g} a second, found {text}"
        )
    return rate


def _count(text: str) -> int:
    if not 1 <= int(text) <= MAX_BACKLOG:
        raise ValueError(
            f"the number of instances must be between 1 and {MAX_BACKLOG}, found {text}"
        )
    return int(text)


def _secs(text: str) -> float:
    secs = parse_duration_secs(text)
    if not 0.1 <= secs <= 604_800:
        raise ValueError(
            f"a length must be between {format_duration(0.1)} and 7 days, found {shown(text)}"
        )
    return secs
