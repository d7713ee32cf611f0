"""What a command line of `capacity` asks for."""

import shlex

import pytest

from duroxide_stress.cli.capacity import read_asked
from duroxide_stress.errors import UsageError

WORDS = {"slo": "p99<1s", "success": 100.0, "budget": "2m", "poisson": True, "warm_up": None}
GRID = (("sqlite-file", "reference"), ("1/1", "2/2"))


def test_a_grid_point_a_cell() -> None:
    """In a closed loop; the search makes the rates."""
    asked = read_asked(WORDS, "parallel", GRID, {"seed": 7}, [])
    assert [(c.provider, str(c.config.concurrency)) for c in asked.plan.cells] == [
        (provider, config) for provider in GRID[0] for config in GRID[1]
    ]
    assert {(c.config.load, c.config.max_concurrent) for c in asked.plan.cells} == {("closed", 20)}
    assert (asked.budget_secs, asked.slo.bound_ms) == (120, 1000)


def test_the_command_repeats_the_search() -> None:
    """Every word that shaped it is in it."""
    words = {**WORDS, "poisson": False, "success": 99.5, "warm_up": "1s"}
    plan = read_asked(words, "timers", GRID, {"seed": 7, "nodes": 2}, ["timers.count=5"]).plan
    assert shlex.split(plan.command) == [
        *("duroxide-stress", "capacity", "--slo", "p99<1s", "--success", "99.5"),
        *("--budget", "2m", "--even", "--scenario", "timers"),
        *("--provider", "sqlite-file", "--provider", "reference"),
        *("--config", "1/1", "--config", "2/2", "--warm-up", "1", "--seed", "7", "--nodes", "2"),
        *("--option", "timers.count=5"),
    ]


def test_every_mistake_at_once() -> None:
    """A sentence each."""
    words = {"slo": "p98<1", "success": 0.0, "budget": "1s", "poisson": True, "warm_up": "x"}
    with pytest.raises(UsageError) as caught:
        read_asked(words, "long-running", (("nosuch",), ("2",)), {"nodes": 0}, ["x"])
    assert len(caught.value.problems) == 10
