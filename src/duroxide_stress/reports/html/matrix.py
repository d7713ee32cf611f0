"""The matrix as a picture: throughput and P99 of every cell, side by side, a scenario at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from duroxide_stress.ledger.metrics import METRICS
from duroxide_stress.reports.html.tables import shown
from duroxide_stress.result import CellResult

PICTURED = (METRICS["throughput"], METRICS["p99"])
STYLES = 6
"""Providers beyond this many share colours; their names stand beside every bar."""


class Bar(msgspec.Struct, frozen=True):
    """One figure: its length in percent of the longest (null: no figure) and its words."""

    length: float | None
    text: str


class Row(msgspec.Struct, frozen=True):
    """One cell."""

    number: int
    """Of the cell in the run."""
    provider: str
    config: str
    style: int
    bars: tuple[Bar, ...]
    doubtful: bool


class Group(msgspec.Struct, frozen=True):
    """The cells of one scenario: rates of different work are not compared."""

    title: str
    rows: tuple[Row, ...]


def groups(cells: Sequence[CellResult]) -> tuple[Group, ...]:
    """The picture, scenario by scenario in the order of the run."""
    labels = list(dict.fromkeys(cell.provider_label for cell in cells))
    styles = {label: 1 + number % STYLES for number, label in enumerate(labels)}
    numbered = list(enumerate(cells, 1))
    return tuple(
        Group(title, tuple(_rows(list(of_one), styles)))
        for title, of_one in groupby(numbered, key=lambda one: one[1].title)
    )


def _rows(cells: Sequence[tuple[int, CellResult]], styles: dict[str, int]) -> Iterator[Row]:
    longest = [
        max((value for _, cell in cells if (value := metric.of(cell)) is not None), default=0.0)
        for metric in PICTURED
    ]
    for number, cell in cells:
        yield Row(
            number=number,
            provider=cell.provider_label,
            config=config_words(cell),
            style=styles[cell.provider_label],
            bars=tuple(
                Bar(_length(metric.of(cell), most), shown(metric, cell))
                for metric, most in zip(PICTURED, longest, strict=True)
            ),
            doubtful=not cell.health.trustworthy,
        )


def config_words(cell: CellResult) -> str:
    """The config, with the number of the repeat where there are several."""
    return cell.config if cell.repeat == 1 else f"{cell.config} #{cell.repeat}"


def _length(value: float | None, most: float) -> float | None:
    if value is None:
        return None
    return round(value / most * 100, 2) if most > 0 else 0.0
