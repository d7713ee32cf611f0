"""Which instance a user means: an id, the beginning of one or its end, in any cell of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import msgspec

from duroxide_stress.errors import UsageError, shown
from duroxide_stress.recording.pieces import lines_of
from duroxide_stress.reports.text import one_line

KINDS = ("ops", "executions"), ("history", "effects")
"""Where ids stand: the short files first, the long ones only when those do not have it."""
NAMED, NEAR = 5, 3


class _Line(msgspec.Struct):
    instance: str | None = None


class Found(msgspec.Struct, frozen=True):
    """An instance and the directory of its cell."""

    cell: str
    instance: str


def find(run: Path, cells: Sequence[str], wanted: str) -> Found:
    """The one instance that `wanted` names. Raises UsageError when there is none, or more than one.

    A whole id wins over ids that only begin or end with it. An id with control characters can be
    given as it is printed.
    """
    known: list[Found] = []
    for kinds in KINDS:
        known += [Found(cell, name) for cell in cells for name in _instances(run / cell, kinds)]
        if matches := _matches(known, wanted):
            return _only(matches, run, wanted)
    raise UsageError(_unknown(known, run, wanted))


def _matches(known: Iterable[Found], wanted: str) -> list[Found]:
    named = [(one_line(found.instance), found) for found in dict.fromkeys(known)]
    whole = [found for name, found in named if wanted in (name, found.instance)]
    return whole or [
        found for name, found in named if name.startswith(wanted) or name.endswith(wanted)
    ]


def _only(matches: Sequence[Found], run: Path, wanted: str) -> Found:
    if len(matches) == 1:
        return matches[0]
    cells = {found.cell for found in matches}
    if len({found.instance for found in matches}) == 1:
        raise UsageError(
            f"instance {shown(wanted)} is in {len(cells)} cells of {run}: name one with --cell, "
            f"for example --cell {min(cells)}"
        )
    names = ", ".join(sorted(one_line(found.instance) for found in matches)[:NAMED])
    more = len(matches) - NAMED
    raise UsageError(
        f"instance {shown(wanted)} is not clear in {run}: {len(matches)} ids begin or end with it: "
        f"{names}" + (f" and {more} more" if more > 0 else "")
    )


def _unknown(known: Iterable[Found], run: Path, wanted: str) -> str:
    names = sorted({one_line(found.instance) for found in known})
    if not names:
        return f"{run} has no instance {shown(wanted)}: nothing was started in it"
    # Ids are long and differ in a few digits: the nearest are those that begin, or end, as it does.
    shared = {name: max(_shared(wanted, name), _shared(wanted[::-1], name[::-1])) for name in names}
    near = [name for name in names if shared[name] == max(shared.values())]
    hint = f"its ids are like {names[0]}"
    if 2 * shared[near[0]] >= len(wanted):
        hint = f"near it: {', '.join(near[:NEAR])}"
    return f"{run} has no instance {shown(wanted)}: {hint}"


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _instances(cell: Path, kinds: Iterable[str]) -> Iterator[str]:
    """Every id in these records, once each and in order; lines that cannot be read have none."""
    decoder = msgspec.json.Decoder(_Line)
    seen: set[str] = set()
    for kind in kinds:
        for line in lines_of(cell, kind):
            try:
                name = decoder.decode(line).instance
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if name is not None and name not in seen:
                seen.add(name)
                yield name
