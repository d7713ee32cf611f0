"""Numbers as the engine reads them, and sides of a difference that fit a report."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.replay.numbers import taken_apart
from duroxide_stress.replay.patience import patience
from duroxide_stress.replay.words import SHOWN, apart


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"b": [1, {"d": 1, "c": 2}], "a": null}', {"a": None, "b": [1, {"c": 2, "d": 1}]}),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551616", 2.0**64),
        # Seen on the engine, one bit beside what Python reads.
        ("1180591620717411303424", 1.1805916207174113e21),
        ("1.1805916207174113e+21", 1.1805916207174112e21),
        ("0.30000000000000004", 0.30000000000000004),
        ("1e-320", 1e-320),
        ("1e999", "1e999"),
        ("NaN", "NaN"),
        ("no JSON", "no JSON"),
        ("", ""),
    ],
)
def test_values_come_out_as_the_engine_makes_them(text: str, value: Any) -> None:
    """What it cannot read stays the text it was."""
    assert repr(taken_apart(text)) == repr(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_never_off_by_more_than_its_last_bits(number: float) -> None:
    """The engine's way of reading is coarse, not wrong."""
    found = taken_apart(repr(number))
    assert found == pytest.approx(number, rel=1e-15, abs=5e-324)
    assert math.copysign(1, found) == math.copysign(1, number)


@pytest.mark.parametrize("at", [5, 150, 50_000])
def test_long_sides_are_cut_around_the_difference(at: int) -> None:
    """The place where they part is among what is shown."""
    one, other = ("x" * at + letter + "y" * 60_000 for letter in "AB")
    shown = apart(one, other)
    assert "A" in shown[0]
    assert "B" in shown[1]
    assert max(map(len, shown)) <= SHOWN + 10
    assert apart("short", "other") == ("short", "other")


def test_only_the_main_thread_has_patience() -> None:
    """In another thread the block runs, and nothing is touched."""
    ran = []

    def block() -> None:
        with patience(0.001):
            ran.append(sum(range(1000)))

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert ran == [499_500]
