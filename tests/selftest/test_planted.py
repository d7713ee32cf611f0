"""Every planted bug is found by the check that is there for it."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.scenarios.registry import SCENARIOS
from duroxide_stress.selftest import running
from duroxide_stress.selftest.bugs import crashes, recovery
from duroxide_stress.selftest.catalogue import BUGS
from duroxide_stress.selftest.planted import Bug, struck
from duroxide_stress.selftest.running import leaked, planted, unproven
from duroxide_stress.selftest.streams import LEAKS, Stream
from duroxide_stress.selftest.tampering import TAMPERINGS

RECOVERY = (*crashes.BUGS, *recovery.BUGS)
WORDS = {
    "start lost in a crash": "an acknowledged start is gone",
    "message lost in a crash": "an acknowledged message is gone",
    "older history after a crash": "before it was scheduled",
    "booked work run after a restart": "ran again after it was booked as done",
    "timers lost by a restart": "lost wake-up: its timer was due",
    "timers early after a restart": "a timer fired early",
    "instance doubled by a restart": "2 terminal events",
    "late answer booked too": "completed more than once",
    "late turn committed too": "gap in event ids",
    "work lost with its host": "lost wake-up: its activity never ran",
    "turn lost with its host": "never began",
    "locked work given away": "ran twice at once",
    "child silent after a crash": "lost wake-up: its child",
}
"""What the first finding must say, so that it is found for what it is."""
EVERYTHING = (*BUGS, *LEAKS, *TAMPERINGS)
REMOVED = ("outputs", "timers", "cancellation", "children")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "-"))
def test_a_planted_bug_is_caught_by_its_check(bug: Bug) -> None:
    """The engine is wrong in one place, and the check says so with an instance or a figure."""
    outcome = planted(bug)
    assert outcome.caught, outcome.alarms
    assert outcome.finding
    assert not outcome.weak


@pytest.mark.parametrize("bug", RECOVERY, ids=lambda bug: bug.name.replace(" ", "-"))
def test_a_bug_of_recovery_is_found_for_what_it_is(bug: Bug) -> None:
    """By what it does, and only because hosts were struck: without that nothing alarms."""
    assert bug.strikes
    assert WORDS[bug.name] in planted(bug).finding
    assert planted(msgspec.structs.replace(bug, strikes=())).alarms == {}


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name.replace(" ", "-"))
def test_a_leak_is_caught_by_its_check(leak: Stream) -> None:
    """And by no other: nothing else is wrong."""
    outcome = leaked(leak)
    assert list(outcome.alarms) == ["memory"]


def test_every_check_has_two_bugs_of_its_own() -> None:
    """What nothing was planted for is not known to bite."""
    assert unproven() == ()
    assert {bug.check for bug in EVERYTHING} == set(CHECKS)


def test_every_bug_has_a_name_and_a_sentence_of_its_own() -> None:
    """The catalogue says what each one does."""
    assert len(BUGS) >= 50
    assert max(Counter(bug.name for bug in EVERYTHING).values()) == 1
    for bug in EVERYTHING:
        assert bug.what.endswith((".", ").")), bug.name
        assert "\n" not in bug.what, bug.name
    assert {bug.scenario for bug in BUGS} <= set(SCENARIOS)


@pytest.mark.parametrize("check", REMOVED)
def test_without_its_check_a_bug_is_not_caught(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removing a check makes the self-test fail: no other takes its place."""
    bug = next(bug for bug in BUGS if bug.check == check)
    others = {name: other for name, other in CHECKS.items() if name != check}
    monkeypatch.setattr(running, "CHECKS", others)
    outcome = planted(bug)
    assert not outcome.caught
    assert outcome.weak == bool(outcome.alarms)


def test_a_bug_strikes_some_instances_and_their_children() -> None:
    """So that checks that compare instances have a majority to go by."""
    ids = [f"par-0a1b2c3d-{op:07d}" for op in range(10)]
    assert [struck(name) for name in ids] == [op in (2, 7) for op in range(10)]
    assert struck(f"{ids[7]}::sub::3")
    assert not struck("somebody-else")
