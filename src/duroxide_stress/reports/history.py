"""What a ledger holds, as text and as JSON."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from duroxide_stress.ledger.entry import Entry, FiledCell
from duroxide_stress.ledger.metrics import DEFAULT
from duroxide_stress.reports.text import hanging, one_line, shortened
from duroxide_stress.units import NS_PER_SEC, format_ms

WIDTH = 80
MARK = {True: "", False: " *"}


def render(directory: Path, entries: Sequence[Entry], found: int, width: int | None = None) -> str:
    """Every entry with its cells below it, the newest last; `found` is how many there are in all."""
    room = min(width or WIDTH, 120)
    head = f"Ledger {one_line(str(directory))}: {found} run{'' if found == 1 else 's'}"
    if len(entries) < found:
        head += f", the newest {len(entries)} of them here"
    blocks = [head, *("\n".join(_entry(entry, room)) for entry in entries)]
    if any(not cell.counts for entry in entries for cell in entry.cells):
        blocks.append(
            hanging(
                "* does not count in trends: its figures are not trustworthy, or a promise was "
                "violated.",
                room,
                indent=0,
            )
        )
    return "\n\n".join(blocks) + "\n"


def document(entries: Sequence[Entry]) -> str:
    """The entries as a JSON list with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(entries), indent=2).decode() + "\n"


def day(started_ns: int) -> str:
    """When a run began, to the minute, in this machine's time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(started_ns / NS_PER_SEC))


def commit(entry: Entry) -> str:
    """Its git commit, short; `+` where the directory was changed; empty outside git."""
    if entry.commit is None:
        return ""
    return one_line(entry.commit[:8]) + "+" * entry.commit.endswith("+")


def _entry(entry: Entry, width: int) -> Iterator[str]:
    about = (
        *(f"{entry.id}  {day(entry.started_ns)}", f"{entry.verdict}"),
        *(one_line(engine) for engine in entry.engines),
        *filter(None, (commit(entry), one_line(entry.label or ""))),
    )
    yield hanging("  ".join(about), width, indent=0)
    yield hanging(f"{one_line(entry.plan)} on {one_line(str(entry.machine))}", width)
    rows = [_row(cell) for cell in entry.cells]
    for row in _aligned([("", "", *("orch/sec", "P50", "P99")), *rows], width - 2):
        yield f"  {row}"


def _row(cell: FiledCell) -> tuple[str, ...]:
    where = f"{cell.scenario} {cell.provider} {cell.config}"
    if cell.repeat > 1:
        where += f" r{cell.repeat}"
    rate, *latencies = (cell.values.get(name) for name in DEFAULT)
    return (
        one_line(where),
        f"{cell.verdict}{MARK[cell.counts]}",
        "-" if rate is None else f"{rate:,.2f}/s",
        *(format_ms(value) for value in latencies),
    )


def _aligned(rows: Sequence[tuple[str, ...]], width: int) -> Iterator[str]:
    """The first column as wide as the others leave it, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first = min(widths[0], max(10, width - sum(widths[1:]) - 2 * (len(widths) - 1)))
    for where, verdict, *figures in rows:
        right = (text.rjust(room) for text, room in zip(figures, widths[2:], strict=True))
        line = [shortened(where, first).ljust(first), verdict.ljust(widths[1]), *right]
        yield "  ".join(line).rstrip()
