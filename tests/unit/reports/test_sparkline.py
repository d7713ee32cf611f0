"""A line of bars."""

from duroxide_stress.reports.sparkline import sparkline


def test_from_a_given_bottom() -> None:
    """The greatest is a whole bar, and what is missing is blank."""
    assert sparkline([0, 1, None, 4, 8], 0.0) == "▁▂ ▅█"
    assert sparkline([0.0, 0.0], 0.0) == "▁▁"
    assert sparkline([], 0.0) == ""
    assert sparkline([None], 0.0) == " "


def test_from_the_least() -> None:
    """A change of a few per cent must be visible."""
    assert sparkline([1, 2, 3, 8]) == "▁▂▃█"
    assert sparkline([101, 104]) == "▁█"
    assert sparkline([5.0, 5.0]) == "▄▄"
    assert sparkline([0.0]) == "▄"
