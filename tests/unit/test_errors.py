"""Errors a user can cause are sentences with an exit code."""

import pytest

from duroxide_stress.errors import (
    RecordingError,
    RunError,
    StressError,
    UsageError,
    shown,
    unknown_name,
)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("paralel", "did you mean 'parallel'?"),
        ("timer", "did you mean 'timers'?"),
        ("xyzzy", "one of: parallel, timers"),
        ("", "one of: parallel, timers"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_or_with_all(name: str, hint: str) -> None:
    """A near miss gets one suggestion, anything else the sorted list."""
    sentence = unknown_name("scenario", name, ["timers", "parallel"])
    assert sentence == f"unknown scenario {name!r}: {hint}"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (5, "5"),
        (10**24 - 1, "9" * 24),
        (10**24, "10000000... (25 digits)"),
        (-(10**24), "-10000000... (25 digits)"),
        (10**5000 - 1, "99999999... (5000 digits)"),
        (10**5000, "10000000... (5001 digits)"),
        ("five\n\ud800", "'five\\n\\ud800'"),
        ("x" * 100, f"'{'x' * 79}... (102 characters)"),
        ([10**5000], "a value of type list"),
        (2.0, "2.0"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_as_its_writer_would_know_it(value: object, told: str) -> None:
    """Cut where it is long, and never another error."""
    assert shown(value) == told


def test_a_usage_error_holds_every_problem() -> None:
    """Several problems stay apart in `problems` and stand a line each in the message."""
    error = UsageError(["first", "second"])
    assert error.problems == ("first", "second")
    assert str(error) == "first\nsecond"


def test_one_problem_is_not_taken_for_a_sequence_of_letters() -> None:
    """A bare string is one problem."""
    assert UsageError("only one").problems == ("only one",)


@pytest.mark.parametrize(("kind", "code"), [(UsageError, 2), (RunError, 3), (RecordingError, 3)])
def test_every_error_has_its_exit_code(kind: type[StressError], code: int) -> None:
    """Usage errors exit with 2; what proves nothing exits with 3."""
    error = kind("why")
    assert isinstance(error, StressError)
    assert (error.exit_code, str(error)) == (code, "why")
