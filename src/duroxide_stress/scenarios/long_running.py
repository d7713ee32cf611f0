"""Long-Running Orchestrations: periodic work by continue-as-new, through the whole run.

    ┌─▶ set status and key ── timer (period) ── fan-out of activities ── continue as new ─┐
    └──────────────────────── G generations, a history each ◀────────────────────────────┘

As many instances as run at once, each sized to last through warm-up and window; nothing replaces
them. The output carries a digest chain over every generation's results, so a lost or doubled
generation cannot come out right. Its own figures: generations per second, time per generation,
history size per generation.
"""

from __future__ import annotations

from math import ceil

from duroxide_stress.oracle import Oracle
from duroxide_stress.plan import Cell
from duroxide_stress.program import (
    Activity,
    Generations,
    Parallel,
    Program,
    Publish,
    Sequence,
    Timer,
)
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """A body of one period, as often as fits into the run (or as `generations` says)."""
    config = cell.config
    work = Parallel((Activity(config.activity_delay_ms),) * settings["tasks"])
    body = Sequence((Publish(), Timer(settings["period_ms"]), work))
    body_ms = Oracle({"body": body}).forecast("body", "", 0).min_ms
    run_ms = 1000 * (config.warmup_secs + config.duration_secs)
    count = settings["generations"] or max(2, ceil(run_ms / max(1, body_ms)))
    return {"long-running": Generations(count, body)}


SCENARIO = TreeScenario(
    name="long-running",
    title="Long-Running Orchestrations",
    summary="Orchestrations that live through the whole run by continue-as-new.",
    build=build,
    options=(
        Option("period_ms", 500, 1, 3_600_000, "the timer between two rounds of work"),
        Option("tasks", 2, 1, 100, "activities per generation"),
        Option("generations", 0, 0, 1_000_000, "how many; 0 fills warm-up and window"),
    ),
    lasting=True,
)
