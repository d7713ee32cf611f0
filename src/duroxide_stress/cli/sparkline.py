"""A figure over time in one line of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from duroxide_stress.reports.sparkline import sparkline

POINTS = 240
"""As many are kept as a wide terminal has columns; beyond that neighbours are put together."""


class Series:
    """A figure from the beginning of a cell until now, in at most `POINTS` points of equal length."""

    def __init__(self) -> None:
        self._means: list[float | None] = []
        self._pending: list[float | None] = []
        self._step = 1

    def add(self, value: float | None) -> None:
        """The figure as it is now; None when there is none. To be called at equal intervals."""
        self._pending.append(value)
        if len(self._pending) == self._step:
            self._means.append(_mean(self._pending))
            self._pending.clear()
        if len(self._means) == POINTS:
            self._means = [_mean(self._means[i : i + 2]) for i in range(0, POINTS, 2)]
            self._step *= 2

    def drawn(self, width: int) -> str:
        """The whole of it as at most `width` bars from 0 to its greatest value; blank where there
        was no figure."""
        return sparkline(fitted(self._means, width), 0.0)


def fitted(values: Sequence[float | None], width: int) -> list[float | None]:
    """At most `width` values, each the mean of its share of them."""
    if width <= 0:
        return []
    if len(values) <= width:
        return list(values)
    borders = [len(values) * i // width for i in range(width + 1)]
    return [_mean(values[a:b]) for a, b in pairwise(borders)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
