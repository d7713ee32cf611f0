"""Trends as text: for each series what the gate says, a sparkline, and the newest figures."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.ledger.entry import Entry
from duroxide_stress.ledger.gate import Change
from duroxide_stress.ledger.series import Point, Series
from duroxide_stress.ledger.trend import Trend
from duroxide_stress.reports.history import commit, day
from duroxide_stress.reports.sparkline import sparkline
from duroxide_stress.reports.text import hanging, one_line, shortened

WIDTH = 80
FALSE_ALARMS = 1000
"""Checks a false alarm, at most; docs/trend.md."""


def render(
    directory: Path, found: Sequence[Trend], last: int, *, gate: bool, width: int | None = None
) -> str:
    """A block a series, the gate's summary last. `last` is how many runs a table shows, at most."""
    room = min(width or WIDTH, 120)
    blocks = [f"Trends of ledger {one_line(str(directory))}"]
    machines = {trend.series.key.machine for trend in found}
    if len(machines) > 1:
        blocks[0] += (
            f": runs of {len(machines)} machines, each a series of its own; figures of different "
            "machines are never compared"
        )
        blocks[0] = hanging(blocks[0], room, indent=0)
    blocks += ["\n".join(_block(trend, last, room)) for trend in found]
    if not found:
        blocks.append("No run in the ledger has such a figure.")
    if gate:
        blocks.append("\n".join(_gate(found, room)))
    return "\n\n".join(blocks) + "\n"


def document(found: Sequence[Trend]) -> str:
    """The trends as a JSON list with a newline at its end."""
    return msgspec.json.format(
        msgspec.json.encode([_plain(t) for t in found]), indent=2
    ).decode() + ("\n")


def name(series: Series) -> str:
    """What a series is of, in words."""
    key = series.key
    return f"{key.metric} of {key.scenario} on {key.provider} at {key.config}"


def value(series: Series, figure: float) -> str:
    """A figure with its unit."""
    unit = series.metric.unit
    digits = 0 if unit in ("ms", "MiB") and figure >= 10 else 2
    return f"{figure:,.{digits}f}{'' if unit in ('/s', '%', 'ms') else ' '}{unit}"


def percent(change: Change) -> str:
    """How large a change is."""
    return "from 0" if change.relative is None else f"{100 * change.relative:+.1f} %"


def said(trend: Trend) -> str:
    """What the gate says of a series, as a sentence."""
    reading, change = trend.reading, trend.reading.change
    if trend.state == "not in the newest run":
        return "Not judged: the ledger's newest run has no such figure."
    if trend.state == "newest does not count":
        return f"Not judged: the newest run does not count ({trend.newest.why})."
    if reading.missing:
        more = f"{reading.missing} more run{'' if reading.missing == 1 else 's'}"
        have = f"has {reading.entries}" + (" since its last change" if reading.settled else "")
        return f"Not judged: too few runs; it needs {more} that count (it {have})."
    if change is None:
        seen = "no step at all" if reading.visible is None else f"{100 * reading.visible:.1f} %"
        return f"No change seen; six runs would show one of {seen} in four cases of five."
    word = "Worse" if trend.worse(change) else "Better"
    figures = f"{value(trend.series, change.before)} → {value(trend.series, change.after)}"
    return f"{word}: {percent(change)}, {figures}, likely since {run(trend.first_bad(change))}."


def run(point: Point) -> str:
    """A run, as one finds it again."""
    entry = point.entry
    git = f", commit {commit(entry)}" if entry.commit else ""
    label = f", {entry.label}" if entry.label else ""
    return f"{entry.id} ({day(entry.started_ns)}, {', '.join(entry.engines)}{git}{label})"


def _block(trend: Trend, last: int, width: int) -> Iterator[str]:
    series = trend.series
    yield hanging(one_line(f"{name(series)}, {series.key.machine}"), width, indent=0)
    if series.settings:
        settings = ", ".join(f"{key}={value}" for key, value in sorted(series.settings.items()))
        words = f"settings {series.key.digest}: {settings}"
        yield hanging(shortened(one_line(words), 2 * width), width)
    spark = sparkline([p.value for p in series.points[-(width - 2) :]])
    yield f"  {spark}"
    yield hanging(one_line(said(trend)), width)
    for change in trend.reading.settled:
        words = (
            f"Earlier: {percent(change)} since {run(trend.first_bad(change))}, the normal since."
        )
        yield hanging(one_line(words), width)
    for point in series.points[-last:]:
        yield _line(trend, point, width)


