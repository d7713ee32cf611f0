"""A comparison as text: what was violated first, then a table a cell, then what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from duroxide_stress.ledger.compare_result import CellComparison, Change, Comparison, Side
from duroxide_stress.redaction import redact
from duroxide_stress.reports.text import Heading, cut, hanging, one_line, printable, table

HEADINGS: list[Heading] = [
    ("Figure", "Figure"),
    ("Base", "Base"),
    ("Candidate", "Candidate"),
    ("Change", "Change"),
    ("95 % interval", "95 % interval"),
    ("Could see", "Sees"),
    ("Verdict", "Verdict"),
]
WIDTH = 80


def render(found: Comparison, home: Path | None = None, width: int | None = None) -> str:
    """The whole report. `width` is the terminal's; 80 columns for a file or a pipe."""
    room = min(width or WIDTH, 120)
    blocks = ["\n".join(_head(found, room))]
    blocks += ["\n".join(_listed("Violated promises", found.broken, room))]
    blocks += ["\n".join(_listed("Mind", found.warnings, room))]
    blocks += ["\n".join(_listed("Not compared", found.unmatched, room))]
    blocks += ["\n".join(_cell(cell, room)) for cell in found.cells]
    blocks += ["\n".join(summary(found))]
    last = [] if home is None else [f"Recordings: {home}"]
    if found.command:
        last.append(one_line(f"Repeat: {found.command}"))
    blocks += ["\n".join(last)]
    return printable(redact("\n\n".join(filter(None, blocks)) + "\n"))


def _head(found: Comparison, width: int) -> Iterator[str]:
    yield "=== Duroxide Stress Test Comparison ==="
    if found.interrupted:
        yield "Interrupted, or cut off: this is what is known."
    for title, side in (("Base", found.base), ("Candidate", found.candidate)):
        yield hanging(f"{title}: {described(side)}", width, indent=0)
    if found.turns:
        yield f"In turn: {found.turns} (A base, B candidate)"


def described(side: Side) -> str:
    """A side's name, with the engine that it really ran on."""
    engines = ", ".join(side.engines)
    return one_line(cut(f"{side.name} ({engines})" if engines else side.name))


def _listed(title: str, sentences: tuple[str, ...], width: int) -> Iterator[str]:
    if sentences:
        yield f"{title}:"
        yield from (hanging(f"- {one_line(cut(sentence))}", width) for sentence in sentences)


def _cell(cell: CellComparison, width: int) -> Iterator[str]:
    basis = f": {cell.basis}" if cell.basis else ""
    yield hanging(one_line(f"{cell.name}{basis}"), width, indent=0)
    if any(change.base is not None or change.candidate is not None for change in cell.changes):
        yield table(HEADINGS, [row(change) for change in cell.changes], width)
    yield from (hanging(one_line(cut(text)), width) for text in remarks(cell))


def remarks(cell: CellComparison) -> Iterator[str]:
    """What the table does not say: notes, why nobody can tell, runs that do not count."""
    yield from cell.notes
    whys: dict[str, list[str]] = {}
    for change in cell.changes:
        if change.why:
            whys.setdefault(change.why, []).append(change.title)
    for why, titles in whys.items():
        every = len(titles) == len(cell.changes)
        yield f"cannot tell{'' if every else ' ' + ', '.join(titles)}: {why}"
    for title, side in (("base", cell.base), ("candidate", cell.candidate)):
        yield from (f"does not count, {title} {why}" for why in side.left_out)


def row(change: Change) -> list[str]:
    """One figure as the table's cells."""
    interval = "-"
    if change.low_pct is not None and change.high_pct is not None:
        interval = f"{change.low_pct:+.1f} to {change.high_pct:+.1f}%"
    return [
        change.title,
        figure(change.base, change.unit),
        figure(change.candidate, change.unit),
        "-" if change.change_pct is None else f"{change.change_pct:+.1f}%",
        interval,
        "-" if change.smallest_pct is None else f"{change.smallest_pct:.1f}%",
        change.outcome,
    ]


def figure(value: float | None, unit: str) -> str:
    """A figure with its unit; `-` when there is none."""
    if value is None:
        return "-"
    if unit == "ms":
        return f"{value:,.0f}ms" if value >= 100 else f"{value:.1f}ms"
    if unit == "cores":
        return f"{value:.2f}"
    return f"{value:.1f}{unit}" if unit == "/s" else f"{value:.0f} {unit}"


def summary(found: Comparison) -> Iterator[str]:
    """What the whole comparison comes to."""
    changes = [(cell, change) for cell in found.cells for change in cell.changes]
    if not found.told:
        yield "Nothing can be told."
        return
    confirmed = [pair for pair in changes if pair[1].confirmed]
    for cell, change in confirmed:
        yield one_line(
            f"Confirmed: {change.title} {change.outcome} ({change.change_pct:+.1f}%), {cell.name}"
        )
    apart = sum(c.outcome not in ("cannot tell", "no difference seen") for _, c in changes)
    tested = sum(c.p is not None for _, c in changes)
    if apart > len(confirmed):
        yield (
            f"{apart - len(confirmed)} of the differences may be chance: of {tested} figures tested "
            f"at 95 %, about {tested * 0.05:.1f} are called different though nothing changed."
        )
    if not apart:
        yield f"No difference in {found.told} of {len(changes)} figures; of the others nobody can tell."
