"""Faults and hosts in the story of an instance."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bite.planted import fail
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.recording.store import read_run
from duroxide_stress.recording.tables import Recording
from duroxide_stress.reports import story_text
from duroxide_stress.reports.story import Story, tell
from duroxide_stress.units import NS_PER_MS
from recordings.make import Recorded, where

WORDS = "infrastructure:database is locked"


def story(recorded: Recorded, instance: str) -> Story:
    """The story as it is now, with what the success check has found."""
    recording = Recording(recorded.directory)
    try:
        return tell(recording, instance, "runs/one", read_run(recorded.run), [CHECKS["success"]])
    finally:
        recording.close()


def life(recorded: Recorded, op: int) -> tuple[int, int]:
    """When an instance was due and when its end was seen, in ns."""
    (line,) = recorded.lines("ops", where(type="invoke", op=op))
    (seen,) = recorded.lines("ops", lambda one: one["type"] in ("ok", "fail") and one["op"] == op)
    return line["due_ns"], seen["at_ns"]


def fault(recorded: Recorded, number: int, began_ns: int, ended_ns: int | None, **of: Any) -> None:
    """An injected fault."""
    of = {"number": number, "name": "kill", "target": "host-1", **of}
    detail = f"kill -9 of host-1, {number}"
    recorded.add("faults", {"at_ns": began_ns, "what": "began", "detail": detail, **of})
    if ended_ns is not None:
        recorded.add("faults", {"at_ns": ended_ns, "what": "ended", **of})


def around(found: Story) -> list[tuple[str, str]]:
    """What happened to hosts, and what was broken."""
    return [(m.source, m.what) for m in found.moments if m.source in ("node", "fault")]


def test_faults_and_lives_of_hosts_are_told_at_their_time(recorded: Recorded) -> None:
    """Between the instance's beginning and its end, in order, with what was done."""
    begun, ended = life(recorded, 3)
    middle = (begun + ended) // 2
    fault(recorded, 0, middle, middle + 9_000)
    for number, (node, what, detail) in enumerate(
        (("host-1", "killed", ""), ("host-1.2", "ready", ""), ("host-0", "died", "exit code 3"))
    ):
        at_ns = middle + 1_000 * number
        of = {"node": node, "what": what, "version": "1.0.0"}
        recorded.add("nodes", {"at_ns": at_ns, **of, "detail": detail})
    found = story(recorded, recorded.instance(3))
    assert around(found) == [
        ("fault", "kill host-1"),
        ("node", "host-1 killed"),
        ("node", "host-1.2 ready"),
        ("node", "host-0 died"),
        ("fault", "kill host-1, healed"),
    ]
    text = story_text.render(found)
    assert "kill -9 of host-1, 0" in text
    assert "code 1.0.0, exit code 3" in text
    (began,) = (m for m in found.moments if m.what == "kill host-1")
    assert began.at_ms == pytest.approx((middle - found.origin_ns) / NS_PER_MS, abs=0.001)


def test_faults_before_and_after_an_instance_are_not_in_it(recorded: Recorded) -> None:
    """But one that was at work when it began is around it."""
    begun, ended = life(recorded, 3)
    fault(recorded, 0, begun - 90 * NS_PER_MS, begun - 80 * NS_PER_MS)
    fault(recorded, 1, begun - 50 * NS_PER_MS, ended + NS_PER_MS, name="pause")
    fault(recorded, 2, ended + 10 * NS_PER_MS, None)
    found = story(recorded, recorded.instance(3))
    assert around(found) == []
    (pause,) = found.faults
    assert (pause.name, pause.target) == ("pause", "host-1")
    assert pause.began_ms == pytest.approx(-50, abs=1)


def test_an_instance_that_hangs_is_struck_by_what_came_after_its_last_event(
    recorded: Recorded,
) -> None:
    """It lives on; also the cell was cut off before a client gave it up."""
    instance = recorded.instance(3)
    _, ended = life(recorded, 3)
    fault(recorded, 0, ended + 10 * NS_PER_MS, None)
    recorded.drop("ops", where(op=3, type="ok"))
    recorded.drop("history", where(instance=instance, kind="OrchestrationCompleted"))
    found = story(recorded, instance)
    assert ("fault", "kill host-1") in around(found)
    assert [(one.name, one.ended_ms) for one in found.faults] == [("kill", None)]


def test_a_fault_without_words_is_told_by_its_name(recorded: Recorded) -> None:
    """Its detail may be empty, its target too."""
    fail(recorded, 3, WORDS, category="infrastructure")
    begun, _ = life(recorded, 3)
    of = {"number": 0, "name": "disk-full", "target": "", "detail": ""}
    recorded.add("faults", {"at_ns": begun + 1_000, "what": "began", **of})
    found = story(recorded, recorded.instance(3))
    assert around(found) == [("fault", "disk-full")]
    assert "- faults around it: disk-full at 0 ms, never healed" in story_text.render(found)


def test_the_bug_report_names_faults_around_it(recorded: Recorded) -> None:
    """What was done and when it was healed; of many the last."""
    fail(recorded, 3, WORDS, category="infrastructure")
    begun, _ = life(recorded, 3)
    for number in range(8):
        at_ns = begun // NS_PER_MS * NS_PER_MS + number * 100_000
        fault(recorded, number, at_ns, None if number == 7 else begun + 2_000_000_000)
    report = story_text.render(story(recorded, recorded.instance(3))).partition("--- For a bug")[2]
    (line,) = (line for line in report.splitlines() if line.startswith("- faults around it: "))
    assert line.startswith(
        "- faults around it: 2 earlier; kill -9 of host-1, 2 at 0 ms, healed at 2,"
    )
    assert line.endswith("kill -9 of host-1, 7 at 1 ms, never healed")


def test_the_bug_report_tells_unusual_settings(recorded: Recorded) -> None:
    """Hosts, locks and faults; nothing where they are as everybody has them."""
    fail(recorded, 3, WORDS, category="infrastructure")
    page = story_text.render(story(recorded, recorded.instance(3)))
    for words in ("- hosts on the store", "- lock timeouts", "- faults"):
        assert words not in page
    head = json.loads((recorded.directory / "cell.json").read_bytes())
    head["cell"]["faults"] = ["kill:every=2s", "pause:longer-than-lock"]
    head["cell"]["config"] |= {"nodes": 3, "worker_lock_timeout_ms": 2_000}
    (recorded.directory / "cell.json").write_text(json.dumps(head))
    report = story_text.render(story(recorded, recorded.instance(3))).partition("--- For a bug")[2]
    lines = report.splitlines()
    assert "- hosts on the store: 3" in lines
    assert "- lock timeouts: activities 2000 ms (default 30000)" in lines
    assert "- faults injected: `kill:every=2s`, `pause:longer-than-lock`" in lines
    head["cell"]["config"]["orchestrator_lock_timeout_ms"] = 1_500
    (recorded.directory / "cell.json").write_text(json.dumps(head))
    page = story_text.render(story(recorded, recorded.instance(3)))
    assert "activities 2000 ms (default 30000), orchestrations 1500 ms (default 5000)" in page
