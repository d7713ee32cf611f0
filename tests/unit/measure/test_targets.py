"""The spec's targets: met, missed, out of reach, untrusted, or without a figure."""

import pytest

from duroxide_stress.measure.ceiling import ceiling
from duroxide_stress.measure.targets import targets
from duroxide_stress.recording.records import CellHead
from duroxide_stress.result import Offered, TargetResult

from .test_ceiling import head

CLOSED = Offered("closed", None, 0, 0, None)


def judged(
    of: CellHead, rate: float | None, mean_ms: float | None, *, trustworthy: bool = True
) -> tuple[TargetResult, ...]:
    """The targets of a cell that reached this rate and this mean latency."""
    return targets(
        of, rate, mean_ms, ceiling(of, rate, CLOSED, None, None), trustworthy=trustworthy
    )


EASY = {1: head(workers=1, activity_ms=5, in_flight=1), 2: head(workers=2, activity_ms=5)}
"""Cells at which every target can be reached."""


@pytest.mark.parametrize(
    ("workers", "rate", "state"),
    [(1, 10.0, "met"), (1, 9.99, "missed"), (2, 15.0, "met"), (2, 14.9, "missed")],
)
def test_throughput(workers: int, rate: float, state: str) -> None:
    """At least 10 a second at 1/1, at least 15 at 2/2."""
    found, _ = judged(EASY[workers], rate, 50.0)
    assert (found.name, found.value, found.state, found.reason) == ("throughput", rate, state, "")
    assert found.bound == {1: 10.0, 2: 15.0}[workers]


@pytest.mark.parametrize(("mean_ms", "state"), [(199.9, "met"), (200.0, "missed")])
def test_latency(mean_ms: float, state: str) -> None:
    """Below 200 ms, not at it."""
    _, found = judged(EASY[1], 12.0, mean_ms)
    assert (found.name, found.bound, found.value) == ("average latency", 200.0, mean_ms)
    assert found.state == state


@pytest.mark.parametrize(("workers", "top", "least"), [(1, "20.0", "1,000"), (2, "40.0", "500")])
def test_the_specs_own_load_puts_its_latency_out_of_reach(
    workers: int, top: str, least: str
) -> None:
    """20 in flight, 5 activities of 10 ms: N/X is above 200 ms whatever the engine does."""
    throughput, latency = judged(head(workers=workers), 18.0, 1_100.0)
    assert throughput.state == "met"
    assert latency.state == "out_of_reach"
    assert latency.reason == (
        f"20 in flight at no more than {top} orch/s (activity workers) take {least} ms "
        "on average at the least"
    )


def test_a_throughput_above_the_ceiling_is_out_of_reach() -> None:
    """One worker and 200 ms an instance allow 5 a second, so 10 cannot be missed."""
    throughput, _ = judged(head(workers=1, activity_ms=200), 4.9, 50.0)
    assert throughput.state == "out_of_reach"
    assert throughput.reason == "activity workers allow at most 5.0 orch/s"


def test_exactly_at_the_bound_is_in_reach_for_a_rate_and_not_for_a_latency() -> None:
    """A ceiling of 10 allows 10; a least latency of 200 does not allow less than 200."""
    throughput, latency = judged(head(workers=1, activity_ms=100, in_flight=2), 9.0, 230.0)
    assert (throughput.state, latency.state) == ("missed", "out_of_reach")


@pytest.mark.parametrize(("rate", "mean_ms"), [(50.0, 20.0), (1.0, 900.0)])
def test_an_untrustworthy_figure_neither_meets_nor_misses(rate: float, mean_ms: float) -> None:
    """Good or bad, it is no proof."""
    for found in judged(EASY[1], rate, mean_ms, trustworthy=False):
        assert (found.state, found.reason) == (
            "untrusted",
            "the figure is not trustworthy, see health",
        )


def test_arithmetic_needs_no_trust() -> None:
    """What is out of reach is so however well it was measured."""
    _, latency = judged(head(), 18.0, 1_100.0, trustworthy=False)
    assert latency.state == "out_of_reach"


def test_no_figure_is_its_own_state() -> None:
    """A cell that was cut off has missed nothing."""
    for found in judged(head(), None, None, trustworthy=False):
        assert (found.value, found.state) == (None, "no_figure")


@pytest.mark.parametrize(
    "other",
    [head(scenario="timers"), head(provider="sqlite-memory")],
    ids=["scenario", "provider"],
)
def test_the_spec_sets_targets_for_few_cells(other: CellHead) -> None:
    """Parallel on a SQLite file; anything else has none."""
    assert judged(other, 1.0, 900.0) == ()


def test_the_spec_sets_a_throughput_for_two_configurations_and_a_latency_for_all() -> None:
    """At 8/8 only the latency is held against anything."""
    (found,) = judged(head(workers=8, activity_ms=5), 1.0, 900.0)
    assert (found.name, found.state) == ("average latency", "missed")
