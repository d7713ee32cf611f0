"""Plain tables: the spec's piped form where it fits, a tighter one where it does not."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

_CONTROL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


WRAP = 100
WORDS_SHOWN = 800
"""Characters of an id or of somebody's words: either may be a megabyte long."""


def printable(text: str) -> str:
    """Text that is safe on a terminal: control and direction characters as escapes, lines kept.

    Engines' and providers' words are shown, and may hold anything.
    """
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """Safe on a terminal, and on one line of it."""
    return printable(text).replace("\n", "\\n")


def shortened(text: str, room: int) -> str:
    """At most `room` characters, the last of them `...(N)` when the text has N and more than that."""
    if len(text) <= room:
        return text
    told = f"...({len(text)})"
    return text[: max(0, room - len(told))] + told


def hanging(text: str, width: int | None, indent: int = 2) -> str:
    """Wrapped, its first line indented, its others two further (unless it is not indented)."""
    return textwrap.fill(
        text,
        max(40, min(width or WRAP, WRAP)),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2 if indent else 0),
        break_on_hyphens=False,
    )


def cut(words: str) -> str:
    """Somebody's words, no more of them than a report has room for."""
    if len(words) <= WORDS_SHOWN:
        return words
    return f"{words[:WORDS_SHOWN]}... ({len(words)} characters, see result.json)"


Heading = tuple[str, str]
"""(heading as the spec prints it, a shorter one for narrow terminals)."""


def table(headings: Sequence[Heading], rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Lay out rows under headings. `width` is the terminal's, None when there is none."""
    long = [heading for heading, _ in headings]
    piped = _piped(long, rows)
    if width is None or max(map(len, piped)) <= width:
        return "\n".join(piped)
    short = [heading for _, heading in headings]
    tight = _tight(short, rows)
    return "\n".join(tight if max(map(len, tight)) <= width else _stacked(short, rows))


def _widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(headings, *rows, strict=True)]


def _piped(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = _widths(headings, rows)

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [line(headings), rule, *map(line, rows)]


def _tight(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = _widths(headings, rows)

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        right = (cell.rjust(width) for cell, width in others)
        return " ".join([first[0].ljust(first[1]), *right]).rstrip()

    return [line(headings), *map(line, rows)]


def _stacked(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column on lines of its own, once for rows that share it."""
    lines: list[str] = []
    above = None
    for (first, *_), rest in zip(
        [headings, *rows],
        _tight(["", *headings[1:]], [["", *row[1:]] for row in rows]),
        strict=True,
    ):
        lines += [rest] if first == above else [first, rest]
        above = first
    return lines
