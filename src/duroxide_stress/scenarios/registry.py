"""Name → scenario: one visible dict."""

from __future__ import annotations

from duroxide_stress.errors import UsageError, unknown_name
from duroxide_stress.scenarios.base import Scenario
from duroxide_stress.scenarios.parallel import ParallelScenario

SCENARIOS: dict[str, Scenario] = {s.name: s for s in (ParallelScenario(),)}


def scenario_named(name: str) -> Scenario:
    """The scenario of that name. Raises UsageError naming the nearest right one."""
    if name not in SCENARIOS:
        raise UsageError(unknown_name("scenario", name, SCENARIOS))
    return SCENARIOS[name]
