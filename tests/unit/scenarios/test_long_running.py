"""Long-running: generations that fill the run, an hour of them within seconds."""

import pytest

from duroxide_stress.scenarios.long_running import SCENARIO

from ..virtual import cell
from .conftest import JudgedOf


@pytest.mark.parametrize(
    ("options", "config", "generations"),
    [
        ({"generations": 1}, {}, 1),
        ({"generations": 1_000, "period_ms": 1}, {"activity_delay_ms": 0}, 1_000),
        ({"period_ms": 3_600_000}, {}, 2),
        ({"period_ms": 100, "tasks": 100}, {"worker_concurrency": 100}, 11),
        ({"period_ms": 90}, {"warmup_secs": 1, "duration_secs": 2}, 30),
    ],
)
def test_as_many_generations_as_planned(
    judged: JudgedOf, options: dict[str, int], config: dict[str, int], generations: int
) -> None:
    """By option, or as many as fill warm-up and window; two at least, however long each takes."""
    run = judged("long-running", options, max_concurrent=3, **config)
    run.all_is_well()
    assert run.cell.launched == 3
    books = run.tables.rows("SELECT max(execution), count(*) FROM executions GROUP BY instance")
    assert books == [(generations, generations)] * 3
    outputs = [x["output"] for x in run.recorded.lines("ops", lambda x: x["type"] == "ok")]
    assert {output["generations"] for output in outputs} == {generations}


def test_an_hour_within_seconds(judged: JudgedOf) -> None:
    """Four instances live through it, 720 generations each, histories no longer at the end."""
    run = judged("long-running", {"period_ms": 4_990}, duration_secs=3_600, max_concurrent=4)
    run.all_is_well()
    assert (run.cell.launched, run.cell.completed) == (4, 4)
    hour = run.recorded.mark("window_end") - run.recorded.mark("window_begin")
    assert hour == 3_600 * 10**9
    assert run.figure("generations").count == pytest.approx(4 * 720, abs=8)
    assert run.figure("generations").value == pytest.approx(4 * 720 / 3_600, rel=0.01)
    size = run.figure("history of a generation").spread
    assert size is not None
    # Begin, key, status, timer set and fired, two activities there and back, end.
    assert size.p50 == size.max == 10
    time = run.figure("time per generation").spread
    assert time is not None
    assert time.p50 is not None
    assert 4_999 <= time.p50 <= 5_010


def test_an_hours_plan_is_made_at_once() -> None:
    """Each input's generations are gone through once, not once for each instance."""
    work = SCENARIO.workload(cell("long-running", duration_secs=3_600, max_concurrent=100))
    orders = [work.order(op) for op in range(100)]
    assert len({(o.input, o.expect.output["results"]) for o in orders}) == 2
    assert len(work._oracle._known) == 2


def test_nobody_takes_the_place_of_one_that_ended(judged: JudgedOf) -> None:
    """Instances that end before the window does leave their slots empty."""
    run = judged("long-running", {"generations": 2, "period_ms": 10}, duration_secs=3)
    run.all_is_well()
    assert run.cell.launched == run.cell.settings.max_concurrent
