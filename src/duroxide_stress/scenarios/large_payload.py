"""Large payloads: 10, 50 and 100 KB in and out of activities, and a child that does the same.

    start ── activity 10 % ── activity 50 % ── activity 100 % ── child: activity 100 % ── digests

Activity and orchestration each take a digest of what they received, so contents are verified on both
sides, not only sizes; the digests are the result.
"""

from __future__ import annotations

from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Child, Program, Sequence
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """Three sizes in a row, then a child with the largest."""
    largest = settings["max_kb"] * 1024
    sizes = (max(1, largest // 10), max(1, largest // 2), largest)
    delay = cell.config.activity_delay_ms
    steps = tuple(Activity(delay, payload_bytes=size) for size in sizes)
    return {
        "large-payload": Sequence((*steps, Child("courier"))),
        "courier": Sequence((steps[-1],)),
    }


SCENARIO = TreeScenario(
    name="large-payload",
    title="Large Payloads",
    summary="Activities and children with inputs and outputs of 10, 50 and 100 KB, verified.",
    build=build,
    options=(Option("max_kb", 100, 1, 1024, "the largest payload; the others are 10 and 50 %"),),
)
