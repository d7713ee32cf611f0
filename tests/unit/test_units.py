"""Times and sizes are read one way and printed one way."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.units import (
    NS_PER_MS,
    NS_PER_SEC,
    NS_PER_US,
    format_duration,
    format_ms,
    parse_duration_secs,
    secs_to_ns,
)


@pytest.mark.parametrize(
    ("text", "secs"),
    [
        ("15", 15),
        ("15s", 15),
        ("0.5", 0.5),
        ("500ms", 0.5),
        ("2m", 120),
        ("1h", 3600),
        ("1.5h", 5400),
        ("  3 s ", 3),
        ("0", 0),
    ],
)
def test_durations_are_read(text: str, secs: float) -> None:
    """Each unit is read as seconds, and a bare number is seconds."""
    assert parse_duration_secs(text) == secs


@pytest.mark.parametrize("text", ["", "s", "-1", "1,5", "1 d", "1m30s", "ten", ".5", "1e3", "nan"])
def test_what_is_no_duration_is_refused_with_the_right_forms(text: str) -> None:
    """The error quotes what was found and shows what would be right."""
    with pytest.raises(ValueError, match="not a duration") as caught:
        parse_duration_secs(text)
    assert repr(text) in str(caught.value)
    assert "500ms" in str(caught.value)


@pytest.mark.parametrize(
    ("secs", "text"),
    [
        (10, "10s"),
        (0.5, "0.5s"),
        (59, "59s"),
        (60, "1m"),
        (90, "1m 30s"),
        (3599.6, "1h 0m"),
        (3600, "1h 0m"),
        (90_060, "25h 1m"),
    ],
)
def test_durations_are_printed_for_people(secs: float, text: str) -> None:
    """Seconds below a minute, then minutes, then hours."""
    assert format_duration(secs) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "-"),
        (math.nan, "-"),
        (0, "0.00ms"),
        (1.5, "1.50ms"),
        (9.999, "10.00ms"),
        (10, "10ms"),
        (66.4, "66ms"),
        (12_345.6, "12,346ms"),
    ],
)
def test_milliseconds_fit_a_table_cell(ms: float | None, text: str) -> None:
    """Two decimals below ten, none above, a dash for no figure."""
    assert format_ms(ms) == text


@given(st.integers(0, 10**9))
def test_whole_seconds_become_whole_nanoseconds(secs: int) -> None:
    """No nanosecond is lost on the way in."""
    assert secs_to_ns(secs) == secs * NS_PER_SEC


def test_the_units_are_multiples_of_each_other() -> None:
    """A thousand of each make the next."""
    assert (NS_PER_US * 1000, NS_PER_MS * 1000) == (NS_PER_MS, NS_PER_SEC)
    assert secs_to_ns(0.1) == 100 * NS_PER_MS
