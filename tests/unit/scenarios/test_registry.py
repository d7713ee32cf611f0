"""Names lead to scenarios."""

import pytest

from duroxide_stress.errors import UsageError
from duroxide_stress.scenarios.registry import SCENARIOS, scenario_named


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_answers_to_its_name(name: str) -> None:
    """Name, title and summary are there for the lists and the tables."""
    scenario = scenario_named(name)
    assert scenario.name == name
    assert scenario.title
    assert scenario.summary.endswith(".")


def test_an_unknown_scenario_is_answered_with_the_nearest() -> None:
    """One sentence, no traceback."""
    with pytest.raises(UsageError, match="unknown scenario 'paralell': did you mean 'parallel'"):
        scenario_named("paralell")
