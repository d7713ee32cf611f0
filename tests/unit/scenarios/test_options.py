"""Scenario options: one declaration, and a sentence for every value that does not fit it."""

from typing import Any

import pytest

from duroxide_stress.scenarios.options import Option, defaults, problems
from duroxide_stress.scenarios.registry import SCENARIOS

from ..virtual import cell

OPTIONS = (Option("count", 5, 1, 500, "parallel timers"), Option("delay_ms", 50, 0, 9, "a delay"))
EVERY = [(name, option) for name, scenario in SCENARIOS.items() for option in scenario.options]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, []),
        ({"count": 1, "delay_ms": 9}, []),
        ({"count": 0}, ["timers.count must be a whole number between 1 and 500, found 0"]),
        ({"count": 501}, ["timers.count must be a whole number between 1 and 500, found 501"]),
        (
            {"count": 2**64},
            [f"timers.count must be a whole number between 1 and 500, found {2**64}"],
        ),
        ({"count": True}, ["timers.count must be a whole number between 1 and 500, found True"]),
        ({"count": 2.0}, ["timers.count must be a whole number between 1 and 500, found 2.0"]),
        ({"count": "5"}, ["timers.count must be a whole number between 1 and 500, found '5'"]),
        ({"cuont": 5}, ["unknown option of timers 'cuont': did you mean 'count'?"]),
        (
            {"cuont": 5, "delay_ms": -1},
            [
                "unknown option of timers 'cuont': did you mean 'count'?",
                "timers.delay_ms must be a whole number between 0 and 9, found -1",
            ],
        ),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(given: dict[str, Any], wrong: list[str]) -> None:
    """Unknown names with the nearest right one, values with their limits, all at once."""
    found = problems("timers", OPTIONS, given)
    assert len(found) == len(wrong)
    assert all(f.startswith(w) for f, w in zip(found, wrong, strict=True))


def test_an_option_without_a_like_is_answered_with_all() -> None:
    """Nobody has to guess what there is."""
    (found,) = problems("timers", OPTIONS, {"x": 1})
    assert all(option.name in found for option in OPTIONS)


def test_a_scenario_without_options_says_so() -> None:
    """There is no nearest one to name."""
    assert problems("parallel", (), {"count": 5}) == ["parallel has no options: 'count'"]


def test_an_option_describes_itself() -> None:
    """Name, default, limits and meaning on one line."""
    assert OPTIONS[0].describe() == "count=5 (1 to 500): parallel timers"
    assert defaults(OPTIONS) == {"count": 5, "delay_ms": 50}


@pytest.mark.parametrize(("name", "option"), EVERY, ids=lambda value: getattr(value, "name", value))
def test_every_option_declares_a_default_within_its_limits(name: str, option: Option) -> None:
    """And a meaning; its scenario can be bound at both of its limits."""
    assert option.low <= option.default <= option.high
    assert option.meaning
    for value in (option.low, option.high):
        assert problems(name, SCENARIOS[name].options, {option.name: value}) == []
        assert SCENARIOS[name].workload(cell(name, {name: {option.name: value}})).programs
