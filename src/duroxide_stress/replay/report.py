"""A replay for a terminal or a log, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from duroxide_stress.replay.result import CellReplay, Place, ReplayResult
from duroxide_stress.reports.text import hanging, printable
from duroxide_stress.verdict import Verdict


def render(result: ReplayResult, run: Path, width: int | None = None) -> str:
    """The whole report as text. `width` is the terminal's; None for a file or a pipe."""
    blocks = ["=== Duroxide Stress Test Replay ==="]
    blocks += ["\n".join(_cell(cell, width)) for cell in result.cells]
    blocks.append("\n".join(_verdict(result, run, width)))
    return printable("\n\n".join(blocks) + "\n")


def document(result: ReplayResult) -> str:
    """The result as indented JSON with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n"


def _cell(cell: CellReplay, width: int | None) -> Iterator[str]:
    yield hanging(f"{cell.recording}, with the code of {cell.scenario}", width, indent=0)
    counts = [
        f"replayed {_count(cell.instances, 'instance')}",
        _count(cell.executions, "execution"),
        _count(cell.events, "event"),
    ]
    if cell.resumable:
        counts.append(f"{cell.resumable} without an end, resumable so far")
    yield hanging(", ".join(counts), width)
    if cell.changed_delays:
        timers = _count(cell.changed_delays, "timer")
        yield hanging(f"note: {timers} would be set for another time, which is allowed", width)
    for place in cell.places:
        yield from _place(place, width)


def _place(place: Place, width: int | None) -> Iterator[str]:
    first = place.examples[0]
    what = f"{place.orchestration} {place.version}: {_count(place.count, 'instance')} differ"
    yield hanging(f"{what}{'s' if place.count == 1 else ''}", width)
    yield hanging(f"history, event {first.event_id}: {first.history}", width, indent=4)
    yield hanging(f"code: {first.code}", width, indent=4)
    more = " ..." if place.count > len(place.examples) else ""
    names = ", ".join(_name(e.instance, e.execution) for e in place.examples)
    yield hanging(f"in {names}{more}", width, indent=4)


def _verdict(result: ReplayResult, run: Path, width: int | None) -> Iterator[str]:
    yield f"Verdict: {result.verdict.value}"
    for cell in result.cells:
        if cell.verdict is not Verdict.OK:
            yield hanging(f"{cell.recording}: {cell.verdict.value}", width)
        if cell.different:
            differ = f"{cell.different} of {_count(cell.instances, 'instance')} differ"
            yield hanging(f"{differ} from what the code does now", width, indent=4)
        for reason in cell.reasons:
            yield hanging(reason, width, indent=4)
    yield f"Recording: {run}"


def _name(instance: str, execution: int) -> str:
    return instance if execution == 1 else f"{instance} (execution {execution})"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
