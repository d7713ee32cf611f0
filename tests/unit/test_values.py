"""Values that can be carried and compared exactly, and what is said of all others."""

import json
import math
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.values import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    UNRECORDED,
    flaw,
    has_key,
    plain,
    recordable,
    text_flaw,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    # Without surrogates, which are letters of no text.
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def nested(depth: int) -> Any:
    """That many lists, one within the other."""
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def itself() -> Any:
    """A list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


def doubled(times: int) -> Any:
    """A small object in memory that would be enormous as a text."""
    value: Any = "x" * 1_000
    for _ in range(times):
        value = [value, value]
    return value


DEEP = "lists and objects more than 100 deep"
LONG = "a whole number of more than 4300 digits"
LARGE = "more than 4,000,000 characters"


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (math.nan, "NaN, which is no number of JSON"),
        ([1, -math.inf], "-Infinity, which is no number of JSON at [1]"),
        ({"a": {"b": [0, math.inf]}}, 'Infinity, which is no number of JSON at ["a"]["b"][1]'),
        ("abcd\ud800", "a lone surrogate at character 4, which UTF-8 cannot hold"),
        (["\udc00\ud800"], "a lone surrogate at character 0, which UTF-8 cannot hold at [0]"),
        ({"\udfff": 1}, "a key with a lone surrogate at character 0, which UTF-8 cannot hold"),
        ({"a": {1: 2}}, 'a key of type int, where JSON has only texts at ["a"]'),
        ({None: 2}, "a key of type NoneType, where JSON has only texts"),
        (b"x", "a value of type bytes, which is none of JSON's"),
        ([{1, 2}], "a value of type set, which is none of JSON's at [0]"),
        (10**4300, LONG),
        (-(10**5000), LONG),
        (nested(MAX_DEPTH + 1), DEEP),
        (nested(10_000), DEEP),
        (itself(), DEEP),
        ("x" * (MAX_CHARACTERS + 1), LARGE),
        ([0] * (MAX_CHARACTERS + 1), LARGE),
        ({"x" * (MAX_CHARACTERS + 1): 0}, LARGE),
        (doubled(20), LARGE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_flaw_is_named_with_its_place_and_the_limit(value: Any, wrong: str) -> None:
    """Half a sentence for the user, whatever the value; nothing runs out of stack or of patience."""
    assert flaw(value) == wrong


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, "", 0, -0.0, 5e-324, 1e308, 2**53 + 1, 2**64 + 1, -(10**4299), [], {}),
        *("\0\x1b[31m\u2028</script>\"'\\", "\U0001f469\u200d\U0001f4bb", "\uffff", "é"),
        *({"": 1, "\0": 2, "$any": [1]}, nested(MAX_DEPTH), "x" * MAX_CHARACTERS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_is_carried_as_it_is(value: Any) -> None:
    """What has no flaw is the same after the SDK's own round trip, and when it is recorded."""
    assert flaw(value) == ""
    assert repr(plain(value)) == repr(value) == repr(recordable(value))


@given(JSON)
def test_any_json_value_is_carried(value: Any) -> None:
    """Nothing that JSON in UTF-8 can hold is refused."""
    assert flaw(value) == ""
    assert plain(value) == value
    assert json.dumps(value, ensure_ascii=False).encode()


def test_what_python_writes_as_json_arrives_as_json() -> None:
    """Tuples and enums go in, lists and their values come out, for the engine as for the checks."""
    word, number = StrEnum("Word", ["one"])("one"), IntEnum("Number", ["one"])(1)
    given = {"pair": (1, (2,)), "word": word, "number": number}
    assert flaw(given) == ""
    arrived = plain(given)
    assert arrived == {"pair": [1, [2]], "word": "one", "number": 1}
    assert {type(item) for item in arrived.values()} == {list, str, int}


def test_a_long_way_to_a_flaw_is_cut() -> None:
    """The sentence stays one that can be read."""
    value: Any = math.nan
    for _ in range(90):
        value = {"a long name of a key" * 10: value}
    assert len(flaw(value)) < 140


def test_an_output_that_cannot_be_recorded_leaves_a_note() -> None:
    """It equals no expectation: those with this key are refused."""
    assert recordable([math.nan]) == {UNRECORDED: "NaN, which is no number of JSON at [0]"}
    assert recordable("\ud800")[UNRECORDED].startswith("a lone surrogate at character 0")


def test_a_text_alone() -> None:
    """Names are looked at like values."""
    assert text_flaw("näme\0") == ""
    assert text_flaw("a\udcff") == "a lone surrogate at character 1, which UTF-8 cannot hold"


@pytest.mark.parametrize(
    ("value", "there"),
    [
        ({"$any": 1}, True),
        ([1, {"a": [{"$any": [1]}]}], True),
        ({"a": "$any"}, False),
        ("$any", False),
        ([], False),
    ],
)
def test_a_key_is_found_wherever_it_is(value: Any, there: bool) -> None:
    """Within lists and objects, as a key and not as a word."""
    assert has_key(value, "$any") is there


LEAVES = (
    JSON
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.tuples(st.integers())
    | st.dictionaries(st.integers() | st.booleans() | st.none(), st.integers(), max_size=2)
)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_a_flaw_is_never_overlooked_for_speed(value: Any) -> None:
    """What is recorded as it is has no flaw, and what has one is not recorded as it is."""
    wrong = flaw(value)
    found = recordable(value)
    assert found == {UNRECORDED: wrong} if wrong else found is value
