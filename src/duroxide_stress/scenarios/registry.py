"""Name → scenario: one visible dict."""

from __future__ import annotations

from duroxide_stress.errors import UsageError, unknown_name
from duroxide_stress.scenarios import (
    cancellation,
    events,
    failures,
    large_payload,
    long_running,
    mixed,
    parallel,
    races,
    sub_orchestrations,
    timers,
    versions,
)
from duroxide_stress.scenarios.base import Scenario
from duroxide_stress.scenarios.own import OwnScenario

PARTS = (
    parallel,
    timers,
    long_running,
    sub_orchestrations,
    large_payload,
    events,
    failures,
    cancellation,
    races,
    versions,
)
SCENARIOS: dict[str, Scenario] = {part.SCENARIO.name: part.SCENARIO for part in PARTS}
SCENARIOS["mixed"] = mixed.MixedScenario(tuple(part.SCENARIO for part in PARTS))


def scenario_named(name: str) -> Scenario:
    """The scenario of that name, or a user's own as `package.module:Name`.

    Raises UsageError naming the nearest right one, or what is wrong with the user's.
    """
    if ":" in name:
        return OwnScenario(name)
    if name not in SCENARIOS:
        own = "workflows of your own as package.module:Name"
        raise UsageError(unknown_name("scenario", name, SCENARIOS, own))
    return SCENARIOS[name]
