"""Timers: early ones, due times that are wrong in themselves, and what is only late."""

import json

import pytest

from recordings.make import Line, Recorded, where

from .planted import CELLS, RecordingOf, event, insert, root, this, told

EARLY, TOO_SOON = "a timer fired early", "ended sooner than its delays allow"


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """Instances with timers of every arrangement."""
    return recording_of(CELLS["timers"])


def _due_ms(recorded: Recorded, fired: Line) -> int:
    (created,) = recorded.lines(
        "history", where(instance=fired["instance"], event_id=fired["source"])
    )
    return int(json.loads(created["data"])["fireAtMs"])


@pytest.mark.parametrize(("late_ms", "early"), [(-1, True), (-40, True), (0, False), (900, False)])
@pytest.mark.parametrize("nth", [0, 3])
def test_when_a_timer_fires(recorded: Recorded, nth: int, late_ms: int, early: bool) -> None:
    """A millisecond early is early; on time and late are not."""
    one = root(recorded)
    fired = event(recorded, one, "TimerFired", nth)
    recorded.change("history", this(fired), ts_ms=_due_ms(recorded, fired) + late_ms)
    assert told(recorded, "timers") == ({(one, EARLY)} if early else set())


def _earlier(recorded: Recorded, one: str, since_ms: int, by_ms: int) -> None:
    """Let everything from a moment on have happened earlier, due times included."""
    lines = recorded.lines("history")
    for line in lines:
        if line["instance"] == one and line["ts_ms"] >= since_ms:
            line["ts_ms"] -= by_ms
            if line["kind"] == "TimerCreated":
                due_ms = json.loads(line["data"])["fireAtMs"]
                line["data"] = json.dumps({"fireAtMs": due_ms - by_ms})
    recorded.put("history", lines)


@pytest.mark.parametrize(("short_ms", "caught"), [(0, False), (40, True)])
def test_a_timer_that_was_made_too_short(recorded: Recorded, short_ms: int, caught: bool) -> None:
    """An engine that takes 10 ms for 50 is true to its own due time, and ends too soon."""
    one = root(recorded)
    created, fired = (event(recorded, one, kind) for kind in ("TimerCreated", "TimerFired"))
    due_ms = created["ts_ms"] + 50 - short_ms
    recorded.change("history", this(created), data=json.dumps({"fireAtMs": due_ms}))
    _earlier(recorded, one, fired["ts_ms"], fired["ts_ms"] - due_ms)
    # What each of the later steps takes beyond its delay must not hide it.
    for nth in range(1, len(recorded.lines("history", where(instance=one, kind="TimerFired")))):
        fired = event(recorded, one, "TimerFired", nth)
        _earlier(recorded, one, fired["ts_ms"], fired["ts_ms"] - _due_ms(recorded, fired))
    assert told(recorded, "timers") == ({(one, TOO_SOON)} if caught else set())


def test_activities_that_took_no_time(recording_of: RecordingOf) -> None:
    """The same holds where the delays are those of activities."""
    recorded = recording_of(CELLS["parallel"])
    one = root(recorded)
    begun = event(recorded, one, "OrchestrationStarted")["ts_ms"]
    recorded.change("history", where(instance=one), ts_ms=begun)
    assert told(recorded, "timers") == {(one, TOO_SOON)}


def test_a_timer_that_fires_twice(recorded: Recorded) -> None:
    """It is one completion too many, which is the history check's to say."""
    one = root(recorded)
    insert(recorded, event(recorded, one, "TimerFired"))
    assert (one, "completed more than once") in told(recorded, "history")


def test_a_timer_that_never_fires(recorded: Recorded) -> None:
    """An instance cannot have gone on without it: its program makes more firings."""
    one = root(recorded)
    fired = event(recorded, one, "TimerCreated", 2)
    recorded.drop("history", where(instance=one, source=fired["event_id"]))
    assert (one, "gap in event ids") in told(recorded, "history")
