"""Where a host was made to kill itself, and what came of it: a row a moment, a column a pass.

Several promises may be broken in one cell; the word is that of the gravest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median_low
from typing import Any

import msgspec

from duroxide_stress.crashes import CRASH, MOMENTS, crash_of
from duroxide_stress.reports import findings
from duroxide_stress.reports.text import Heading, hanging, printable, table
from duroxide_stress.result import CellResult, CheckResult, RunResult
from duroxide_stress.verdict import Verdict

WORDS: dict[str, str] = {
    "lost": "what was acknowledged is gone",
    "doubled": "something was done or booked twice that must not be",
    "wrong": "a result, or what is booked, is not what it must be",
    "stuck": "an instance never ended",
    "failed": "an instance failed that must not",
    "broken": "another promise was broken, or the host died unasked",
    "not reached": "host-0 did not come there, and lived on",
    "unknown": "nothing is proven",
    "ok": "host-0 died there, and every promise was kept",
}
"""The words of the map, the gravest first."""
_BY_CHECK = {"durability": "lost", "completion": "stuck", "success": "failed"}
_OF_RESULTS = ("outputs", "determinism", "effects", "history", "books", "continuation", "messages")
_DOUBLED = ("again", "twice", "more than once", "more than one", "nobody scheduled")


class Spot(msgspec.Struct, frozen=True):
    """One cell of the map."""

    moment: str
    times: int
    word: str
    cell: CellResult

    @property
    def settled_ms(self) -> float | None:
        """Until all was over that was open when the host died."""
        known = [one.settled_ms for one in self.cell.recovery if one.name == CRASH]
        return known[0] if known else None


def spots(result: RunResult) -> tuple[Spot, ...]:
    """Every cell in which a host was to kill itself, in the order of the plan."""
    faults = {planned.key: planned.faults for planned in result.plan.cells}
    return tuple(
        Spot(*crash, _word(cell), cell)
        for cell in result.cells
        for text in faults.get(cell.recording, ())
        if (crash := crash_of(text)) is not None
    )


def render(result: RunResult, run: Path, width: int | None = None) -> str:
    """The whole report as text. `width` is the terminal's; None for a file or a pipe."""
    found = spots(result)
    first = result.cells[0]
    lines = [f"Verdict: {result.verdict.value}", f"Recording: {run}"]
    lines += [f"Repeat: {result.plan.command}"]
    lines += [f"Engine: {first.engine}"] if first.engine else []
    blocks = [
        "=== Duroxide Stress Test Crash Map ===",
        _setting(first),
        block(found, width),
        "\n".join(_not_ok(found, run, width)),
        "\n".join(lines),
    ]
    return printable("\n\n".join(filter(None, blocks)) + "\n")


def block(found: Sequence[Spot], width: int | None) -> str:
    """The map itself, with what its words mean."""
    passes = sorted({spot.times for spot in found})
    headings: list[Heading] = [
        ("Moment", "Moment"),
        *((f"Pass {times}", str(times)) for times in passes),
        ("Settled min/median/max", "Settled"),
    ]
    rows = [
        [moment, *(_worst(row, times) for times in passes), _settled(row)]
        for moment, row in _by_moment(found)
    ]
    used = {word: WORDS[word] for word in WORDS if any(spot.word == word for spot in found)}
    return "\n".join(
        [
            table(headings, rows, width),
            *(hanging(f"{word}: {meaning}", width, indent=0) for word, meaning in used.items()),
        ]
    )


def document(result: RunResult) -> str:
    """The ordinary result as JSON, and beside it the map as `crash_map`."""
    whole: dict[str, Any] = msgspec.to_builtins(result)
    whole["crash_map"] = [
        {
            "moment": spot.moment,
            "pass": spot.times,
            "word": spot.word,
            "settled_ms": spot.settled_ms,
            "recording": spot.cell.recording,
        }
        for spot in spots(result)
    ]
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _word(cell: CellResult) -> str:
    violated = [check for check in cell.checks if check.verdict is Verdict.VIOLATED]
    words = {_word_of(check) for check in violated}
    if cell.verdict is Verdict.VIOLATED:
        words.add("broken")
    elif cell.verdict is Verdict.UNKNOWN:
        words.add("unknown")
    struck = [one for one in cell.recovery_summary if one.name == CRASH]
    if any(one.skipped for one in struck) and not any(one.count for one in struck):
        words.add("not reached")
    return next((word for word in WORDS if word in words), "ok")


def _word_of(check: CheckResult) -> str:
    told = [finding.what for finding in (*check.findings, check.worst) if finding is not None]
    if check.name in _OF_RESULTS:
        doubled = any(mark in what for what in told for mark in _DOUBLED)
        return "doubled" if doubled else "wrong"
    return _BY_CHECK.get(check.name, "broken")


def _setting(cell: CellResult) -> str:
    s = cell.settings
    hosts = "1 host" if s.nodes == 1 else f"{s.nodes} hosts"
    return (
        f"{cell.provider_label} at {cell.config}, {hosts}, {s.max_concurrent} instances in flight\n"
        f"Locks: activities {s.worker_lock_timeout_ms} ms, "
        f"orchestrations {s.orchestrator_lock_timeout_ms} ms"
    )


def _by_moment(found: Sequence[Spot]) -> Iterator[tuple[str, list[Spot]]]:
    for moment in MOMENTS:
        row = [spot for spot in found if spot.moment == moment]
        if row:
            yield moment, row


def _worst(row: Iterable[Spot], times: int) -> str:
    """The word of a pass; of several cells of one pass the gravest."""
    words = {spot.word for spot in row if spot.times == times}
    return next((word for word in WORDS if word in words), "-")


def _settled(row: Iterable[Spot]) -> str:
    known = [spot.settled_ms for spot in row if spot.settled_ms is not None]
    if not known:
        return "-"
    figures = (min(known), median_low(known), max(known))
    return "/".join(f"{ms / 1000:.1f}" for ms in figures) + "s"


def _not_ok(found: Iterable[Spot], run: Path, width: int | None) -> Iterator[str]:
    """Of every cell that is not ok: what was found, and the words that repeat it."""
    for spot in found:
        if spot.word == "ok":
            continue
        cell = spot.cell
        where = f"{spot.moment}, pass {spot.times}"
        yield f"{where} ({cell.recording}): {spot.word}"
        yield hanging(f"moment: {MOMENTS[spot.moment]}", width, indent=4)
        broken = [check for check in cell.checks if check.verdict is Verdict.VIOLATED]
        for check in broken:
            yield from findings.shown(where, cell, check, run, width, repeat=False)
        if not broken:
            for why in cell.reasons:
                yield hanging(why, width, indent=4)
        if cell.command:
            yield f"    repeat: {cell.command}"
