"""A figure over time in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], low: float | None = None) -> str:
    """A bar a value, from `low` (the least, when it is not given) to the greatest; blank where there
    is no value. Where nothing is above `low` bars are lowest, where all are the same in the middle."""
    known = [value for value in values if value is not None]
    bottom, top = min(known, default=0.0) if low is None else low, max(known, default=0.0)
    flat = BARS[3 if low is None else 0]

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        if top <= bottom:
            return flat
        return BARS[min(len(BARS) - 1, int((value - bottom) / (top - bottom) * len(BARS)))]

    return "".join(map(bar, values))
