"""Axes: where their ticks stand and what is written at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, log10

from duroxide_stress.units import format_duration

Tick = tuple[float, str]
"""(value, label)"""
Place = Callable[[float], float]
"""Where a value stands in the plot area."""

SECS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400,
        21_600, 43_200, 86_400, 172_800)  # fmt: skip
"""Steps that read well on a clock."""


def upwards(most: float, ticks: int = 4) -> list[Tick]:
    """Round values from 0 up to the first that is not below `most`: the axis ends there."""
    most = most or 1
    step = _round_up(most / ticks)
    count = max(1, ceil(round(most / step, 9)))
    return [(n * step, amount(n * step)) for n in range(count + 1)]


def clock(begin: float, end: float, ticks: int = 7) -> list[Tick]:
    """Round moments within a stretch of seconds."""
    wanted = (end - begin) / ticks
    step = next((step for step in SECS if step >= wanted), ceil(wanted / 86_400) * 86_400)
    return [
        (round(n * step, 9), moment(round(n * step, 9)))
        for n in range(ceil(begin / step), floor(end / step) + 1)
    ]


def moment(secs: float) -> str:
    """Seconds since the window opened; before it they are negative."""
    return f"−{format_duration(-secs)}" if secs < 0 else format_duration(secs)


def tail(samples: int) -> list[Tick]:
    """0 %, 50 %, 90 %, 99 %, ... as far as there are samples: by their distance from 100 %."""
    nines = max(1, floor(log10(samples + 1)))
    parts = [(0.0, "0%"), (0.5, "50%")]
    parts += [(1 - 10.0**-n, _nines(n)) for n in range(1, nines + 1)]
    return [(rarity(part), label) for part, label in parts]


def rarity(part: float) -> float:
    """How far along the log tail a part of 1 stands: log10 of 1/(1-p)."""
    return log10(1 / (1 - part))


def amount(value: float) -> str:
    """A number in as few characters as tell it: `0`, `0.25`, `1,200`, `1.5M`."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.4g}M"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _nines(n: int) -> str:
    return "90%" if n == 1 else f"99{'.' if n > 2 else ''}{'9' * (n - 2)}%"


def _round_up(value: float) -> float:
    """1, 2 or 5 times a power of ten."""
    power: float = 10.0 ** floor(log10(value))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= value * (1 - 1e-9))


def highest(columns: Sequence[Sequence[float | None]]) -> float:
    """The greatest value of several series; 0 when they have none."""
    return max((value for column in columns for value in column if value is not None), default=0.0)
