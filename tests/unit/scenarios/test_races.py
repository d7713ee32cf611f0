"""Races: seven kinds in turn, who wins when nothing else is to be done, and what becomes of losers."""

import pytest

from duroxide_stress.program import Activity, Child, Race, Timer
from duroxide_stress.scenarios.races import SCENARIO

from ..virtual import cell
from .conftest import FEW, Judged, JudgedOf

ALONE = [0, 0, 1, 0, 1, 1, 1]
"""The winners of the seven kinds on an engine with nothing else to do."""


def winners(run: Judged) -> list[list[int]]:
    """Who won each race, of every instance."""
    lines = run.recorded.lines("ops", lambda line: line["type"] == "ok")
    return [[race["winner"] for race in line["output"]] for line in lines]


@pytest.mark.parametrize("count", [1, 2, 7, 10, 100])
def test_the_faster_side_wins(judged: JudgedOf, count: int) -> None:
    """Each race is seen and judged, and goes to the side that takes less time."""
    run = judged("races", {"count": count}, **FEW)
    run.all_is_well(*({"timers", "children"} if count < 7 else ()))
    assert winners(run) == [[ALONE[n % 7] for n in range(count)]] * run.cell.launched
    assert run.seen("races") == count * run.cell.launched


@pytest.mark.parametrize(
    ("options", "won"),
    [
        ({"long_ms": 0}, [1, 0, 0, 0, 1, 1, 1]),
        ({"late_ms": 0, "soon_ms": 60_000}, [0, 1, 0, 0, 0, 0, 0]),
        ({"long_ms": 60_000, "soon_ms": 0}, [0, 0, 1, 0, 1, 1, 0]),
    ],
)
def test_either_side_may_win(judged: JudgedOf, options: dict[str, int], won: list[int]) -> None:
    """At the limits of the options the other side is faster, and that is as right: even a child, when
    lost activities hold every worker."""
    run = judged("races", options, **FEW)
    run.all_is_well()
    assert winners(run) == [won] * run.cell.launched


def test_a_lost_child_is_cancelled_with_its_own(judged: JudgedOf) -> None:
    """The child hears that it lost, its child that the parent was cancelled; the winner completes."""
    run = judged("races", **FEW)
    ends = run.tables.rows(
        "SELECT DISTINCT orchestration, status, error FROM executions WHERE parent IS NOT NULL "
        "ORDER BY orchestration"
    )
    assert ends == [
        ("hare", "Completed", None),
        ("tortoise", "Failed", "canceled: parent dropped sub-orchestration future"),
        ("tortoise-below", "Failed", "canceled: parent canceled"),
    ]


@pytest.mark.parametrize("child_ms", [10, 30, 60_000])
def test_a_child_that_is_cancelled_before_it_calls_its_own(judged: JudgedOf, child_ms: int) -> None:
    """Or in that very turn: whatever it had called follows, and what it had not is never begun."""
    run = judged("races", {"child_ms": child_ms}, **FEW)
    run.all_is_well()
    ends = dict(run.tables.rows("SELECT orchestration, status FROM executions"))
    below = {"tortoise-below": "Failed"} if child_ms <= 30 else {}
    assert ends == {"races": "Completed", "hare": "Completed", "tortoise": "Failed", **below}


def test_races_have_figures(judged: JudgedOf) -> None:
    """How many were won, and what the losers cost: both long activities run on when workers are free."""
    run = judged("races", max_concurrent=1, worker_concurrency=4, duration_secs=2)
    rate, ran_on = run.figure("races"), run.figure("lost activities run to the end")
    assert rate.value == rate.count / 2 > 10
    assert (ran_on.unit, ran_on.value) == ("%", 100)
    cancel = run.figure("win to cancel of the loser").spread
    assert cancel is not None
    assert (cancel.p50, cancel.max) == (0, 0)
    # Of 100 ms the winner took ten, or the timer thirty; a third loser is as fast as its winner.
    after = run.figure("run of a lost activity after its cancel").spread
    assert after is not None
    assert after.max == 89


def test_the_program_is_what_the_options_say() -> None:
    """Seven kinds in turn, as many as asked for."""
    options = {"races": {"count": 9, "long_ms": 4, "soon_ms": 2, "late_ms": 3, "child_ms": 1}}
    work = SCENARIO.workload(cell("races", options))
    assert work.roots == ("races",)
    assert work.programs["races"].steps == (  # type: ignore[union-attr]
        Race(Activity(10), Activity(4)),
        Race(Activity(10), Timer(3)),
        Race(Activity(4), Timer(2)),
        Race(Timer(10), Activity(10)),
        Race(Timer(3), Timer(2)),
        Race(Child("tortoise"), Timer(2)),
        Race(Timer(3), Child("hare")),
        Race(Activity(10), Activity(4)),
        Race(Activity(10), Timer(3)),
    )
    assert work.programs["tortoise"].steps == (  # type: ignore[union-attr]
        Timer(1),
        Child("tortoise-below"),
        Activity(10),
    )


def test_either_end_of_every_race_is_expected() -> None:
    """Nothing is said of who wins; of two activities one must have run, and of the rest none."""
    order = SCENARIO.workload(cell("races")).order(0)
    owed = [[side["winner"] for side in race["$any"]] for race in order.expect.output]
    assert owed == [[0, 1]] * 7
    assert (order.expect.activities, order.expect.alike) == (1, "")
    assert order.expect.events == {
        "OrchestrationStarted": 1,
        "OrchestrationCompleted": 1,
        "ActivityScheduled": 5,
        "TimerCreated": 7,
        "SubOrchestrationScheduled": 2,
    }
