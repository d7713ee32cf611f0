"""From a ledger's entries to series: one figure of one cell on one machine, run after run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

import msgspec

from duroxide_stress.ledger.entry import Entry, FiledCell, Machine
from duroxide_stress.ledger.metrics import METRICS, Metric
from duroxide_stress.verdict import Verdict, worst


class Key(NamedTuple):
    """What makes figures comparable: all of it must be the same."""

    metric: str
    scenario: str
    provider: str
    config: str
    digest: str
    """Of the settings."""
    machine: Machine


class Point(msgspec.Struct, frozen=True):
    """A run's figure: the median of its repeats that count, or of all where none does."""

    entry: Entry
    value: float
    repeats: int
    counts: bool
    verdict: Verdict
    why: str
    """Why it does not count; empty when it does."""


class Series(msgspec.Struct, frozen=True):
    """The points of one key, oldest first."""

    key: Key
    settings: dict[str, object]
    points: tuple[Point, ...]

    @property
    def metric(self) -> Metric:
        return METRICS[self.key.metric]

    @property
    def counting(self) -> tuple[Point, ...]:
        """The points that the gate looks at."""
        return tuple(point for point in self.points if point.counts)


class Wanted(msgspec.Struct, frozen=True):
    """Which cells to look at; empty means all."""

    scenarios: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    """Host names, or those that `--machine` gave."""

    def cell(self, cell: FiledCell) -> bool:
        """Whether this one is wanted."""
        return (
            cell.scenario in (self.scenarios or (cell.scenario,))
            and cell.provider in (self.providers or (cell.provider,))
            and cell.config in (self.configs or (cell.config,))
        )

    def machine(self, machine: Machine) -> bool:
        """Whether this one is wanted."""
        return machine.host in (self.machines or (machine.host,))

    def of(self, entries: Iterable[Entry]) -> list[Entry]:
        """The entries that have a wanted cell, without their other cells."""
        cut = (
            msgspec.structs.replace(entry, cells=tuple(filter(self.cell, entry.cells)))
            for entry in entries
            if self.machine(entry.machine)
        )
        return [entry for entry in cut if entry.cells]


def series_of(
    entries: Sequence[Entry], metrics: Iterable[str], *, untrusted: bool = False
) -> list[Series]:
    """The series of these entries (oldest first), metric by metric in the order given.

    With `untrusted`, figures count also where health says not to trust them; those of wrong results
    never do.
    """
    return [series for metric in metrics for series in _of_metric(entries, metric, untrusted)]


def _of_metric(entries: Sequence[Entry], metric: str, untrusted: bool) -> list[Series]:
    points: dict[Key, list[Point]] = {}
    settings: dict[Key, dict[str, object]] = {}
    for entry in entries:
        cells: dict[Key, list[FiledCell]] = {}
        for cell in entry.cells:
            if metric in cell.values:
                key = Key(
                    *(metric, cell.scenario, cell.provider, cell.config),
                    *(cell.digest, entry.machine),
                )
                cells.setdefault(key, []).append(cell)
                settings[key] = cell.settings
        for key, repeats in cells.items():
            points.setdefault(key, []).append(_point(entry, metric, repeats, untrusted))
    return [Series(key, settings[key], tuple(found)) for key, found in points.items()]


def _point(entry: Entry, metric: str, repeats: Sequence[FiledCell], untrusted: bool) -> Point:
    good = [c for c in repeats if c.counts or (untrusted and c.verdict is not Verdict.VIOLATED)]
    used = good or repeats
    return Point(
        entry=entry,
        value=median(cell.values[metric] for cell in used),
        repeats=len(used),
        counts=bool(good),
        verdict=worst(cell.verdict for cell in repeats),
        why="" if good else _why(repeats),
    )


def _why(repeats: Sequence[FiledCell]) -> str:
    violated = any(cell.verdict is Verdict.VIOLATED for cell in repeats)
    said = next((reason for cell in repeats for reason in cell.reasons), "")
    word = "violated" if violated else "not trustworthy"
    return f"{word}: {said}" if said else word
