"""What was promised and what came of it: a row a promise, a column a cell."""

from __future__ import annotations

from collections.abc import Sequence

from duroxide_stress.reports.text import Heading, hanging, table
from duroxide_stress.result import CellResult, CheckResult
from duroxide_stress.verdict import Verdict


def promise_table(cells: Sequence[CellResult], width: int | None) -> str:
    """The verdicts of cells of one scenario; promises that none of them was asked about in one line.

    A terminal too narrow for the columns gets a line a cell instead: shortened names would be riddles.
    """
    judged = [cell for cell in cells if cell.checks]
    if not judged:
        return ""
    asked = [
        row for row in zip(*(cell.checks for cell in judged), strict=True) if any(map(_put, row))
    ]
    headings: list[Heading] = [(name, name) for name in ("Promise", *map(_name, judged))]
    rows = [[row[0].name, *map(short_verdict, row)] for row in asked]
    text = table(headings, rows, None)
    if width is not None and max(map(len, text.splitlines())) > width:
        lines = [
            hanging(_verdicts(cell, asked_of), width) for cell, asked_of in _by_cell(judged, asked)
        ]
        text = "\n".join(["Promises", *lines])
    silent = [
        check.name for check in judged[0].checks if check.name not in {r[0].name for r in asked}
    ]
    if silent:
        words = f"Not asked, for this run could not have shown it: {', '.join(silent)}"
        text += "\n" + hanging(words, width, indent=0)
    if any(short_verdict(check) == "(-)" for row in asked for check in row):
        text += "\n(-) not asked of this cell; it does not count"
    return text


def short_verdict(check: CheckResult) -> str:
    """One word for a table."""
    if check.verdict is Verdict.UNKNOWN and not check.asked:
        return "(-)"
    return check.verdict.value if check.verdict is not Verdict.VIOLATED else "VIOLATED"


def _put(check: CheckResult) -> bool:
    return short_verdict(check) != "(-)"


def _name(cell: CellResult) -> str:
    repeat = "" if cell.repeat == 1 else f" #{cell.repeat}"
    return f"{cell.provider_label} {cell.config}{repeat}"


def _by_cell(
    judged: Sequence[CellResult], asked: Sequence[tuple[CheckResult, ...]]
) -> list[tuple[CellResult, list[CheckResult]]]:
    return [(cell, [row[place] for row in asked]) for place, cell in enumerate(judged)]


def _verdicts(cell: CellResult, checks: Sequence[CheckResult]) -> str:
    return f"{_name(cell)}: " + ", ".join(f"{c.name} {short_verdict(c)}" for c in checks)
