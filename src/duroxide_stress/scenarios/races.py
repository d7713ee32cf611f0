"""Races: two sides start together, the first to end wins, the loser is cancelled.

start ── race ──┬─ activity ─────┬── race ──┬─ activity ─┬── race ──┬─ child ──┬── ... ── end
                └─ long activity ┘          └─ timer ────┘          └─ timer ──┘
                   cancelled                   late or soon            cancelled, and its own child

An instance runs its races one after another and returns who won each, with the winner's result. Which
side that is stands in the history, not in the program: either may win on a machine that is slow enough.
"""

from __future__ import annotations

from itertools import cycle, islice

from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Child, Program, Race, Sequence, Timer
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """The races in turn, and the two children that take part in them.

    The child that loses has called its own when the cancel comes, in its first turn: Duroxide 0.2.2
    blocks its queue for good when a cancel meets the turn in which a child is called. With `child_ms`
    equal to `soon_ms` it does.
    """
    work = Activity(cell.config.activity_delay_ms)
    long = Activity(settings["long_ms"])
    soon, late = Timer(settings["soon_ms"]), Timer(settings["late_ms"])
    before = (Timer(settings["child_ms"]),) if settings["child_ms"] else ()
    races = (
        Race(work, long),
        Race(work, late),
        Race(long, soon),
        Race(Timer(cell.config.activity_delay_ms), work),
        Race(late, soon),
        Race(Child("tortoise"), soon),
        Race(late, Child("hare")),
    )
    return {
        "races": Sequence(tuple(islice(cycle(races), settings["count"]))),
        "tortoise": Sequence((*before, Child("tortoise-below"), work)),
        "tortoise-below": Sequence((work, late, work)),
        "hare": Sequence((work,)),
    }


SCENARIO = TreeScenario(
    name="races",
    title="Races",
    summary="Activities, timers and children race in pairs; the loser is cancelled, its result dropped.",
    build=build,
    options=(
        Option("count", 7, 1, 100, "races of each instance, of seven kinds in turn"),
        Option("long_ms", 100, 0, 60_000, "the activity that should lose"),
        Option("soon_ms", 30, 0, 60_000, "the timer that is due sooner"),
        Option("late_ms", 30_000, 0, 3_600_000, "the timer that is due later"),
        Option(
            "child_ms", 0, 0, 60_000, "the timer before the child that should lose calls its own"
        ),
    ),
)
