"""Timers: the four arrangements, their lateness, and an hour of waiting."""

import pytest

from duroxide_stress.program import Activity, Race, Timer
from duroxide_stress.scenarios.timers import SCENARIO

from ..virtual import cell
from .conftest import FEW, JudgedOf

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"delay_ms": 0, "count": 1, "herd": 1, "timeout_ms": 1},
        {"delay_ms": 7, "count": 20, "herd": 50},
        {"delay_ms": HOUR_MS, "timeout_ms": HOUR_MS},
        {"count": 500, "herd": 500},
    ],
)
def test_every_timer_fires_once_and_never_early(judged: JudgedOf, options: dict[str, int]) -> None:
    """Also an hour's timers, which take an hour of virtual time, and a herd of five hundred."""
    run = judged("timers", options, **FEW)
    run.all_is_well()
    given = {"count": 5, "herd": 5, **options}
    fired = run.tables.rows(
        "SELECT count(*), count(DISTINCT event_id) FROM timers GROUP BY instance"
    )
    timers = 2 + given["count"] + given["herd"]
    # The race's timer fires where it is shorter than the activity of 10 ms.
    won = options.get("timeout_ms") == 1
    assert set(fired) == {(timers + won,) * 2}
    assert run.seen("timers") == sum(count for count, _ in fired)


def test_lateness_is_fired_minus_due(judged: JudgedOf) -> None:
    """Alone, a timer waits for one turn of 1 ms; a herd on one slot stands in its own way."""
    alone = judged("timers", {"herd": 1, "count": 1}, **{**FEW, "duration_secs": 2})
    spread = alone.figure("timer lateness").spread
    assert spread is not None
    assert (spread.p50, spread.max) == (1, 1)
    assert alone.figure("timer lateness").unit == "ms"


def test_more_instances_on_one_slot_make_timers_late(judged: JudgedOf) -> None:
    """Forty instances whose timers come due get their turns one by one."""
    run = judged("timers", {"herd": 1, "count": 1}, max_concurrent=40, orch_concurrency=1)
    spread = run.figure("timer lateness").spread
    assert spread is not None
    assert spread.p50 is not None
    assert spread.max is not None
    assert spread.p50 >= 1
    assert spread.max >= 4


@pytest.mark.parametrize(("timeout_ms", "winner"), [(5, 0), (30_000, 1)])
def test_the_race_goes_to_the_shorter(judged: JudgedOf, timeout_ms: int, winner: int) -> None:
    """Either end is right, and the shorter side wins on an engine with nothing else to do."""
    run = judged("timers", {"timeout_ms": timeout_ms}, **FEW)
    run.all_is_well()
    for line in run.recorded.lines("ops", lambda line: line["type"] == "ok"):
        assert line["output"][-1]["winner"] == winner


def test_the_program_is_what_the_options_say() -> None:
    """Sequence, spread, herd, race, in this order."""
    options = {"timers": {"delay_ms": 3, "count": 2, "herd": 4, "timeout_ms": 9}}
    program = SCENARIO.workload(cell("timers", options)).programs["timers"]
    first, second, spread, herd, race = program.steps  # type: ignore[union-attr]
    assert (first, second) == (Timer(3), Timer(3))
    assert spread.steps == (Timer(13), Timer(23))
    assert herd.steps == (Timer(3),) * 4
    assert race == Race(Timer(9), Activity(10))
