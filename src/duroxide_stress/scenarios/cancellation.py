"""Cancellation: clients cancel instances at random moments of their lives.

    start ── activity ── timer ── child: activity ── timer ── activity ── activity ── end
         ▲                                                                   ▲
         └──────────── cancel at a moment drawn from the seed ───────────────┘ (or a little after)

The end is a right completion or `canceled: <reason>`, never both and never neither. Children follow, and
nothing of a cancelled instance begins to run afterwards.
"""

from __future__ import annotations

import msgspec

from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Child, Program, Sequence, Timer
from duroxide_stress.scenarios.base import Action, Order
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario
from duroxide_stress.seeds import stream

REASON = "enough of it"


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """A line of work with a child in its middle."""
    work, pause = Activity(cell.config.activity_delay_ms), Timer(settings["pause_ms"])
    return {
        "cancellation": Sequence((work, pause, Child("bystander"), work)),
        "bystander": Sequence((work, pause, work)),
    }


def dress(cell: Cell, settings: Settings, order: Order) -> Order:
    """A cancel at a moment of its own for each instance, most of them within its life."""
    moment = stream(cell.config.seed, cell.work, "cancel", order.op)
    after_ms = moment.randrange(settings["within_ms"] + 1)
    return msgspec.structs.replace(
        order,
        actions=(Action("cancel", after_ms=after_ms, data=REASON),),
        expect=msgspec.structs.replace(order.expect, canceled=f"canceled: {REASON}", alike=""),
    )


SCENARIO = TreeScenario(
    name="cancellation",
    title="Cancellation",
    summary="Clients cancel at random moments; children follow, nothing runs on.",
    build=build,
    dress=dress,
    options=(
        Option("pause_ms", 100, 0, 60_000, "the timers in the line of work"),
        Option("within_ms", 1_500, 0, 600_000, "cancels come at most this long after the start"),
    ),
)
