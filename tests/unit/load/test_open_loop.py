"""The one loop with instances that are due by the clock, on the reference engine in virtual time."""

import pytest

from duroxide_stress.recording.records import CANARY, Dropped, Invoke
from duroxide_stress.scenarios.canary import WithCanaries
from duroxide_stress.scenarios.registry import scenario_named
from duroxide_stress.units import NS_PER_SEC

from ..virtual import cell, run_cell


def test_a_rate_is_offered_to_the_letter() -> None:
    """Every instance is due and started at its own moment, and none is left out."""
    run = run_cell(cell(load="constant:40/s", max_concurrent=1_000, warmup_secs=1, duration_secs=3))
    begun = run.marks["begin"]
    invokes = run.ops.of(Invoke)
    assert [i.due_ns - begun for i in invokes] == [n * NS_PER_SEC // 40 for n in range(160)]
    assert all(i.at_ns == i.due_ns for i in invokes)
    assert run.ops.of(Dropped) == []


def test_what_no_longer_fits_is_dropped_and_said_to_be() -> None:
    """Slow instances fill the limit; what is due meanwhile is recorded, and never started late."""
    config = {"load": "constant:100/s", "max_concurrent": 5, "activity_delay_ms": 500}
    run = run_cell(cell(**config, warmup_secs=0, duration_secs=2))
    dropped, invokes = run.ops.of(Dropped), run.ops.of(Invoke)
    assert len(dropped) + len(invokes) == 200
    assert dropped
    assert run.driver.max_in_flight == 5
    assert all(i.at_ns == i.due_ns for i in invokes)


@pytest.mark.parametrize("load", ["constant:50/s,poisson", "ramp:10..60/2s", "burst:20/500ms"])
def test_every_profile_is_offered_as_planned(load: str) -> None:
    """The same seed gives the same arrivals, on a clock that is looked at when something is due."""
    runs = [
        run_cell(cell(load=load, max_concurrent=1_000, duration_secs=2, seed=9)) for _ in range(2)
    ]
    first, second = ([i.due_ns for i in run.ops.of(Invoke)] for run in runs)
    assert first == second
    assert len(first) > 40
    assert all(i.at_ns == i.due_ns for i in runs[0].ops.of(Invoke))


def test_a_backlog_is_held() -> None:
    """As many instances wait for their turns as were asked for, and not all that could be."""
    run = run_cell(cell(load="backlog:30", max_concurrent=500, duration_secs=2))
    assert run.finished
    assert run.driver.launched > 60
    assert run.driver.max_in_flight <= 500
    assert all(i.due_ns == i.at_ns for i in run.ops.of(Invoke))


def test_a_backlog_is_held_beside_canaries() -> None:
    """Answers to their starts are not taken for answers to the load's: as much is started as without."""

    def started(**config: int) -> int:
        of = cell(load="backlog:30", max_concurrent=5_000, duration_secs=4, **config)
        work = scenario_named(of.scenario).workload(of)
        run = run_cell(of, WithCanaries(work, of) if config else work)
        return sum(invoke.part != CANARY for invoke in run.ops.of(Invoke))

    assert started(canary_every_ms=50) == pytest.approx(started(), rel=0.1)


def test_latency_counts_from_when_it_was_due() -> None:
    """The recording has due and start apart, also where a driver comes late."""
    run = run_cell(cell(load="constant:1000/s", max_concurrent=10_000, duration_secs=1))
    gaps = {i.at_ns - i.due_ns for i in run.ops.of(Invoke)}
    assert gaps == {0}
    assert run.marks["window_end"] - run.marks["window_begin"] == NS_PER_SEC
