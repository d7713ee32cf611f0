"""A story's moments as a table: one line each, fewer where many of a kind came at once."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from duroxide_stress.reports.moments import Moment
from duroxide_stress.reports.story import Story
from duroxide_stress.reports.text import one_line, shortened
from duroxide_stress.units import NS_PER_MS

PIPED = 200
"""Characters of data in a line when there is no terminal to say how wide a line may be."""
WORDS = 2_000
"""Characters of an error: shown whole up to here, because it is what one came to read."""
HEAD, TAIL = 60, 40
"""Lines of a long story, unless all are asked for."""
FOLDED = 4
"""So many events of one kind in one millisecond are the first of them and a line for the others."""
HEADINGS = ("ms", "who", "event", "what")


class _Row(NamedTuple):
    at: str
    who: str
    event: str
    what: str
    said: str
    whole: bool
    """An error: nothing of it is left out."""


def timeline(story: Story, width: int | None, *, everything: bool) -> list[str]:
    """The table's lines under its headings; `everything` neither folds nor leaves out."""
    rows = [_one(story, moment) for moment in story.moments]
    if not everything:
        rows = [row for alike in _alike(story.moments) for row in _folded(story, alike)]
    left_out = 0 if everything else max(0, len(rows) - HEAD - TAIL)
    kept = [*rows[:HEAD], *rows[-TAIL:]] if left_out else rows
    columns = zip(HEADINGS, *(row[:4] for row in kept), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = [f"{_line(HEADINGS, widths)}  data"]
    for number, row in enumerate(kept):
        if left_out and number == HEAD:
            lines.append(f"... {left_out} lines left out; --all shows them")
        lines += _shown(_line(row[:4], widths), row, width)
    return lines


def _alike(moments: Sequence[Moment]) -> Iterator[list[Moment]]:
    """Neighbours that may share lines: events of a kind and a millisecond, both ends of one run."""
    left = list(moments)
    for _, group in groupby(left, key=_kind):
        yield list(group)


def _kind(moment: Moment) -> tuple[object, ...]:
    if moment.source == "engine" and not moment.failed:
        return "engine", moment.at_ms, moment.execution, moment.what
    if moment.source == "activity":
        return "activity", moment.run, moment.node
    return "alone", id(moment)


def _folded(story: Story, alike: Sequence[Moment]) -> Iterator[_Row]:
    first, last = alike[0], alike[-1]
    if first.source == "engine" and len(alike) >= FOLDED:
        yield _one(story, first)
        others = _one(story, alike[1])
        many = f"{others.event}-{last.event}"
        said = f"{len(alike) - 1} more of these"
        yield others._replace(event=many, said=said)
    elif [moment.what for moment in alike] == ["activity begins", "activity ends"]:
        took = last.at_ms - first.at_ms
        one = msgspec.structs.replace(
            first, what="activity runs", detail=f"{first.detail}, {took:,.1f} ms"
        )
        yield _one(story, one)
    else:
        yield from (_one(story, moment) for moment in alike)


def _one(story: Story, moment: Moment) -> _Row:
    # Padded so that the points of the fractions stand below each other.
    at = f"{moment.at_ms:,.0f}  " if moment.source == "engine" else f"{moment.at_ms:,.1f}"
    event = "" if moment.event is None else str(moment.event)
    if event and len(story.books) > 1:
        event = f"{moment.execution}.{event}"
    said = _said(moment, story.origin_ns).replace(story.instance, "~")
    if story.root != story.instance:
        said = said.replace(story.root, "~~")
    return _Row(at, moment.source, event, one_line(moment.what), one_line(said), moment.failed)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    at, who, event, what = cells
    return f"{at:>{widths[0]}}  {who:<{widths[1]}}  {event:>{widths[2]}}  {what:<{widths[3]}}"


def _shown(line: str, row: _Row, width: int | None) -> list[str]:
    """On one line; an error that does not fit there goes on below it."""
    if not row.said:
        return [line.rstrip()]
    room = PIPED if width is None else max(20, width - len(line) - 2)
    if not row.whole:
        return [f"{line}  {shortened(row.said, room)}"]
    said = shortened(row.said, WORDS)
    if width is None or len(said) <= room:
        return [f"{line}  {said}"]
    below = textwrap.wrap(
        said, width, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False
    )
    return [line.rstrip(), *below]


def _said(moment: Moment, origin_ns: int) -> str:
    """A moment's data in as few characters as tell the same."""
    if moment.source == "activity":
        return f"{moment.detail}, run {moment.run} on {moment.node}"
    answers = "" if moment.answers is None else f"of {moment.answers}: "
    if moment.source != "engine" or moment.failed:
        return answers + (moment.detail or "")
    try:
        data = json.loads(moment.detail or "")
        return answers + ", ".join(_parts(data, origin_ns))
    except (ValueError, RecursionError):
        return answers + (moment.detail or "")


def _parts(data: object, origin_ns: int) -> Iterator[str]:
    """Names and tokens as words, moments as the story counts them, the rest as JSON."""
    if not isinstance(data, dict):
        yield _json(data)
        return
    rest = dict(data)
    if isinstance(name := rest.get("name"), str):
        del rest["name"]
        version = rest.pop("version", None)
        yield name if version is None else f"{name} {version}"
    if isinstance(token := rest.get("token"), str):
        del rest["token"]
        yield token
    if isinstance(due := rest.get("fireAtMs"), int):
        del rest["fireAtMs"]
        yield f"due at {due - origin_ns // NS_PER_MS:,}"
    if isinstance(child := rest.get("instance"), str):
        del rest["instance"]
        yield f"as {child}"
    for key in ("input", "data"):
        if key in rest:
            yield from _parts(rest.pop(key), origin_ns)
    if list(rest) == ["value"]:
        yield f"value {_json(rest['value'])}"
    elif rest:
        yield _json(rest)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
