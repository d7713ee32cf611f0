"""The one loop on sessions that refuse, fail, lose and cannot say."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from duroxide_stress.engines.base import Acknowledged, Depths, Event, Finished
from duroxide_stress.load.driver import QUIESCE_NS, REFUSED_PAUSE_NS, STILL_NS, TICK_NS
from duroxide_stress.recording.records import Fail, Info, Invoke, Ok, Sample
from duroxide_stress.scenarios.registry import scenario_named
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC
from duroxide_stress.values import UNRECORDED, flaw

from ..virtual import Run, cell, drive
from .fakes import FakeSession, complete, fail, refuse, vanish


def offered(session: FakeSession, **config: object) -> Run:
    """A run of one second without warm-up, two in flight, on this session."""
    fields = {"warmup_secs": 0, "duration_secs": 1, "max_concurrent": 2, **config}
    of = cell(**fields)
    return drive(session, scenario_named("parallel").workload(of), of.config)


def test_refused_starts_are_paced() -> None:
    """A store that refuses everything is asked ten times a second per slot, on the dot."""
    run = offered(FakeSession(refuse))
    times = sorted(op.at_ns for op in run.ops.of(Invoke))[::2]
    assert run.driver.launched == run.driver.failed == 2 * len(times)
    assert {b - a for a, b in pairwise(times)} == {REFUSED_PAUSE_NS + NS_PER_MS}
    assert len(times) == 10
    refused = run.ops.of(Fail)
    assert {(end.where, end.error) for end in refused} == {("start", "store is full")}
    assert set(run.ends_per_op.values()) == {1}


def test_a_refused_slot_does_not_hold_up_the_others() -> None:
    """While one slot rests, the other goes on at full speed."""
    run = offered(FakeSession(lambda op, at: (refuse if op == 0 else complete)(op, at)))
    assert run.driver.failed == 1
    # One slot at a start a millisecond for a second, the other the same after its rest.
    assert run.driver.completed == pytest.approx(1000 + 899, abs=3)
    assert run.driver.max_in_flight == 2


def test_a_failed_instance_is_recorded_with_its_words_and_its_slot_is_free() -> None:
    """Failing is an end like any other: known, counted, and no reason to slow down."""
    run = offered(FakeSession(fail))
    ends = run.ops.of(Fail)
    assert {(end.where, end.error) for end in ends} == {("end", "it broke")}
    assert len(ends) == run.driver.failed == run.driver.launched == 2000
    assert run.driver.completed == len(run.ops.of(Ok)) == 0


@pytest.mark.parametrize("output", [math.nan, ["\ud800"], 10**5000], ids=["nan", "lone", "long"])
def test_an_output_that_no_recording_can_hold(output: Any) -> None:
    """The instance has completed all the same; what is wrong with its output stands in its place."""

    def answer(op: int, at_ns: int) -> list[Event]:
        return [Acknowledged(op, at_ns, at_ns), Finished(op, at_ns, "Completed", output)]

    run = offered(FakeSession(answer))
    assert run.driver.completed == run.driver.launched == 2000
    first = run.ops.of(Ok)[0]
    assert first.output == {UNRECORDED: flaw(output)}
    assert msgspec.json.decode(msgspec.json.encode(first), type=Ok) == first


def test_lost_instances_are_given_up_one_by_one_and_forgotten() -> None:
    """The session is told to stop watching each, after its own time and not the run's."""
    session = FakeSession(vanish)
    run = offered(session, wait_timeout_secs=0.4)
    infos = run.ops.of(Info)
    assert session.forgotten == [info.op for info in infos]
    assert {info.reason for info in infos} == {"timeout"}
    # Two slots, looked at every 250 ms: given up at 0.5 s and at 1.0 s or in the drain.
    assert len(infos) == run.driver.launched == 4
    assert run.finished


def test_an_end_that_the_last_look_finds_is_an_end_like_others() -> None:
    """Its hint was lost and its time is up, but it is over: nobody calls it hanging."""
    session = FakeSession(vanish, last=lambda op, now: [Finished(op, now, "Completed", op)])
    run = offered(session, wait_timeout_secs=0.4)
    assert run.ops.of(Info) == []
    assert [ok.op for ok in run.ops.of(Ok)] == session.looked_last
    assert run.driver.completed == run.driver.launched == 4
    assert run.finished


@pytest.mark.parametrize(
    "depths",
    [lambda now: None, lambda now: Depths(0, 1), lambda now: Depths(now // TICK_NS, 0)],
    ids=["unknown", "a stuck activity", "moving"],
)
def test_queues_that_never_empty_are_not_waited_for_for_ever(
    depths: Callable[[int], Depths | None],
) -> None:
    """After ten seconds of queues that are busy, or uncounted, the run is over but not at rest."""
    session = FakeSession(complete, depths)
    run = offered(session)
    assert run.finished
    assert "at_rest" not in run.marks
    assert session.now_ns() - run.marks["drained"] == QUIESCE_NS
    assert bool(run.samples.of(Sample)) == (depths(1) is not None)


def test_messages_that_wait_for_their_time_are_at_rest() -> None:
    """A timer that lost its race stays queued until it is due: a depth that stands still is rest."""
    run = offered(FakeSession(complete, lambda now: Depths(3, 0)))
    assert run.marks["at_rest"] - run.marks["drained"] == STILL_NS


def test_timers_that_come_due_one_by_one_are_at_rest() -> None:
    """Each that is taken makes the queue shorter, and nothing makes it longer."""
    run = offered(FakeSession(complete, lambda now: Depths(10**6 - now // NS_PER_MS % 10**6, 0)))
    assert run.marks["at_rest"] - run.marks["drained"] == STILL_NS


def test_a_queue_that_grows_again_is_not_at_rest() -> None:
    """Work makes work: up and down within every four seconds."""
    run = offered(FakeSession(complete, lambda now: Depths(5 + now // NS_PER_SEC % 2, 0)))
    assert "at_rest" not in run.marks


def test_empty_queues_are_at_rest_at_once() -> None:
    """No time is spent on queues that are empty."""
    run = offered(FakeSession(complete))
    assert run.marks["at_rest"] == run.marks["drained"]
    assert run.marks["drained"] - run.marks["begin"] <= NS_PER_SEC + NS_PER_MS
