"""Series and what the gate says of each: what `trend` shows, and what it exits with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec

from duroxide_stress.ledger.entry import Entry
from duroxide_stress.ledger.gate import LEAST, Change, Reading, read
from duroxide_stress.ledger.metrics import DEFAULT
from duroxide_stress.ledger.series import Point, Series, series_of
from duroxide_stress.verdict import EXIT_OK, EXIT_TARGET_MISSED, EXIT_UNKNOWN

State: TypeAlias = Literal[
    "worse", "better", "quiet", "too few", "newest does not count", "not in the newest run"
]


class Trend(msgspec.Struct, frozen=True):
    """One series, read."""

    series: Series
    reading: Reading
    """Its `change` and `settled` count the points that count, not all."""
    state: State
    """What the gate says. It judges only series that the newest run has a figure of."""

    @property
    def newest(self) -> Point:
        return self.series.points[-1]

    def first_bad(self, change: Change) -> Point:
        """The run that a change likely began with."""
        return self.series.counting[change.first]

    def worse(self, change: Change) -> bool:
        """Whether a change is one to the worse."""
        return change.up != (self.series.metric.better == "higher")


def trends(
    entries: Sequence[Entry],
    metrics: Iterable[str] = DEFAULT,
    *,
    untrusted: bool = False,
    least: float = LEAST,
) -> list[Trend]:
    """Every series of these entries (oldest first), as the gate reads it at its newest run."""
    newest = entries[-1].id if entries else ""
    return [
        _trend(series, newest, least) for series in series_of(entries, metrics, untrusted=untrusted)
    ]


def _trend(series: Series, newest: str, least: float) -> Trend:
    reading = read([point.value for point in series.counting], least)
    return Trend(series, reading, _state(series, reading, newest))


def _state(series: Series, reading: Reading, newest: str) -> State:
    last = series.points[-1]
    if last.entry.id != newest:
        return "not in the newest run"
    if not last.counts:
        return "newest does not count"
    if reading.missing:
        return "too few"
    if reading.change is None:
        return "quiet"
    better_up = series.metric.better == "higher"
    return "better" if reading.change.up == better_up else "worse"


def gate_code(found: Sequence[Trend]) -> int:
    """4 when any series is worse; 3 when none could be judged, for nothing is proven then; else 0."""
    states = {trend.state for trend in found}
    if "worse" in states:
        return EXIT_TARGET_MISSED
    return EXIT_OK if states & {"quiet", "better"} else EXIT_UNKNOWN