def _line(trend: Trend, point: Point, width: int) -> str:
    change = trend.reading.change
    bad = change is not None and trend.first_bad(change) is point
    level = trend.reading.level
    away = "" if not level else f"{100 * (point.value - level) / abs(level):+.1f} %"
    figures = f"{value(trend.series, point.value):>12} {away:>9}"
    note = point.why and f"* {point.why}"
    note = "<- first of the change" if bad else note
    entry = point.entry
    words = filter(None, (note, commit(entry), entry.label or "", ", ".join(entry.engines)))
    head = f"  {entry.id}  {day(entry.started_ns)} {figures}  "
    return (head + _fitting([one_line(word) for word in words], width - len(head))).rstrip()


def _fitting(words: Sequence[str], room: int) -> str:
    """As many of the words as there is room for; the first whatever it takes to shorten it."""
    line = shortened(words[0], max(12, room)) if words else ""
    for word in words[1:]:
        if len(line) + 2 + len(word) <= room:
            line += f"  {word}"
    return line


def _gate(found: Sequence[Trend], width: int) -> Iterator[str]:
    worse = [trend for trend in found if trend.state == "worse"]
    better = [trend for trend in found if trend.state == "better"]
    judged = [trend for trend in found if trend.state in ("worse", "better", "quiet")]
    if not judged:
        yield hanging(
            f"GATE: NOTHING COMPARED. None of {len(found)} series could be judged, so nothing is "
            "proven (exit code 3).",
            width,
            indent=0,
        )
        return
    verdict = "WORSE" if worse else "no regression seen"
    out = f", {len(found) - len(judged)} not judged" if len(judged) < len(found) else ""
    yield hanging(
        f"GATE: {verdict}. {len(judged)} series judged{out}. On quiet series so many ring falsely "
        f"at most {_falsely(len(judged))}.",
        width,
        indent=0,
    )
    for trend in (*worse, *better):
        yield hanging(one_line(f"{name(trend.series)}: {said(trend)}"), width)
        if trend.state == "worse" and trend.reading.change is not None:
            first = trend.first_bad(trend.reading.change).entry
            yield f"    look: {_command(first)}"
            yield f"    newest: {_command(trend.newest.entry)}"


def _falsely(judged: int) -> str:
    """How often a gate over so many series rings without a reason."""
    if 2 * judged <= FALSE_ALARMS:
        return f"once in {FALSE_ALARMS // judged:,} gates"
    return f"{math.ceil(10 * judged / FALSE_ALARMS) / 10:,g} times in every gate"


def _command(entry: Entry) -> str:
    """The words that show a run's report; safe to be copied into a shell, whatever its path is."""
    return one_line(shlex.join(["duroxide-stress", "report", entry.run]))


def _plain(trend: Trend) -> dict[str, Any]:
    series, reading = trend.series, trend.reading
    return {
        **series.key._asdict(),
        "unit": series.metric.unit,
        "better": series.metric.better,
        "settings": series.settings,
        "state": trend.state,
        "said": said(trend),
        "points": [
            {
                "id": point.entry.id,
                "started_ns": point.entry.started_ns,
                "commit": point.entry.commit,
                "label": point.entry.label,
                "engines": point.entry.engines,
                "run": point.entry.run,
                "value": point.value,
                "repeats": point.repeats,
                "counts": point.counts,
                "verdict": point.verdict,
                "why": point.why,
            }
            for point in series.points
        ],
        "reading": _with_ids(trend, msgspec.to_builtins(reading)),
    }


def _with_ids(trend: Trend, reading: dict[str, Any]) -> dict[str, Any]:
    """Changes name the run they likely began with, beside its place among those that count."""
    for change in filter(None, (reading["change"], *reading["settled"])):
        change["first_id"] = trend.series.counting[change["first"]].entry.id
    return reading
