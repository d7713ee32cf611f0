"""Distributions by percentile, out to the last value."""

from __future__ import annotations

import math

from duroxide_stress.measure import metrics
from duroxide_stress.measure.percentiles import (
    Percentiles,
    latency_percentiles,
    ranks,
    timer_percentiles,
)
from duroxide_stress.recording.tables import Recording
from recordings.make import Recorded

from .by_hand import ByHand


def test_three_clocks_over_the_same_instances(by_hand: ByHand) -> None:
    """100 instances of 1 to 100 ms, begun 1 ms late, seen 10 ms after their end."""
    for n in range(1, 101):
        by_hand.complete(n * 50, n * 50 + n, begun_ms=n * 50 + 1, seen_ms=n * 50 + n + 10)
    by_hand.complete(-100, 900)  # due before the window
    recording = by_hand.open()
    found = latency_percentiles(recording, metrics.window(recording))
    durable, seen, begun = (dict(one.points) for one in found.values())
    assert [one.samples for one in found.values()] == [100, 100, 100]
    assert (durable[0.0], durable[0.5], durable[0.9], durable[0.99]) == (1, 50, 90, 99)
    assert durable[100 / 101] == 100
    assert (seen[0.5], seen[0.99], begun[0.5], begun[0.99]) == (60, 109, 49, 98)


def test_they_are_the_percentiles_of_the_table(recorded: Recorded) -> None:
    """What a picture shows at 50, 95 and 99 % is what stands in the table."""
    recording = Recording(recorded.directory)
    measured = metrics.window(recording)
    table = metrics.latency(recording, measured, "durable")
    drawn = latency_percentiles(recording, measured)["due_to_durable"]
    known = dict(drawn.points)
    assert drawn.samples == table.samples > 20
    assert (known[0.5], known[0.95], drawn.points[-1][1]) == (table.p50, table.p95, table.max)


def test_values_never_fall_and_neither_do_ranks(recorded: Recorded) -> None:
    """A distribution rises from left to right."""
    recording = Recording(recorded.directory)
    for one in latency_percentiles(recording, metrics.window(recording)).values():
        parts, values = zip(*one.points, strict=True)
        assert list(parts) == sorted(set(parts))
        assert list(values) == sorted(values)


def test_timer_lateness_of_those_that_fired_in_the_window(by_hand: ByHand) -> None:
    """Fired minus due; a timer that fired in the drain or never is left out."""
    for n in range(10):
        by_hand.timer(1_000 + n, 1_000 + n + n)
    by_hand.timer(10_100, 10_900)
    by_hand.timer(2_000, None)
    recording = by_hand.open()
    found = timer_percentiles(recording, metrics.window(recording))
    assert found.samples == 10
    assert dict(found.points)[0.5] == 4
    assert found.points[-1] == (10 / 11, 9)


def test_nothing_measured_is_no_distribution(by_hand: ByHand) -> None:
    """No window, no instance, no timer: empty, not 0."""
    recording = by_hand.open()
    measured = metrics.window(recording)
    assert set(latency_percentiles(recording, measured).values()) == {Percentiles()}
    assert timer_percentiles(recording, measured) == Percentiles()
    by_hand.unmark("window_begin")
    without = by_hand.open()
    nothing = metrics.window(without)
    assert set(latency_percentiles(without, nothing).values()) == {Percentiles()}
    assert timer_percentiles(without, nothing) == Percentiles()


def test_ranks_are_few_and_reach_as_far_as_the_samples() -> None:
    """Five each halving: a million values need about a hundred, and none beyond the samples."""
    assert ranks(1) == (0.0,)
    for samples in (2, 10, 999, 1_000, 1_000_000):
        found = ranks(samples)
        assert len(found) <= 5 * (math.log2(samples) + 1) + 7
        assert found[-1] <= 1 - 1 / samples
        assert 1 - found[-1] < 2 / samples + 1e-12
    assert {0.5, 0.9, 0.99, 0.999} <= set(ranks(1_000))
    assert 0.999 not in ranks(999)
