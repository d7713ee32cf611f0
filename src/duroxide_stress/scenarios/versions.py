"""Versions: a rolling upgrade in the middle of the load.

    node 0, code 1.0.0   ──────────────────────────────┐ stops gracefully
    node 1, code 1.0.0 and 2.0.0          ready ─▶──────┴──────────────────────── serves alone
    instance of 1.0.0    start ── timer ── activity ── timer ── activity ── end   (crosses, keeps 1.0.0)
    instance of 2.0.0                              start ── activity ── timer ── ... ── end

Halfway through the window another node joins that has the old code and newer code beside it; then the
first node is told to stop. What began with the old code must end with it, on the new node. What begins
after the old node has gone must begin with the new code. The two versions do the same work in another
order, so an instance that is replayed by the wrong one fails, and one that changes over in the middle
gives an output that belongs to neither.
"""

from __future__ import annotations

import msgspec

from duroxide_stress.oracle import ANY, Oracle
from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Program, Sequence, Step, Timer
from duroxide_stress.scenarios.base import FIRST_VERSION, Order, Release
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario

NAME = "versions"
SECOND_VERSION = "2.0.0"


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """The old code: each turn a timer, then an activity."""
    timer, activity = _turn(cell, settings)
    return {NAME: Sequence((timer, activity) * settings["turns"])}


def release(cell: Cell, settings: Settings) -> Release:
    """The new code: each turn an activity, then a timer. Brought when half the window is over."""
    timer, activity = _turn(cell, settings)
    return Release(
        SECOND_VERSION,
        {NAME: Sequence((activity, timer) * settings["turns"])},
        cell.config.warmup_secs + cell.config.duration_secs / 2,
    )


def dress(cell: Cell, settings: Settings, order: Order) -> Order:
    """Either version's output may come out; which one it must be, the history says."""
    new = Oracle(release(cell, settings).programs)
    versions = {
        FIRST_VERSION: order.expect.output,
        SECOND_VERSION: new.forecast(NAME, order.instance, order.input).output,
    }
    expect = msgspec.structs.replace(
        order.expect, output={ANY: list(versions.values())}, versions=versions, alike=""
    )
    return msgspec.structs.replace(order, expect=expect)


def _turn(cell: Cell, settings: Settings) -> tuple[Step, Step]:
    return Timer(settings["pause_ms"]), Activity(cell.config.activity_delay_ms)


SCENARIO = TreeScenario(
    name=NAME,
    title="Versions: a Rolling Upgrade",
    summary="A node with newer code takes over; what runs keeps the version it began with.",
    build=build,
    release=release,
    dress=dress,
    options=(
        Option("turns", 5, 1, 500, "a timer and an activity each"),
        Option("pause_ms", 200, 0, 3_600_000, "the timer"),
    ),
)
