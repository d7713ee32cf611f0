"""Recordings with faults: what is excused by them, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from duroxide_stress.recording.tables import Recording
from recordings.make import Recorded, where

from .planted import caught, fail, refuse

MS = 1_000_000


def strike(recorded: Recorded, at_ms: int, secs: float, **fields: Any) -> None:
    """A fault that was at work from so long after the window's opening on."""
    at_ns = recorded.mark("window_begin") + at_ms * MS
    lines = recorded.lines("faults") if recorded.path("faults").exists() else []
    number = len({line["number"] for line in lines})
    fault = {"number": number, "name": "hurt", "spec": "hurt", "target": "store", **fields}
    recorded.add(
        "faults",
        {"at_ns": at_ns, "what": "intended", **fault},
        {"at_ns": at_ns, "what": "began", **fault},
        {"at_ns": at_ns + round(secs * 1000) * MS, "what": "ended", **fault},
    )


def test_a_start_refused_by_a_store_that_was_struck(recorded: Recorded) -> None:
    """No client could have had more; the note says how many there were."""
    refuse(recorded, 5, "terminating connection")
    strike(recorded, -60_000, 120, refuses=True)
    assert caught(recorded) == {}


@pytest.mark.parametrize(
    ("at_ms", "fields"),
    [(-60_000, {}), (-60_000, {"harmless": True}), (60_000, {"refuses": True})],
)
def test_a_start_refused_for_no_reason_of_ours(
    recorded: Recorded, at_ms: int, fields: dict[str, Any]
) -> None:
    """A fault that lets clients alone, or came too late, excuses nothing."""
    refuse(recorded, 5, "terminating connection")
    strike(recorded, at_ms, 120, **fields)
    assert list(caught(recorded)) == ["success"]


def test_a_failure_is_not_excused_by_a_call_that_was_refused(recorded: Recorded) -> None:
    """What the engine itself ended, it ended, whatever else clients were told of the instance."""
    fail(recorded, 3, "database is locked", category="infrastructure")
    strike(recorded, -60_000, 120, refuses=True)
    now = recorded.mark("window_begin")
    act = {"op": 3, "number": 0}
    recorded.add(
        "ops",
        {
            "type": "act",
            **act,
            "kind": "raise",
            "name": "n",
            "sender": "s",
            "data": 1,
            "due_ns": now,
        },
        {"type": "acted", **act, "begun_ns": now, "at_ns": now + 1, "error": "connection reset"},
    )
    assert "success" in caught(recorded)


def test_struck_stretches_are_joined_and_measured(recorded: Recorded) -> None:
    """Two that overlap are one; a host's lock counts as struck; what is harmless does not."""
    recorded.configure(worker_lock_timeout_ms=3_000, orchestrator_lock_timeout_ms=2_000)
    strike(recorded, 1_000, 2)  # to 3 s, and 5 s of a store that comes to itself
    strike(recorded, 7_000, 1, target="host-1")  # to 8 s, and 3 s of lock
    strike(recorded, 20_000, 1, target="host-0")
    strike(recorded, 30_000, 9, harmless=True)
    recording = Recording(recorded.directory)
    try:
        begin_ms = recorded.mark("window_begin") // MS
        sql = "SELECT from_ms - $begin, until_ms - $begin FROM struck ORDER BY 1"
        assert recording.rows(sql, begin=begin_ms) == [(1_000, 11_000), (20_000, 24_000)]
        sql = (
            "SELECT undisturbed_ms($begin + a, $begin + b) FROM (VALUES (0, 12000), (2000, 9000), "
        )
        sql += "(12000, 19000), (0, 40000), (500, 1500)) spans(a, b)"
        found = [ms for (ms,) in recording.rows(sql, begin=begin_ms)]
        assert found == [2_000, 0, 7_000, 26_000, 500]
    finally:
        recording.close()


def test_a_clock_is_wrong_only_while_it_is(recorded: Recorded) -> None:
    """Its skew reaches as far beyond its time as it is great, and no further."""
    strike(recorded, 10_000, 2, name="clock", target="host-0", skew_ms=1_500)
    recording = Recording(recorded.directory)
    try:
        begin_ms = recorded.mark("window_begin") // MS
        sql = "SELECT skewed_ms($begin + a, $begin + b) FROM (VALUES (0, 8000), (0, 9000), "
        sql += "(11000, 11000), (13000, 20000), (14000, 20000)) spans(a, b)"
        assert [ms for (ms,) in recording.rows(sql, begin=begin_ms)] == [0, 1_500, 1_500, 1_500, 0]
    finally:
        recording.close()


def test_a_fault_that_never_struck(recorded: Recorded) -> None:
    """Nothing was proven of it, also where another of its name did strike."""
    from duroxide_stress.judge import judge_run
    from duroxide_stress.verdict import Verdict

    strike(recorded, 1_000, 1, name="kill", spec="kill:at=1s", target="host-0")
    recorded.add(
        "faults",
        {"at_ns": 1, "number": 1, "name": "kill", "spec": "kill:at=2s", "what": "intended"},
        {"at_ns": 2, "number": 1, "name": "kill", "spec": "kill:at=2s", "what": "skipped",
         "detail": "host-0 was not serving"},
    )  # fmt: skip
    (cell,) = judge_run(recorded.run).cells
    assert cell.verdict is Verdict.UNKNOWN
    assert "fault kill:at=2s never struck: host-0 was not serving" in cell.reasons


def test_a_host_that_died_by_itself(recorded: Recorded) -> None:
    """While faults were at work it was started again; the verdict says so all the same."""
    from duroxide_stress.judge import judge_run
    from duroxide_stress.verdict import Verdict

    died = {"at_ns": 1, "node": "host-0.2", "what": "died", "version": "1.0.0"}
    recorded.add("nodes", {**died, "detail": "killed by signal 11 (SIGSEGV)"})
    (cell,) = judge_run(recorded.run).cells
    assert cell.verdict is Verdict.VIOLATED
    assert any("host-0.2 died by itself" in reason for reason in cell.reasons)
    recorded.change("nodes", where(what="died"), detail="killed by signal 9 (SIGKILL)")
    (cell,) = judge_run(recorded.run).cells
    assert cell.verdict is Verdict.UNKNOWN
