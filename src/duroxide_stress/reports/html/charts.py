"""Pictures as values: lines over time or by percentile, worked out to what the template draws.

The plot area is a square of 1000 × 1000 units that the page stretches to whatever room it has; strokes
and letters keep their size. So one picture fits a telephone and a wide screen, light and dark, screen
and paper, without a script; the script only adds the reading of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite

import msgspec

from duroxide_stress.measure.percentiles import Percentiles
from duroxide_stress.measure.series import Interval, Series, Values
from duroxide_stress.reports.html import scales
from duroxide_stress.reports.html.scales import Tick

SIZE = 1000
LEAST_BAND = 4
"""A fault of no duration is drawn this wide, so that it can be seen."""
DOT = 4
"""A value that stands alone is drawn so far to both sides."""
NAMED_BAND = 90
"""A stretch narrower than this has no room for its name."""
DIGITS = 6
"""Of a value that the script reads out."""


class Line(msgspec.Struct, frozen=True):
    """One series, as it was measured."""

    name: str
    values: Values
    joined: bool = False
    """Drawn through places without a value: it is looked at less often than there are places."""


class Stroke(msgspec.Struct, frozen=True):
    """One series, as it is drawn."""

    name: str
    style: int
    """Which of the page's strokes."""
    path: str
    values: str
    """For the script: a value a point, nothing where there is none."""


class Band(msgspec.Struct, frozen=True):
    """A shaded stretch, in units of the plot area."""

    kind: str
    """`rest` for warm-up and drain, `fault` for a fault."""
    left: float
    width: float
    name: str
    """Written into it; empty where there is no room."""
    begin: float
    end: float
    words: str
    """What the script reads out."""


class Mark(msgspec.Struct, frozen=True):
    """A tick: where it stands, in percent of the plot area from the left or the bottom."""

    at: float
    label: str


class Chart(msgspec.Struct, frozen=True):
    """One picture with its words."""

    title: str
    unit: str
    read: str
    """How to read it, in a line."""
    says: str
    """What can be seen on it, for those who do not see it."""
    horizontal: str
    """What goes from left to right: `secs` or `percentile`."""
    strokes: tuple[Stroke, ...]
    bands: tuple[Band, ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    places: str
    """For the script: where each point stands, 0 to 1000."""
    moments: str
    """For the script: what each place is called, seconds or a part of 1."""


def over_time(
    series: Series, title: str, unit: str, read: str, lines: Sequence[Line]
) -> Chart | None:
    """Lines over the seconds of a cell, faults shaded; None when there is nothing to draw."""
    shown = [line for line in lines if any(value is not None for value in line.values)]
    if not shown:
        return None
    span = max(series.end - series.begin, 1e-9)

    def place(secs: float) -> float:
        return round(min(1.0, max(0.0, (secs - series.begin) / span)) * SIZE, 1)

    xs = [place(secs) for secs in series.secs]
    return _chart(
        Frame(title, unit, read, "secs"),
        xs,
        [f"{secs:g}" for secs in series.secs],
        shown,
        bands=tuple(_bands(series, place)),
        across=[(place(at), label) for at, label in scales.clock(series.begin, series.end)],
    )


def by_percentile(title: str, read: str, lines: Sequence[tuple[str, Percentiles]]) -> Chart | None:
    """Distributions over a tail that is stretched the rarer it gets: x is log10 of 1/(1-p)."""
    shown = [(name, one) for name, one in lines if one.samples]
    if not shown:
        return None
    samples = max(one.samples for _, one in shown)
    # Each has its maximum at a place of its own, n/(n+1), and no other line need have a value there.
    parts = sorted({part for _, one in shown for part, _ in one.points})
    most = scales.rarity(parts[-1])

    def place(part: float) -> float:
        return round(scales.rarity(part) / most * SIZE, 1)

    found = [
        Line(name, tuple(map(dict(one.points).get, parts)), joined=True) for name, one in shown
    ]
    ticks = [(round(at / most * SIZE, 1), label) for at, label in scales.tail(samples)]
    return _chart(
        Frame(title, "ms", read, "percentile"),
        [place(part) for part in parts],
        [f"{part:.7g}" for part in parts],
        found,
        bands=(),
        across=[tick for tick in ticks if tick[0] <= SIZE],
    )


class Frame(msgspec.Struct, frozen=True):
    """The words around a picture."""

    title: str
    unit: str
    read: str
    horizontal: str


def _chart(
    frame: Frame,
    xs: Sequence[float],
    moments: Sequence[str],
    lines: Sequence[Line],
    *,
    bands: tuple[Band, ...],
    across: Iterable[Tick],
) -> Chart:
    up = scales.upwards(scales.highest([line.values for line in lines]))
    top = up[-1][0]
    return Chart(
        title=frame.title,
        unit=frame.unit,
        read=frame.read,
        says="; ".join(_says(line, frame.unit) for line in lines),
        horizontal=frame.horizontal,
        strokes=tuple(
            Stroke(line.name, number, _path(xs, line, top), _values(line.values))
            for number, line in enumerate(lines, 1)
        ),
        bands=bands,
        across=tuple(Mark(round(at / SIZE * 100, 2), label) for at, label in across),
        up=tuple(Mark(round(at / top * 100, 2), label) for at, label in up),
        places=",".join(f"{x:g}" for x in xs),
        moments=",".join(moments),
    )


def _says(line: Line, unit: str) -> str:
    """A line in words: lowest, highest, last."""
    known = [value for value in line.values if value is not None]
    low, high, last = (scales.amount(value) for value in (min(known), max(known), known[-1]))
    return f"{line.name}: from {low} to {high} {unit}, at the end {last}"


def _path(xs: Sequence[float], line: Line, top: float) -> str:
    """An SVG path; a point that stands alone is a short stroke."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, value in zip(xs, line.values, strict=True):
        if value is not None and isfinite(value):
            y = round(SIZE - min(1.0, max(0.0, value / top)) * SIZE, 1)
            pieces[-1].append((x, y))
        elif pieces[-1] and not line.joined:
            pieces.append([])
    return "".join(_piece(piece) for piece in pieces if piece)


def _piece(points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:
        ((x, y),) = points
        points = [(x - DOT, y), (x + DOT, y)]
    first, *others = [f"{x:g} {y:g}" for x, y in points]
    return f"M{first}L{' '.join(others)}"


def _values(values: Values) -> str:
    return ",".join("" if value is None else f"{value:.{DIGITS}g}" for value in values)


def _bands(series: Series, place: scales.Place) -> Iterator[Band]:
    """Warm-up and drain, then the faults."""
    if series.begin < 0:
        yield _band("rest", "warm-up", series.begin, 0.0, place)
    if series.window is not None and series.window < series.end:
        yield _band("rest", "drain", series.window, series.end, place)
    for fault in series.faults:
        end = series.end if fault.end is None else fault.end
        yield _band("fault", _fault(fault), fault.begin, end, place)


def _band(kind: str, name: str, begin: float, end: float, place: scales.Place) -> Band:
    left = place(begin)
    width = max(LEAST_BAND if kind == "fault" else 0, place(end) - left)
    written = name if kind == "rest" and width >= NAMED_BAND else ""
    return Band(kind, min(left, SIZE - width), round(width, 1), written, begin, end, name)


def _fault(fault: Interval) -> str:
    """Its name and target, or how many it stands for."""
    what = f"{fault.name} {fault.target}".strip() if fault.count == 1 else fault.name
    times = "" if fault.count == 1 else f" × {fault.count}"
    return f"{what}{times}{', never healed' if fault.end is None else ''}"
