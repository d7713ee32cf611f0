"""Sub-Orchestration Patterns: a parent over children, `depth` levels of `width` each.

parent ──┬── child ──┬── child ── activity        results are folded upward
         │           └── ...
         ├── child ──  ...
         └── then: a child that fails by plan ── handled, an activity undoes its work
"""

from __future__ import annotations

from itertools import pairwise

from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Attempt, Child, Fail, Parallel, Program, Sequence
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario

MAX_LEAVES = 1600
"""Children on the lowest level of one instance."""


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """A root, a program per level, the leaf's work, and the child that fails."""
    width, depth = settings["width"], settings["depth"]
    work = Activity(cell.config.activity_delay_ms)
    levels = [f"level-{n}" for n in range(1, depth + 1)]
    programs: dict[str, Program] = {
        name: Parallel((Child(below),) * width) for name, below in pairwise(levels)
    }
    programs[levels[-1]] = Sequence((work,))
    programs["failing"] = Sequence((work, Fail()))
    handled = Attempt(Child("failing"), undo=work)
    programs["sub-orchestrations"] = Sequence((Parallel((Child(levels[0]),) * width), handled))
    return programs


def clash(settings: Settings) -> str:
    """Each option within its limits can still make a family that no store holds."""
    width, depth = settings["width"], settings["depth"]
    if width**depth <= MAX_LEAVES:
        return ""
    return (
        f"sub-orchestrations.width={width} with depth={depth} gives {width**depth} children on the "
        f"lowest level (width to the power of depth), the limit is {MAX_LEAVES}"
    )


SCENARIO = TreeScenario(
    name="sub-orchestrations",
    title="Sub-Orchestration Patterns",
    summary="Parents over children, some levels deep, one child failing by plan.",
    build=build,
    clash=clash,
    options=(
        Option("width", 3, 1, 40, "children of each parent"),
        Option("depth", 2, 1, 6, f"levels of children; width**depth is at most {MAX_LEAVES}"),
    ),
)
