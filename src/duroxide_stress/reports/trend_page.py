"""Trends as one self-contained page: a picture and a table a series. Opens offline, runs no script.

Whatever comes from a ledger reaches the page as text, for Jinja escapes it; and the
Content-Security-Policy lets nothing run or load at all. Pictures are SVG in the page itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from duroxide_stress.ledger.series import Point
from duroxide_stress.ledger.trend import Trend
from duroxide_stress.reports.history import commit, day
from duroxide_stress.reports.text import printable
from duroxide_stress.reports.trend import name, percent, run, said, value

WIDTH, HEIGHT = 900, 240
LEFT, RIGHT, TOP, BOTTOM = 80, 20, 26, 30
"""Of a picture, in the units of its view box, and its margins."""


def render(directory: Path, found: Sequence[Trend]) -> str:
    """The page. A ledger of any size gives one; the runs of a series are all on it."""
    from jinja2 import Environment

    source = files("duroxide_stress.reports.templates").joinpath("trend.html")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(source.read_text(encoding="utf-8")).render(
        ledger=printable(str(directory)),
        machines=len({trend.series.key.machine for trend in found}),
        trends=[_shown(trend) for trend in found],
        box={"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "top": TOP},
    )
    return f"{page}\n"


def _shown(trend: Trend) -> dict[str, Any]:
    """What stands beside the picture, all of it plain text."""
    series, reading = trend.series, trend.reading
    settings = ", ".join(f"{key}={word}" for key, word in sorted(series.settings.items()))
    return {
        "name": printable(name(series)),
        "machine": printable(str(series.key.machine)),
        "settings": printable(f"{series.key.digest}: {settings}") if settings else "",
        "state": trend.state,
        "said": printable(said(trend)),
        "settled": [
            printable(f"{percent(c)} since {run(trend.first_bad(c))}") for c in reading.settled
        ],
        "picture": _picture(trend),
        "rows": [_row(trend, point) for point in reversed(series.points)],
    }


def _row(trend: Trend, point: Point) -> dict[str, Any]:
    entry, change = point.entry, trend.reading.change
    return {
        "id": entry.id,
        "when": day(entry.started_ns),
        "value": value(trend.series, point.value),
        "repeats": point.repeats,
        "verdict": point.verdict.value,
        "why": printable(point.why),
        "first": change is not None and trend.first_bad(change) is point,
        "engines": printable(", ".join(entry.engines)),
        "commit": printable(commit(entry)),
        "label": printable(entry.label or ""),
        "run": printable(entry.run),
    }


def _picture(trend: Trend) -> dict[str, Any]:
    """Where everything of one picture lies: runs in their order, evenly spaced."""
    series, reading = trend.series, trend.reading
    points = series.points
    low, high = _range(trend)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(points) - 1)

    def across(number: float) -> float:
        return round(LEFT + number * step, 1)

    def down(figure: float) -> float:
        return round(TOP + (high - figure) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    places = {point.entry.id: number for number, point in enumerate(points)}
    level, noise = reading.level, reading.noise
    band = None
    if level is not None and noise is not None:
        top, bottom = down(min(level + noise, high)), down(max(level - noise, low))
        left = across(places[series.counting[-reading.entries].entry.id])
        band = {"x": left, "level": down(level), "top": top, "height": round(bottom - top, 1)}
    changes = (*reading.settled, *filter(None, (reading.change,)))
    return {
        "points": [
            {
                "x": across(number),
                "y": down(point.value),
                "counts": point.counts,
                "title": _title(trend, point),
            }
            for number, point in enumerate(points)
        ],
        "line": " ".join(f"{across(places[p.entry.id])},{down(p.value)}" for p in series.counting),
        "band": band,
        "ticks": [
            {"y": down(figure), "text": value(series, figure)}
            for figure in (low, (low + high) / 2, high)
        ],
        "ends": (day(points[0].entry.started_ns), day(points[-1].entry.started_ns)),
        "changes": [
            {
                "x": across(places[trend.first_bad(change).entry.id] - 0.5),
                "text": percent(change),
                "worse": trend.worse(change),
            }
            for change in changes
        ],
    }


def _range(trend: Trend) -> tuple[float, float]:
    """From just below all that is drawn to just above it: a change of 5 % must be visible."""
    drawn = [point.value for point in trend.series.points]
    level, noise = trend.reading.level, trend.reading.noise
    if level is not None and noise is not None:
        drawn += [level - noise, level + noise]
    low, high = min(drawn), max(drawn)
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def _title(trend: Trend, point: Point) -> str:
    """What a point says of itself when one points at it."""
    return printable(f"{value(trend.series, point.value)}: {run(point)} {point.why[:120]}".strip())
