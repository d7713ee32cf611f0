"""A search as text: a table a grid point, what it means, and what is recommended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from duroxide_stress.capacity.result import CapacityResult, Offering, Point
from duroxide_stress.reports.text import Heading, hanging, printable, table
from duroxide_stress.units import format_duration, format_ms

HEADINGS: list[Heading] = [
    ("Rate offered", "Offered"),
    ("Completed/s", "Done/s"),
    ("P50", "P50"),
    ("P95", "P95"),
    ("P99", "P99"),
    ("Success", "Success"),
    ("Holds", "Holds"),
    ("Why not", "Why not"),
]
WIDTH = 80
WHY = 26
"""Characters of a reason that the table has room for; the whole of it is in the JSON."""


def render(result: CapacityResult, directory: Path, width: int | None = None) -> str:
    """The whole report. `width` is the terminal's; 80 columns for a file or a pipe."""
    room = min(width or WIDTH, 120)
    head = f"=== Duroxide Stress Test Capacity ===\nObjective: {result.slo}"
    head += f", success {result.success:g} %, {result.arrivals} arrivals"
    blocks = [head, *("\n".join(_point(point, room)) for point in result.points)]
    blocks += ["\n".join(_recommended(result, room)), "\n".join(_broken(result, room))]
    last = [f"Recording: {directory}", f"Repeat: {result.command}"]
    if result.interrupted:
        last.insert(0, "Interrupted: this is what was known.")
    blocks.append("\n".join(last))
    return printable("\n\n".join(filter(None, blocks)) + "\n")


def _point(point: Point, width: int) -> Iterator[str]:
    probe = point.probe_per_sec
    closed = "" if probe is None else f"; a closed loop completed {probe:.1f}/s"
    yield hanging(f"{point.scenario} on {point.label} at {point.config}{closed}", width, indent=0)
    if point.offered:
        yield table(HEADINGS, [_row(one) for one in point.by_rate], width)
    yield hanging(_capacity(point), width, indent=0)
    if point.offered:
        knee = "none seen" if point.knee is None else f"{point.knee:g}/s"
        yield hanging(f"Binds: {_binds(point)}. Knee (P50 doubled): {knee}.", width, indent=0)
    doubtful = [one for one in point.offered if one.distrust]
    if doubtful:
        rates = ", ".join(f"{one.step.rate:g}" for one in doubtful)
        yield hanging(f"Not trustworthy at {rates}/s: {doubtful[0].distrust[0]}", width, indent=0)


def _row(one: Offering) -> list[str]:
    step = one.step
    why = step.why if len(step.why) <= WHY else f"{step.why[: WHY - 3]}..."
    return [
        f"{step.rate:g}/s",
        f"{step.completed_per_sec:.1f}",
        *(format_ms(ms) for ms in (step.p50, step.p95, step.p99)),
        "-" if step.success is None else f"{step.success:.4g}%",
        step.word,
        why,
    ]


def _capacity(point: Point) -> str:
    if point.low is None:
        tried = f"; {point.high:g}/s was the lowest that was offered" if point.high else ""
        return f"Capacity: none found: {point.stopped}{tried}."
    high = "no rate above it was seen to fail"
    if point.high is not None:
        high = f"bracket {point.low:g}..{point.high:g}"
    said = f"Capacity: {point.low:g}/s ({high})"
    if not point.confirmed:
        return f"{said}, held for some seconds and not confirmed: {point.stopped}."
    return f"{said}." if point.close else f"{said}; {point.stopped}."


def _binds(point: Point) -> str:
    low, high = point.at(point.low), point.at(point.high)
    said = [f"{one.bound_by} at {one.step.rate:g}/s" for one in (low, high) if one is not None]
    return ", ".join(said)


def _recommended(result: CapacityResult, width: int) -> Iterator[str]:
    best = result.best
    if best is None:
        yield hanging(
            "Nothing to recommend: no rate was found that holds; a larger --budget, or a "
            f"looser --slo (the budget was {format_duration(result.budget_secs)})",
            width,
            indent=0,
        )
        return
    at = best.at(best.low)
    doubts = ["not confirmed"] if not best.confirmed else []
    doubts += ["its figures are not trustworthy"] if at is not None and at.distrust else []
    said = f"Recommended: {best.label} ({best.provider}) at {best.config}, {best.low:g}/s"
    if doubts:
        said += f" ({', '.join(doubts)})"
    yield hanging(f"{said}. See that 90 % of it holds {result.slo}:", width, indent=0)
    yield f"  {best.verify}"


def _broken(result: CapacityResult, width: int) -> Iterator[str]:
    for text in result.broken:
        yield hanging(f"Violated: {text}", width, indent=0)
