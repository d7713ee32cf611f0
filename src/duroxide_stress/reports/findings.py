"""What was found, for people: of each broken promise the first finding, the worst and how many there
are, where the story of each instance is, and the words that repeat the cell."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from duroxide_stress.reports.text import cut, hanging, one_line, printable
from duroxide_stress.result import CellResult, CheckResult, Finding, RunResult
from duroxide_stress.verdict import Verdict


class Broken(msgspec.Struct, frozen=True):
    """A promise that one cell broke."""

    cell: str
    """The cell's directory within the run."""
    check: str
    promise: str
    found: int
    seen: int
    unit: str
    first: Finding
    """By the op that started its instance."""
    worst: Finding | None
    """Null where the check weighs none."""
    command: str
    """The words that repeat the cell."""


def broken(result: RunResult) -> tuple[Broken, ...]:
    """Every broken promise of a run, cell by cell."""
    return tuple(
        Broken(
            cell=cell.recording,
            check=check.name,
            promise=check.promise,
            found=check.found,
            seen=check.seen,
            unit=check.unit,
            first=check.findings[0],
            worst=check.worst,
            command=cell.command,
        )
        for cell in result.cells
        for check in cell.checks
        if check.verdict is Verdict.VIOLATED and check.findings
    )


def shown(
    where: str, cell: CellResult, check: CheckResult, run: Path, width: int | None, *, repeat: bool
) -> list[str]:
    """A broken promise in lines; `where` names its cell, `repeat` adds the cell's command."""
    found = f"{where}, {check.name}: {check.found} found in {check.seen} {check.unit}"
    lines = [hanging(found, width)]
    pair = list(told(check.findings[0], check.worst)) if check.findings else []
    for label, finding in pair:
        lines += _finding(label, finding, run, width)
    if pair and check.found > len(pair):
        more = check.found - len(pair)
        lines.append(f"    ... and {more} more; result.json lists {len(check.findings)}")
    if repeat and cell.command:
        lines.append(f"    repeat: {cell.command}")
    return lines


def listing(result: RunResult, run: Path, width: int | None = None) -> str:
    """The instances that findings name, to choose one from; safe on a terminal."""
    lines: list[str] = []
    for found in broken(result):
        counted = f"{found.check}: {found.found} found in {found.seen} {found.unit}"
        lines.append(hanging(f"{found.cell}, {counted}", width, indent=0))
        lines.append(hanging(f"promised: {found.promise}", width))
        for label, finding in told(found.first, found.worst):
            lines += _finding(label, finding, run, width, indent=2)
    if not lines:
        any_one = shlex.join(["duroxide-stress", "show", str(run), "INSTANCE"])
        lines = ["No finding names an instance.", f"Any instance's story: {any_one}"]
    return printable("\n".join(lines) + "\n")


def story_command(run: Path | str, instance: str) -> str:
    """The words that show an instance's story, as a shell reads them."""
    return shlex.join(["duroxide-stress", "show", str(run), one_line(instance)])


def told(first: Finding, worst: Finding | None) -> Iterator[tuple[str, Finding]]:
    """The findings that are worth a line, each with what it is called."""
    if worst is None or worst == first:
        yield "first" if worst is None else "first and worst", first
        return
    yield "first", first
    yield "worst", worst


def _finding(
    label: str, finding: Finding, run: Path, width: int | None, indent: int = 4
) -> list[str]:
    instance = f"{cut(finding.instance)}: " if finding.instance else ""
    words = f"{label}: {instance}{finding.what}: {cut(finding.detail)}"
    lines = [hanging(words, width, indent=indent)]
    if finding.instance:  # to be copied whole, so it is never wrapped
        lines.append(f"{' ' * (indent + 2)}story: {story_command(run, finding.instance)}")
    return lines
