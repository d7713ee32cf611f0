"""Success: instances that ended otherwise than they must, by the client or by the books."""

import pytest

from recordings.make import Recorded, where

from .planted import caught, end, fail, refuse

CATEGORIES = ["infrastructure", "configuration", "application", "poison", "canceled"]


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("retryable", [True, False, None])
def test_a_failed_instance(recorded: Recorded, category: str, retryable: bool | None) -> None:
    """Only this check speaks, with the category, the engine's words and whether it may retry."""
    fail(recorded, 3, "database is locked", category=category, retryable=retryable)
    found = caught(recorded)
    assert list(found) == ["success"]
    (finding,) = found["success"].findings
    assert finding.instance == recorded.instance(3)
    assert finding.what == f"{category} failure"
    assert finding.detail.startswith("database is locked")
    assert ("the engine calls this retryable" in finding.detail) == (retryable is True)


def test_a_failure_of_no_known_category(recorded: Recorded) -> None:
    """It is called unclassified, not left out."""
    fail(recorded, 3, "odd")
    assert caught(recorded)["success"].findings[0].what == "unclassified failure"


def test_a_failure_that_only_the_client_tells_of(recorded: Recorded) -> None:
    """Without books the client's words stand."""
    fail(recorded, 3, "gone", category="poison")
    for name in ("executions", "history"):
        recorded.drop(name, where(instance=recorded.instance(3)))
    (finding,) = caught(recorded)["success"].findings
    assert (finding.what, finding.detail) == ("unclassified failure", "gone")


def test_a_refused_start(recorded: Recorded) -> None:
    """An instance that the engine would not take is a failure, and nobody misses it in the books."""
    refuse(recorded, 5, "store is read-only")
    found = caught(recorded)
    assert list(found) == ["success"]
    (finding,) = found["success"].findings
    assert (finding.what, finding.detail) == ("start refused", "store is read-only")


@pytest.mark.parametrize("books", ["Failed", "Terminated", "ContinuedAsNew"])
def test_the_client_saw_an_end_that_the_books_do_not_have(recorded: Recorded, books: str) -> None:
    """An ok with other books is a disagreement and names both sides."""
    of = where(instance=recorded.instance(3))
    recorded.change("executions", of, status=books, error="late")
    (finding,) = caught(recorded)["success"].findings
    assert finding.what == "client and books disagree"
    assert finding.detail == f"the client saw ok, the books say {books}: late"


def test_the_books_have_an_end_that_the_client_did_not_see(recorded: Recorded) -> None:
    """A failure whose books say Completed is a disagreement too."""
    end(recorded, 3, type="fail", where="end", error="lost the row")
    (finding,) = caught(recorded)["success"].findings
    assert finding.what == "client and books disagree"
    assert finding.detail == "the client saw fail, the books say Completed: lost the row"


def _owes_a_failure(recorded: Recorded, op: int) -> None:
    (line,) = recorded.lines("ops", where(op=op, type="invoke"))
    started = {"OrchestrationStarted": 1}
    expect = {**line["expect"], "status": "Failed", "events": started}
    recorded.change("ops", where(op=op, type="invoke"), expect=expect)


def test_a_failure_that_was_due_is_no_violation(recorded: Recorded) -> None:
    """A scenario whose instance must fail is content when it does."""
    _owes_a_failure(recorded, 3)
    fail(recorded, 3, "as planned", category="application")
    assert caught(recorded) == {}


def test_a_completion_where_a_failure_was_due(recorded: Recorded) -> None:
    """An instance that should have failed and did not is told as that."""
    _owes_a_failure(recorded, 3)
    (finding,) = caught(recorded)["success"].findings
    assert (finding.what, finding.detail) == (
        "completed where a failure was due",
        "expected Failed",
    )


def test_a_refused_start_is_not_the_failure_that_was_due(recorded: Recorded) -> None:
    """An instance that should have failed must have been taken first."""
    _owes_a_failure(recorded, 5)
    refuse(recorded, 5, "store is read-only")
    assert caught(recorded)["success"].findings[0].what == "start refused"
