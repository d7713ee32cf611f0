"""Errors a user can cause are sentences with an exit code."""

import pytest

from duroxide_stress.errors import RecordingError, RunError, StressError, UsageError, unknown_name


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
