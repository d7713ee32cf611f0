"""Timer-Based Orchestrations: durable timers in every arrangement operators meet.

    start ── timer ── timer ──┬─ timer d+1 ─┬──┬─ timer d ─┬── race ──┬─ timer (long) ─┬── end
                              ├─ timer d+2 ─┤  ├─ timer d ─┤          └─ activity ─────┘
                              └─ ...        ┘  └─ ... herd ┘

Sequential timers, timers spread over time, a herd due at one instant, and a timeout that races an
activity and should lose. Its own figure is lateness: fired minus due, never negative.
"""

from __future__ import annotations

from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Parallel, Program, Race, Sequence, Timer
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """One program with all four arrangements."""
    delay, count, herd = settings["delay_ms"], settings["count"], settings["herd"]
    return {
        "timers": Sequence(
            (
                Timer(delay),
                Timer(delay),
                Parallel(tuple(Timer(delay + 10 * n) for n in range(1, count + 1))),
                Parallel((Timer(delay),) * herd),
                Race(Timer(settings["timeout_ms"]), Activity(cell.config.activity_delay_ms)),
            )
        )
    }


SCENARIO = TreeScenario(
    name="timers",
    title="Timer-Based Orchestrations",
    summary="Sequential, spread and simultaneous durable timers, and one racing an activity.",
    build=build,
    options=(
        Option("delay_ms", 50, 0, 3_600_000, "the shortest timer"),
        Option("count", 5, 1, 500, "parallel timers, 10 ms apart"),
        Option("herd", 5, 1, 500, "timers due at one instant"),
        Option("timeout_ms", 30_000, 1, 3_600_000, "the timer that races an activity"),
    ),
)
