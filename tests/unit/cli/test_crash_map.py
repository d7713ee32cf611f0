"""The plan of a crash map: a cell for every moment and pass."""

import shlex

import pytest

from duroxide_stress.cli.crash_map import LOAD, estimated_secs, map_plan
from duroxide_stress.crashes import MOMENTS
from duroxide_stress.errors import UsageError


def test_every_moment_at_every_pass() -> None:
    """Each cell a directory of its own, with the same small load."""
    plan = map_plan("sqlite-file", "parallel", [], 3, {"seed": 7, "nodes": 2})
    wanted = [f"crash:{moment},pass={times}" for moment in MOMENTS for times in (1, 4, 9)]
    assert [fault for cell in plan.cells for fault in cell.faults] == wanted
    assert len({cell.key for cell in plan.cells}) == len(wanted)
    for cell in plan.cells:
        assert str(cell.config.concurrency) == "2/2"
        assert (cell.config.seed, cell.config.nodes) == (7, 2)
        assert {name: getattr(cell.config, name) for name in LOAD} == LOAD


def test_each_moment_gets_a_scenario_that_comes_to_it() -> None:
    """Only what continues as new has anything between generations."""
    found = {
        (wanted, moment): map_plan("sqlite-file", wanted, [moment], 1, {}).cells[0]
        for wanted in ("parallel", "events", "long-running")
        for moment in ("activity-end", "between-generations")
    }
    assert {key: cell.scenario for key, cell in found.items()} == {
        ("parallel", "activity-end"): "parallel",
        ("parallel", "between-generations"): "long-running",
        ("events", "activity-end"): "events",
        ("events", "between-generations"): "events",
        ("long-running", "activity-end"): "long-running",
        ("long-running", "between-generations"): "long-running",
    }
    short = found["parallel", "between-generations"].options
    assert short == {"long-running": {"period_ms": 50, "generations": 8}}
    assert found["parallel", "activity-end"].options == {}


@pytest.mark.parametrize(
    ("scenario", "in_flight"), [("parallel", 5), ("failures", 17), ("long-running", 5)]
)
def test_some_instance_has_a_twin(scenario: str, in_flight: int) -> None:
    """However few are done: those in flight when the host dies are all done in the end."""
    (cell,) = map_plan("sqlite-file", scenario, ["turn-begin"], 1, {}).cells
    assert cell.config.max_concurrent == in_flight


def test_the_command_makes_the_same_plan() -> None:
    """Every word that shaped it is in it."""
    plan = map_plan("sqlite-file", "events", ["turn-begin"], 2, {"seed": 7, "nodes": 2})
    assert shlex.split(plan.command) == [
        *("duroxide-stress", "crash-map", "--provider", "sqlite-file", "--scenario", "events"),
        *("--moment", "turn-begin", "--passes", "2", "--seed", "7", "--nodes", "2"),
    ]


def test_writes_are_left_out_where_they_cannot_be_seen() -> None:
    """Unless they are asked for, which is refused."""
    plan = map_plan("postgres", "parallel", [], 1, {})
    assert len(plan.cells) == len(MOMENTS) - 1
    with pytest.raises(UsageError, match="moment store-write cannot be seen on postgres"):
        map_plan("postgres", "parallel", ["store-write"], 1, {})


@pytest.mark.parametrize(
    ("provider", "scenario", "moments", "problem"),
    [
        ("sqlite-file", "parallel", ["turn-bgin"], "unknown moment 'turn-bgin': did you mean"),
        ("sqlite-fil", "parallel", [], "unknown provider"),
        ("sqlite-file", "paralel", [], "unknown scenario 'paralel'"),
        ("sqlite-memory", "parallel", ["turn-begin"], "cannot strike sqlite-memory"),
        ("reference", "parallel", ["turn-begin"], "cannot strike reference"),
    ],
)
def test_what_cannot_be_is_said_once(
    provider: str, scenario: str, moments: list[str], problem: str
) -> None:
    """However many cells it is wrong with."""
    with pytest.raises(UsageError) as error:
        map_plan(provider, scenario, moments, 3, {})
    assert problem in error.value.problems[0]
    assert len(error.value.problems) == len(set(error.value.problems))


def test_the_time_it_takes_is_told() -> None:
    """A cell takes at least as long as what the dead host holds is locked."""
    one = map_plan("sqlite-file", "parallel", ["turn-begin"], 1, {})
    three = map_plan("sqlite-file", "parallel", ["turn-begin"], 3, {})
    assert estimated_secs(three) == pytest.approx(3 * estimated_secs(one))
    assert estimated_secs(one) > one.cells[0].config.longest_lock_ms / 1000
