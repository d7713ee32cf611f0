"""Axes: round numbers, in an order, as far as they are needed."""

from __future__ import annotations

import pytest

from duroxide_stress.reports.html.scales import amount, clock, moment, rarity, tail, upwards


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (38, ["0", "10", "20", "30", "40"]),
        (5_754, ["0", "2,000", "4,000", "6,000"]),
        (0.9, ["0", "0.5", "1"]),
        (1, ["0", "0.5", "1"]),
        (0, ["0", "0.5", "1"]),
        (2.4e6, ["0", "1M", "2M", "3M"]),
    ],
)
def test_upwards_ends_at_a_round_number_that_is_not_exceeded(
    most: float, labels: list[str]
) -> None:
    """Steps of 1, 2 or 5; an axis without values still has one."""
    ticks = upwards(most)
    assert [label for _, label in ticks] == labels
    assert ticks[-1][0] >= most


def test_the_clock_has_moments_as_people_count_them() -> None:
    """Warm-up before 0; minutes and hours where seconds would be too many."""
    assert [label for _, label in clock(-2, 10.1)] == [
        *("−2s", "0s", "2s", "4s", "6s", "8s", "10s"),
    ]
    assert [label for _, label in clock(-5, 3_600)] == [
        *("0s", "10m", "20m", "30m", "40m", "50m", "1h 0m"),
    ]
    for begin, end in ((0, 0.3), (-1, 1), (0, 7 * 86_400)):
        assert 1 <= len(clock(begin, end)) <= 8


def test_the_tail_has_a_tick_for_every_nine_that_samples_reach() -> None:
    """Each a step of the same width; 999 samples say nothing of 99.9 %."""
    assert [label for _, label in tail(999_999)] == [
        *("0%", "50%", "90%", "99%", "99.9%", "99.99%", "99.999%", "99.9999%"),
    ]
    assert [label for _, label in tail(150)] == ["0%", "50%", "90%", "99%"]
    assert [round(at, 6) for at, _ in tail(10_000)] == [0, 0.30103, 1, 2, 3, 4]
    assert rarity(0.0) == 0


def test_amounts_are_short() -> None:
    """As many digits as tell something."""
    values = (0, 0.123456, 1.5, 99.4, 1_234.5, 2_500_000)
    assert [amount(value) for value in values] == ["0", "0.123", "1.5", "99.4", "1,234", "2.5M"]
    assert [moment(secs) for secs in (-2, 0, 90)] == ["−2s", "0s", "1m 30s"]
