"""Failures by plan: what must fail fails, what must recover recovers.

    flaky     activity that fails twice under a retry policy, then succeeds ── Completed
    doomed    activity that fails for good                                  ── Failed, with its words
    saga      book ── pay ── ship (fails) ── undo pay ── undo book          ── Completed
    timeout   activity that outlasts its timeout, handled                   ── Completed

Instances take turns over the four. An expected failure is a success of the test.
"""

from __future__ import annotations

from duroxide_stress.plan import Cell
from duroxide_stress.program import Activity, Attempt, Program, Retry, Sequence
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import Settings, TreeScenario

FOR_GOOD = 1_000_000


def build(cell: Cell, settings: Settings) -> dict[str, Program]:
    """Four roots."""
    delay, fails = cell.config.activity_delay_ms, settings["fails"]
    work = Activity(delay)
    never = Activity(delay, fails=FOR_GOOD)
    timeout_ms = settings["timeout_ms"]
    too_long = Activity(timeout_ms * 3, retry=Retry(1, timeout_ms=timeout_ms))
    return {
        "failures-flaky": Sequence((Activity(delay, fails=fails, retry=Retry(fails + 1)), work)),
        "failures-doomed": Sequence((work, never)),
        "failures-saga": Attempt(Sequence((work, work, never)), undo=Sequence((work, work))),
        "failures-timeout": Attempt(too_long, undo=work),
    }


SCENARIO = TreeScenario(
    name="failures",
    title="Failures by Plan",
    summary="Activities that fail and are retried, fail for good, time out, and a saga that undoes.",
    build=build,
    options=(
        Option("fails", 2, 1, 5, "failed attempts before a flaky activity succeeds"),
        Option(
            "timeout_ms", 50, 10, 60_000, "timeout of an activity that takes three times as long"
        ),
    ),
)
