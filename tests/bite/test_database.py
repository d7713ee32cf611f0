"""Database: what the audit found, and what is left in the queues."""

import json
from typing import Any

import pytest

from duroxide_stress.checks.database import AT_REST
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import caught


def _audit(recorded: Recorded, *problems: dict[str, Any]) -> None:
    audit = {"asked": ["open", "integrity_check"], "problems": problems, "facts": {"pages": 3}}
    (recorded.directory / "store.json").write_text(json.dumps(audit))


def test_a_store_with_a_problem(recorded: Recorded) -> None:
    """Each problem of the audit is a finding in the store's own words."""
    torn = {"what": "integrity_check", "detail": "row 7 missing from index", "instance": None}
    left = {"what": "queues_empty", "detail": "worker_queue: {}", "instance": "par-1"}
    _audit(recorded, torn, left)
    found = caught(recorded)
    assert list(found) == ["database"]
    assert [(f.what, f.detail, f.instance) for f in found["database"].findings] == [
        (p["what"], p["detail"], p["instance"]) for p in (torn, left)
    ]


def test_a_sound_store_is_told_by_its_questions(recorded: Recorded) -> None:
    """What was asked stands in the note, and counts as evidence."""
    _audit(recorded)
    check = recorded.checks()["database"]
    assert (check.verdict, check.seen) == (Verdict.OK, 2)
    assert check.note == "open, integrity_check"
    assert recorded.judged().store == {"pages": 3}


def test_a_problem_counts_even_when_the_cell_was_cut_off(recorded: Recorded) -> None:
    """A corrupt store is corrupt, however the run ended."""
    _audit(recorded, {"what": "integrity_check", "detail": "broken"})
    (recorded.directory / "end.json").unlink()
    assert list(caught(recorded)) == ["database"]


@pytest.mark.parametrize(
    ("secs", "is_left"), [(-60, True), (-5.1, True), (-4.9, False), (9, False)]
)
def test_a_message_whose_time_came_as_the_host_was_stopped(
    recorded: Recorded, secs: float, is_left: bool
) -> None:
    """Nobody was there to take the timer of a lost race; one that waited before was left."""
    since_ms = recorded.mark("at_rest") // 1_000_000 + round(secs * 1000)
    row = {"what": "queues_empty", "detail": "TimerFired", "instance": "par-1"}
    _audit(recorded, {**row, "state": "unserved", "since_ms": since_ms})
    assert ("database" in caught(recorded)) == is_left


def _queues(recorded: Recorded, orchestrator: int, worker: int) -> None:
    last = recorded.lines("samples", where(source="queues"))[-1]
    recorded.change(
        "samples",
        where(at_ns=last["at_ns"], source="queues"),
        orchestrator_queue=orchestrator,
        worker_queue=worker,
    )


def test_messages_left_in_the_queues(recorded: Recorded) -> None:
    """The engine's last count is the one that must be nothing."""
    for orchestrator, worker in ((2, 0), (0, 1), (1, 2)):
        _queues(recorded, orchestrator, worker)
        (finding,) = caught(recorded)["database"].findings
        assert finding.what == "queues not empty at rest"
        assert finding.detail == f"{orchestrator + worker} messages left"


def test_messages_under_load_are_none_left(recorded: Recorded) -> None:
    """An earlier count says nothing of the rest: the clean recording has one."""
    counts = recorded.lines("samples", where(source="queues"))
    assert any(sample["worker_queue"] for sample in counts)
    assert caught(recorded) == {}


def test_queues_that_nobody_counted_are_no_evidence(recorded: Recorded) -> None:
    """Without a count the note claims none, and nothing is seen."""
    recorded.put("samples", [])
    check = recorded.checks()["database"]
    assert (check.verdict, check.seen) == (Verdict.UNKNOWN, 0)
    assert "queues" not in check.note


def test_the_audit_outranks_the_engines_count(recorded: Recorded) -> None:
    """Where the provider looked into its own tables, the engine's count is not asked."""
    _queues(recorded, 2, 2)
    _audit(recorded)
    assert caught(recorded) == {}


def test_an_audit_without_its_fields_is_unknown(recorded: Recorded) -> None:
    """A store.json of another shape is a crash of this check, and of no other."""
    (recorded.directory / "store.json").write_text("{}")
    checks = recorded.checks()
    assert checks["database"].verdict is Verdict.UNKNOWN
    assert checks["database"].note == "the check crashed: KeyError: 'problems'"
    assert checks["success"].verdict is Verdict.OK


def test_a_host_that_died_leaves_its_locks_without_blame(recorded: Recorded) -> None:
    """Leftover work is damage in a store at rest, and no news after a host was killed."""
    left = [{"what": what, "detail": "left", "instance": None} for what in AT_REST]
    _audit(recorded, *left)
    assert recorded.checks()["database"].found == 2
    recorded.edit("end.json", ended="host-died", reason="killed")
    assert recorded.checks()["database"].verdict is Verdict.OK
