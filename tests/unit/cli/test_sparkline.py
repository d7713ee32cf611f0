"""A figure over time in one line."""

from __future__ import annotations

import pytest

from duroxide_stress.cli.sparkline import POINTS, Series, fitted


@pytest.mark.parametrize("width", [1, 3, 7, 10, 100])
def test_as_many_as_there_is_room_for(width: int) -> None:
    """Each the mean of its share; the whole mean stays where the shares are alike."""
    found = fitted([1.0] * 10 + [3.0] * 10, width)
    assert len(found) == min(width, 20)
    assert found[0] == (2.0 if width == 1 else 1.0)
    assert found[-1] == (2.0 if width == 1 else 3.0)
    assert fitted([1.0], 0) == []


def test_a_long_cell_is_kept_whole_in_few_points() -> None:
    """A day of progress: the first half low, the second high, and still both are seen."""
    series = Series()
    many = 4 * 86_400
    for number in range(many):
        series.add(1.0 if number < many / 2 else 8.0)
    assert len(series._means) < POINTS
    drawn = series.drawn(20)
    assert (len(drawn), drawn[0], drawn[9], drawn[10:]) == (20, "▂", "▂", "█" * 10)


def test_moments_without_a_figure_are_left_out_of_means() -> None:
    """And stay blank where there is none at all."""
    assert fitted([None, 2.0, None, None], 2) == [2.0, None]
