"""The driver holds what is in flight, not what is over: a run of days costs it no more than a minute."""

from collections.abc import Callable, Sized
from typing import Any

import pytest

from duroxide_stress.engines.reference.session import WorldSession
from duroxide_stress.engines.reference.world import World
from duroxide_stress.load.actions import Actions
from duroxide_stress.load.driver import STALE, Driver
from duroxide_stress.load.progress import Progress
from duroxide_stress.plan import Cell
from duroxide_stress.scenarios.base import Workload
from duroxide_stress.scenarios.registry import scenario_named

from ..virtual import cell
from .fakes import FakeSession, complete

IN_FLIGHT = 8


class Nowhere:
    """Records that are written and gone."""

    def write(self, record: object) -> None:
        """Keep nothing."""


def held(driver: Driver) -> dict[str, int]:
    """How many things each of the driver's own containers holds, its agenda's included."""
    own = {**vars(driver), **vars(driver._actions)}
    return {
        name: len(value)
        for name, value in own.items()
        if isinstance(value, Sized) and not isinstance(value, Actions)
    }


def most_held(session: Any, of: Cell, work: Workload) -> tuple[int, dict[str, int]]:
    """How many instances a run had, and the most that each container ever held at a tick."""
    most: dict[str, int] = {}

    def look(progress: Progress) -> None:
        for name, size in held(driver).items():
            most[name] = max(most.get(name, 0), size)

    driver = Driver(session, work, of.config, Nowhere(), Nowhere(), tell=look)
    assert driver.run()
    return driver.launched, most


def quick_completions(of: Cell, work: Workload) -> FakeSession:
    """Two thousand instances a second, each with a deadline a day ahead."""
    return FakeSession(complete)


def a_world(of: Cell, work: Workload) -> WorldSession:
    """The reference engine."""
    world = World()
    world.serve(of, work, lambda effect: None)
    return WorldSession(world)


LATE_CANCELS = {"cancellation": {"within_ms": 600_000, "pause_ms": 0}}
MANY_MESSAGES = {"events": {"every_ms": 1}}


@pytest.mark.parametrize(
    ("scenario", "options", "session", "duration_secs", "at_least"),
    [
        ("parallel", {}, quick_completions, 1, 1_000),
        ("cancellation", LATE_CANCELS, a_world, 20, 500),
        ("events", MANY_MESSAGES, a_world, 3, 500),
    ],
)
def test_nothing_grows_with_the_instances_that_are_over(
    scenario: str, options: dict, session: Callable, duration_secs: int, at_least: int
) -> None:
    """Deadlines a day ahead and cancels ten minutes ahead are dropped with their instances."""
    config = {"duration_secs": duration_secs, "warmup_secs": 0, "max_concurrent": IN_FLIGHT}
    of = cell(scenario, options, wait_timeout_secs=86_400, activity_delay_ms=1, **config)
    work = scenario_named(scenario).workload(of)
    launched, most = most_held(session(of, work), of, work)
    assert launched >= at_least
    # Three senders an instance at most, two entries for each, and the slack of a lazy heap.
    assert max(most.values()) <= 2 * 3 * IN_FLIGHT + STALE + 1, most


def test_an_hour_of_load_leaves_nothing_behind() -> None:
    """Two a second by the clock, in virtual time: what is held at any tick is what is in flight."""
    config = {"duration_secs": 3_600, "warmup_secs": 0, "max_concurrent": IN_FLIGHT}
    of = cell("parallel", {}, load="constant:2/s,poisson", activity_delay_ms=1, **config)
    work = scenario_named("parallel").workload(of)
    launched, most = most_held(a_world(of, work), of, work)
    assert launched > 7_000
    assert max(most.values()) <= 2 * IN_FLIGHT + STALE + 1, most
