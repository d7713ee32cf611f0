"""Ordering: followers that begin before what they follow has ended."""

import pytest

from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import CELLS, RecordingOf, caught, event, root, this, told

EARLY = "began before what it follows had ended"


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """Instances of which each activity but the first follows another."""
    return recording_of(CELLS["versions"])


def end_of(recorded: Recorded, token: str) -> int:
    """When that step's activity ended."""
    return int(recorded.lines("effects", where(token=token, phase="end"))[0]["at_ns"])


@pytest.mark.parametrize(
    ("early_ms", "is_early"), [(0, False), (0.9, False), (1.1, True), (50, True)]
)
def test_a_follower_that_ran_ahead(recorded: Recorded, early_ms: float, is_early: bool) -> None:
    """By more than a clock that is being slewed may take back."""
    one = root(recorded)
    begun = end_of(recorded, f"{one}|1|0.1") - round(early_ms * 1e6)
    recorded.change("effects", where(token=f"{one}|1|0.3", phase="begin"), at_ns=begun)
    assert told(recorded, "ordering") == ({(one, EARLY)} if is_early else set())


def test_a_clock_that_was_set_back_is_no_finding(recorded: Recorded) -> None:
    """The driver saw the clock move by more than the step was early."""
    one = root(recorded)
    begun = end_of(recorded, f"{one}|1|0.1") - 50_000_000
    recorded.change("effects", where(token=f"{one}|1|0.3", phase="begin"), at_ns=begun)
    recorded.edit("end.json", driver={"clock_drift_ns": -60_000_000})
    assert told(recorded, "ordering") == set()


def test_events_that_are_no_json(recorded: Recorded) -> None:
    """Duroxide writes what users' own code hands it as it is; that must not cost the check."""
    line = event(recorded, root(recorded), "ActivityScheduled")
    recorded.change("history", this(line), data='{"name":"guid","input":}')
    check = recorded.checks("ordering")["ordering"]
    assert (check.verdict, check.found) == (Verdict.OK, 0)


def test_a_repeated_run_is_no_finding(recorded: Recorded) -> None:
    """An activity that is run once more, after its follower, was not what the follower waited for."""
    one = root(recorded)
    for phase in ("begin", "end"):
        line = recorded.lines("effects", where(token=f"{one}|1|0.1", phase=phase))[0]
        recorded.add("effects", {**line, "at_ns": line["at_ns"] + 10**9, "run": 9_999})
    assert "ordering" not in caught(recorded)


def test_generations_follow_one_another(recording_of: RecordingOf) -> None:
    """Also over the border: nothing of the next begins before the last of this one has ended."""
    recorded = recording_of(CELLS["long-running"])
    one = root(recorded)
    tokens = sorted({e["token"] for e in recorded.lines("effects", where(instance=one))})
    last = max(end_of(recorded, t) for t in tokens if t.startswith(f"{one}|1|"))
    follower = next(t for t in tokens if t.startswith(f"{one}|2|"))
    recorded.change("effects", where(token=follower, phase="begin"), at_ns=last - 40_000_000)
    assert (one, EARLY) in told(recorded, "ordering")


def test_a_fan_out_is_not_asked(recording_of: RecordingOf) -> None:
    """Steps that were scheduled together promise no order."""
    check = recording_of(CELLS["parallel"]).checks("ordering")["ordering"]
    assert (check.asked, check.verdict, check.seen) == (False, Verdict.UNKNOWN, 0)
