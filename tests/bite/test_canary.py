"""Canary: instances of known output that fail, hang or starve beside others."""

import pytest

from duroxide_stress.recording.records import CANARY
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, small_cell, where

from .planted import CELLS, RecordingOf, fail, hang, op_of, told

BADLY, STARVED = "a canary did not end as it must", "a canary starved"


@pytest.fixture
def recorded(recording_of: RecordingOf) -> Recorded:
    """A cell with a canary every 50 ms."""
    return recording_of(small_cell("failures", canary_every_ms=50))


def canaries(recorded: Recorded) -> list[str]:
    """Their ids, in order."""
    lines = recorded.lines("ops", where(type="invoke", part=CANARY))
    return [line["instance"] for line in lines]


def wait(recorded: Recorded, instance: str, secs: float) -> None:
    """Let an instance have been acknowledged so long before its end."""
    ended_ms = max(e["ts_ms"] for e in recorded.lines("history", where(instance=instance)))
    op = op_of(recorded, instance)
    begun_ns = ended_ms * 1_000_000 - round(secs * 1e9)
    recorded.change("ops", where(type="acked", op=op), begun_ns=begun_ns, at_ns=begun_ns)


def test_canaries_keep_their_pace(recorded: Recorded) -> None:
    """One every 50 ms from the first moment to the window's end, each judged as any instance is."""
    begin, end = recorded.mark("begin"), recorded.mark("window_end")
    due = [line["due_ns"] for line in recorded.lines("ops", where(part=CANARY))]
    assert due == list(range(begin, end, 50_000_000))
    check = recorded.checks("canary")["canary"]
    assert (check.verdict, check.seen) == (Verdict.OK, len(due))


def test_a_canary_that_failed(recorded: Recorded) -> None:
    """Beside instances that fail by plan, it must not."""
    one = canaries(recorded)[3]
    fail(recorded, op_of(recorded, one), "infected", category="application")
    assert told(recorded, "canary") == {(one, BADLY)}


def test_a_canary_that_hangs(recorded: Recorded) -> None:
    """The completion check has it too; here it is known as what it is."""
    one = canaries(recorded)[3]
    hang(recorded, op_of(recorded, one))
    assert told(recorded, "canary") == {(one, BADLY)}


@pytest.mark.parametrize(("secs", "starved"), [(34.9, False), (35.1, True), (300, True)])
def test_a_canary_that_was_passed_over(recorded: Recorded, secs: float, starved: bool) -> None:
    """Longer than any lock lasts, while others that came later were served."""
    one = canaries(recorded)[-1]
    wait(recorded, one, secs)
    assert told(recorded, "canary") == ({(one, STARVED)} if starved else set())


def test_a_canary_that_waited_with_all_the_others(recorded: Recorded) -> None:
    """A store that stands still for everybody has passed nobody over."""
    one = canaries(recorded)[0]
    for instance in {x["instance"] for x in recorded.lines("ops", where(type="invoke"))}:
        wait(recorded, instance, 100)
    assert told(recorded, "canary") == set()
    assert one


def test_canaries_that_wait_more_often_than_the_load(recording_of: RecordingOf) -> None:
    """Each of its two activities stands in the queue for 25 seconds, as everybody's do: it takes 50,
    and instances that were started after it end before it. Nobody was passed over."""
    recorded = recording_of(
        small_cell(
            canary_every_ms=5_000,
            duration_secs=60,
            wait_timeout_secs=600,
            max_concurrent=20,
            activity_delay_ms=500,
            tasks_per_instance=5,
        )
    )
    ours = {op_of(recorded, one) for one in canaries(recorded)}
    begun = {x["op"]: x["at_ns"] for x in recorded.lines("ops", where(type="acked"))}
    took = [
        x["at_ns"] - begun[x["op"]]
        for x in recorded.lines("ops", where(type="ok"))
        if x["op"] in ours
    ]
    assert max(took) > 40e9
    assert recorded.checks("canary")["canary"].verdict == Verdict.OK


def test_too_few_canaries_prove_nothing(recorded: Recorded) -> None:
    """Two are not three."""
    spare = {op_of(recorded, one) for one in canaries(recorded)[2:]}
    recorded.drop("ops", lambda line: line.get("op") in spare)
    check = recorded.checks("canary")["canary"]
    assert (check.verdict, check.note) == (Verdict.UNKNOWN, "saw 2 canaries, needs 3")


def test_without_canaries_it_is_not_asked(recording_of: RecordingOf) -> None:
    """Nor is anything claimed."""
    check = recording_of(CELLS["parallel"]).checks("canary")["canary"]
    assert (check.asked, check.verdict) == (False, Verdict.UNKNOWN)
