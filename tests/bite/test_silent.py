"""What no check may alarm on, and what none may call ok."""

import pytest

from duroxide_stress.checks.base import Check, Looked, judge
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.recording.tables import Recording
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import caught, empty

SEEN = [
    *("success", "completion", "durability", "outputs", "determinism", "isolation", "history"),
    *("books", "effects"),
]
NOT_ASKED = [
    *("ordering", "timers", "continuation", "children", "messages", "cancellation", "races"),
    *("versions", "canary", "database", "memory"),
]
"""What a second of fan-out on a store of the reference engine gives no evidence for."""


def test_the_registry_holds_the_checks_in_order() -> None:
    """Each stands under its own name and says what it promises and where that is promised."""
    assert list(CHECKS) == SEEN + NOT_ASKED
    for name, check in CHECKS.items():
        assert check.name == name
        assert check.promise.endswith(".")
        assert check.source
        assert check.unit


@pytest.mark.parametrize("name", SEEN + NOT_ASKED)
def test_a_clean_recording_is_clean(recorded: Recorded, name: str) -> None:
    """What was asked is seen to hold; what was not asked is not claimed."""
    check = recorded.checks()[name]
    assert (check.found, check.findings) == (0, ())
    if name in NOT_ASKED:
        assert (check.verdict, check.asked) == (Verdict.UNKNOWN, False)
    else:
        assert (check.verdict, check.asked) == (Verdict.OK, True)
        assert check.seen > 1


def test_nothing_launched_is_nothing_proven(recorded: Recorded) -> None:
    """Every check that is asked says unknown, with how much it saw and needs."""
    empty(recorded)
    for name, check in recorded.checks().items():
        assert check.verdict is Verdict.UNKNOWN, name
        if check.asked and name != "database":
            assert check.note == f"saw 0 {check.unit}, needs {CHECKS[name].need}"
    assert recorded.judged().verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("name", ["completion", "determinism", "isolation", "database"])
def test_no_end_json_is_no_ok(recorded: Recorded, name: str) -> None:
    """A check that reads the books says unknown of a cell that was cut off."""
    (recorded.directory / "end.json").unlink()
    check = recorded.checks()[name]
    assert check.verdict is Verdict.UNKNOWN
    assert "no end.json" in check.note


@pytest.mark.parametrize("name", ["completion", "determinism", "isolation", "database"])
def test_books_that_were_not_copied_out_are_no_ok(recorded: Recorded, name: str) -> None:
    """Neither does a finished end stand in for histories that are not there."""
    for file in ("executions", "history"):
        recorded.path(file).unlink()
    recorded.recount()
    recorded.edit("end.json", ended="error", reason="the collector died")
    check = recorded.checks()[name]
    assert check.verdict is Verdict.UNKNOWN
    assert "the histories were not copied out" in check.note


@pytest.mark.parametrize(("name", "needs"), [("determinism", 2), ("isolation", 2)])
def test_one_instance_alone_can_be_compared_with_none(
    recorded: Recorded, name: str, needs: int
) -> None:
    """A promise about several instances is unknown when there is one."""
    only = recorded.instance(0)
    recorded.drop("ops", lambda line: line["type"] != "mark" and line["op"] != 0)
    for file in ("effects", "executions", "history"):
        recorded.drop(file, lambda line: line["instance"] != only)
    check = recorded.checks()[name]
    assert check.verdict is Verdict.UNKNOWN
    assert f"needs {needs}" in check.note


def test_a_crash_of_a_check_is_unknown(recorded: Recorded) -> None:
    """It costs neither the other checks nor the figures, and its error is the note."""

    def look(recording: Recording) -> Looked:
        raise ZeroDivisionError("a\nlong story")

    recording = Recording(recorded.directory)
    result = judge(Check("crash", "None.", "here", "things", look), recording)
    recording.close()
    assert (result.verdict, result.seen, result.found) == (Verdict.UNKNOWN, 0, 0)
    assert result.note == "the check crashed: ZeroDivisionError: a"


def test_a_crash_within_a_cell_leaves_the_rest(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check in the registry that crashes makes the cell unknown, and the others still speak."""
    broken = Check("outputs", "None.", "here", "things", lambda recording: Looked(1 // 0))
    monkeypatch.setitem(CHECKS, "outputs", broken)
    cell = recorded.judged()
    assert cell.verdict is Verdict.UNKNOWN
    assert cell.reasons[0].startswith("outputs: the check crashed: ZeroDivisionError")
    speaking = [c.name for c in cell.checks if c.verdict is Verdict.OK]
    assert speaking == [name for name in SEEN if name != "outputs"]


def test_only_the_first_findings_are_listed_but_all_are_counted(recorded: Recorded) -> None:
    """Every instance has a wrong output: twenty are shown, none is left out of the count."""
    recorded.change("ops", where(type="ok"), output="wrong")
    check = caught(recorded)["outputs"]
    launched = len(recorded.lines("ops", where(type="invoke")))
    assert check.found == check.seen == launched
    assert len(check.findings) == 20
    assert check.findings[0].instance == recorded.instance(0)
