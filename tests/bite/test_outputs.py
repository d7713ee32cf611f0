"""Outputs: values that are not what the oracle says, and texts that differ where values do not."""

from typing import Any

import pytest

from recordings.make import Recorded, where

from .planted import book, caught, give, owe

BIG = 2**53
ALIKE: list[tuple[str, Any, Any]] = [
    ("keys in another order", {"a": 1, "b": [{"c": 2, "d": 3}]}, {"b": [{"d": 3, "c": 2}], "a": 1}),
    ("null", None, None),
    ("nothing in a list", [], []),
    ("a number past 2^64", 2**80 + 1, 2**80 + 1),
    ("letters beyond ASCII", "Grüße 😀\u0000", "Grüße 😀\u0000"),
    ("controls and line ends", "\x1b[0m\r\n\u2028\x7f\uffff", "\x1b[0m\r\n\u2028\x7f\uffff"),
    ("keys of every kind", {"": 1, "\0": 2, "a.b": 3}, {"a.b": 3, "\0": 2, "": 1}),
    ("floats at their limits", [-0.0, 5e-324, 1e16, 1e308], [-0.0, 5e-324, 1e16, 1e308]),
    ("a thousand digits", 10**1000 + 1, 10**1000 + 1),
]
DIFFERENT: list[tuple[str, Any, Any]] = [
    ("true for 1", 1, True),
    ("false for 0", [0], [False]),
    ("1.0 for 1", 1, 1.0),
    ("1.0 for 1 deep inside", {"a": [{"b": 1}]}, {"a": [{"b": 1.0}]}),
    ("minus zero", 0.0, -0.0),
    ("one off at 2^53", BIG + 1, BIG),
    ("one off at 2^64", 2**64 + 1, 2**64),
    ("a float at 2^53", BIG, float(BIG)),
    ("one off in a thousand digits", 10**1000 + 1, 10**1000),
    ("a NUL less", "a\0b", "ab"),
    ("cut at the NUL", "a\0b", "a"),
    ("another form of a letter", "\u00e9", "e\u0301"),
    ("what stands for an output that cannot be recorded", 1, {"$unrecorded": "NaN"}),
    ("one off past 2^53", [BIG * 4 + 3], [BIG * 4 + 2]),
    ("one off past 2^64", 2**80 + 1, 2**80),
    ("a text for a number", 1, "1"),
    ("a text for null", None, "null"),
    ("an empty text for null", None, ""),
    ("null for a list", [], None),
    ("one short", [1, 2, 3], [1, 2]),
    ("one too many", [1, 2], [1, 2, 2]),
    ("another order of a list", [1, 2], [2, 1]),
    ("a key too many", {"a": 1}, {"a": 1, "b": None}),
    ("a key too few", {"a": 1, "b": None}, {"a": 1}),
    ("another letter case", "Done", "done"),
]


@pytest.mark.parametrize(("expected", "actual"), [c[1:] for c in ALIKE], ids=[c[0] for c in ALIKE])
def test_equal_values_do_not_alarm(recorded: Recorded, expected: Any, actual: Any) -> None:
    """The engine may write a value otherwise than the oracle does."""
    owe(recorded, 3, expected)
    give(recorded, 3, actual)
    book(recorded, 3, actual)
    assert "outputs" not in caught(recorded)


def _ids(cases: list[tuple[str, Any, Any]]) -> list[str]:
    return [case[0] for case in cases]


@pytest.mark.parametrize(("expected", "actual"), [c[1:] for c in DIFFERENT], ids=_ids(DIFFERENT))
def test_the_client_was_given_another_value(recorded: Recorded, expected: Any, actual: Any) -> None:
    """What differs as JSON is wrong, however equal Python finds it; the books are right."""
    owe(recorded, 3, expected)
    book(recorded, 3, expected)
    give(recorded, 3, actual)
    (finding,) = caught(recorded)["outputs"].findings
    assert finding.what == "the client was given a wrong output"
    assert finding.instance == recorded.instance(3)


@pytest.mark.parametrize(("expected", "actual"), [c[1:] for c in DIFFERENT], ids=_ids(DIFFERENT))
def test_the_books_hold_another_value(recorded: Recorded, expected: Any, actual: Any) -> None:
    """The same differences are wrong at rest, when the client was given the right value."""
    owe(recorded, 3, expected)
    give(recorded, 3, expected)
    book(recorded, 3, actual)
    (finding,) = caught(recorded)["outputs"].findings
    assert finding.what == "the books hold a wrong output"


def test_the_finding_shows_both_values_in_short(recorded: Recorded) -> None:
    """A person sees what was expected and what was found, cut where it is long."""
    give(recorded, 3, "x" * 500)
    (finding,) = caught(recorded)["outputs"].findings
    assert finding.detail.startswith('expected [{"token":"')
    assert finding.detail.endswith("x... (502 characters)")
    assert len(finding.detail) < 450


@pytest.mark.parametrize(
    "text",
    [None, "", "[1, 2", "not JSON", "NaN", '"\\ud800"', "9" * 5_000, "[" * 5_000 + "]" * 5_000],
    ids=lambda text: str(text)[:10],
)
def test_books_without_a_readable_output(recorded: Recorded, text: str | None) -> None:
    """A completed execution with no output, or none that is JSON, holds a wrong one."""
    recorded.change("executions", where(instance=recorded.instance(3)), output=text)
    found = caught(recorded)
    assert list(found) == ["outputs", "books"]
    assert found["outputs"].findings[0].what == "the books hold a wrong output"


def test_outputs_of_two_instances_swapped(recorded: Recorded) -> None:
    """Each output is a right one, for another instance: nothing cancels out."""
    (three,) = recorded.lines("ops", where(op=3, type="ok"))
    (four,) = recorded.lines("ops", where(op=4, type="ok"))
    give(recorded, 3, four["output"])
    give(recorded, 4, three["output"])
    found = caught(recorded)
    assert [f.instance for f in found["outputs"].findings] == [
        recorded.instance(3),
        recorded.instance(4),
    ]
    assert "isolation" in found
