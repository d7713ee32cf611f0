"""Injected faults and the hosts they struck: a table each, and in words what a table has no room for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from duroxide_stress.reports.text import Heading, hanging, table
from duroxide_stress.result import CellResult, RecoverySummary, Spread

Name = Callable[[CellResult], list[str]]
"""The cells of a row that say which cell of the result it is about."""

FAULT_COLUMNS: list[Heading] = [
    ("Provider", "Provider"),
    ("Config", "Config"),
    ("Fault", "Fault"),
    ("Count", "Done"),
    ("Skipped", "Skip"),
    ("Progress after P50/max", "Progress"),
    ("Former rate P50/max", "Rate back"),
    ("Backlog peak", "Queue"),
    ("Settled P50/max", "Settled"),
    ("Extra runs", "Extra"),
]
NODE_COLUMNS: list[Heading] = [
    ("Provider", "Provider"),
    ("Config", "Config"),
    ("Host", "Host"),
    ("Lives", "Lives"),
    ("Ready", "Ready"),
    ("Activities", "Act."),
    ("Activity/sec", "Act/s"),
    ("Peak memory", "Memory"),
    ("CPU", "CPU"),
    ("Killed", "Killed"),
    ("Died", "Died"),
    ("Stood still", "Still"),
]
NAMED = 5
"""Faults never healed that are named."""


def fault_table(cells: Sequence[CellResult], name: Name, width: int | None) -> str:
    """The faults of cells of one scenario, and lines under them; empty where there were none."""
    rows = [
        [*name(cell), *fault_row(summary)] for cell in cells for summary in cell.recovery_summary
    ]
    if not rows:
        return ""
    lines = [
        hanging(f"{' '.join(name(cell))}: {'; '.join(said)}", width, indent=0)
        for cell in cells
        if (said := list(remarks(cell)))
    ]
    return "\n".join(["Faults", table(FAULT_COLUMNS, rows, width), *lines])


def node_table(cells: Sequence[CellResult], name: Name, width: int | None) -> str:
    """The hosts of cells that had several, or one that lived more than once."""
    rows = [[*name(cell), *row] for cell in cells for row in node_rows(cell)]
    return "\n".join(["Nodes", table(NODE_COLUMNS, rows, width)]) if rows else ""


def node_rows(cell: CellResult) -> list[list[str]]:
    """The hosts of a cell from their name on; nothing where one served and lived once."""
    if len(cell.nodes) == 1 and cell.nodes[0].lives == 1:
        return []
    return [
        [
            node.host,
            str(node.lives),
            f"{node.ready_secs:.1f}s",
            str(node.activities),
            "-" if node.activities_per_sec is None else f"{node.activities_per_sec:.2f}",
            "-" if node.rss_peak_mb is None else f"{node.rss_peak_mb:.0f} MiB",
            "-" if node.cpu_cores is None else f"{node.cpu_cores:.2f}",
            str(node.killed),
            str(node.died),
            str(node.paused + node.frozen),
        ]
        for node in cell.nodes
    ]


def fault_row(summary: RecoverySummary) -> list[str]:
    """One fault's columns, from its name on."""
    peak, extra = summary.backlog_peak.max, summary.extra_executions
    return [
        summary.name,
        str(summary.count),
        str(summary.skipped),
        _pair(summary.first_progress_ms),
        _pair(summary.former_rate_ms),
        "-" if peak is None else f"{peak:.0f}",
        _pair(summary.settled_ms),
        "-" if extra is None else str(extra),
    ]


def _pair(spread: Spread) -> str:
    """Median and maximum in as few characters as tell them."""
    if not spread.samples + spread.never:
        return "-"
    (half, unit), (most, of) = _brief(spread.p50), _brief(spread.max)
    if (half, unit) == (most, of):
        return f"{half}{unit}"
    return f"{half}{'' if unit == of else unit}/{most}{of}"


def _brief(ms: float | None) -> tuple[str, str]:
    """A number and its unit; for what never came a word and none."""
    if ms is None:
        return "never", ""
    if ms < 999.5:
        return f"{ms:.0f}", "ms"
    return (f"{ms / 1000:.1f}" if ms < 9_950 else f"{ms / 1000:.0f}"), "s"


def remarks(cell: CellResult) -> Iterator[str]:
    """What was skipped and why, what was never healed, and what did not come back."""
    for one in cell.recovery_summary:
        if one.skipped:
            why = ", ".join(
                reason if times == one.skipped else f"{reason} (x {times})"
                for reason, times in one.skip_reasons.items()
            )
            yield f"{one.name} skipped {_times(one.skipped)}: {why}"
        if one.never_healed:
            names = ", ".join(one.never_healed[:NAMED])
            more = len(one.never_healed) - NAMED
            yield f"{one.name} never healed: {names}" + (f" and {more} more" if more > 0 else "")
        if one.first_progress_ms.never:
            yield f"nothing completed after {one.name} {_times(one.first_progress_ms.never)}"
        if one.former_rate_ms.never:
            yield (
                f"after {one.name} the former rate was not back within the window "
                f"{_times(one.former_rate_ms.never)}"
            )
        if one.settled_ms.never:
            yield f"{one.name} struck instances that never ended {_times(one.settled_ms.never)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
