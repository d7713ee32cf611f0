"""Hosts of the reference engine that are killed and paused: times worked out by hand, and no promise
broken whatever is done to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duroxide_stress.engines.reference.engine import ReferenceEngine
from duroxide_stress.engines.reference.hosts import Hosts, VirtualNodes
from duroxide_stress.engines.reference.session import WorldSession
from duroxide_stress.engines.reference.simulation import EPOCH_NS
from duroxide_stress.engines.reference.world import World
from duroxide_stress.program import Activity, Json, Program, Retry, Timer
from duroxide_stress.recording.records import Effect, Execution, Fail, HistoryEvent, Ok
from duroxide_stress.units import NS_PER_MS

from ..programs import JSON, PROGRAMS, fits
from ..virtual import OneRoot, Run, Tape, cell, drive

LOCKS = {"worker_lock_timeout_ms": 3_000, "orchestrator_lock_timeout_ms": 2_000}
ONE = {"duration_secs": 0.1, "warmup_secs": 0, "max_concurrent": 1, "wait_timeout_secs": 60}
TURN, CALL = 1.0, 0.2
"""What a turn and a client's call take, in ms."""
BEGUN = CALL + TURN
"""When the first activity of the first instance begins."""

What = tuple[float, Callable[[Hosts], Any]]
"""Milliseconds after the beginning, and what is done to the hosts then."""


def run_struck(program: Program, *strikes: What, nodes: int = 2, **config: Any) -> Run:
    """One instance of it and no more, on hosts to which that is done."""
    work = OneRoot({"one": program}, limit=1)
    return struck(work, strikes, nodes=nodes, **{**ONE, **config})


def struck(work: OneRoot, strikes: Iterable[What], **config: Any) -> Run:
    """The cell to its end, books included."""
    of, world, effects = cell(**{**LOCKS, **config}), World(), Tape()
    world.serve(of, work, effects.write)
    for at_ms, strike in strikes:
        world.clock.after(round(at_ms * NS_PER_MS), lambda strike=strike: strike(world.hosts))
    run = drive(WorldSession(world), work, of.config)
    while world.clock.next_ns() is not None:
        world.clock.step()
    run.effects = effects.of(Effect)
    for record in world.collect():
        if isinstance(record, Execution):
            run.executions.append(record)
        else:
            run.history.setdefault(record.instance, []).append(record)
    return run


def ran(run: Run) -> list[tuple[str, str, float]]:
    """What happened of activities where, and when in ms."""
    return [(e.node, e.phase, (e.at_ns - EPOCH_NS) / NS_PER_MS) for e in run.effects]


def kinds(run: Run) -> list[tuple[str, int]]:
    """The events of the one instance, each with its ms."""
    ms = EPOCH_NS // NS_PER_MS
    return [(event.kind, event.ts_ms - ms) for event in run.history["one-0"]]


def test_what_a_killed_host_ran_is_run_by_another_when_its_lock_has_expired() -> None:
    """It was renewed last after two of the three seconds; nothing of the first run ends."""
    run = run_struck(Activity(5_000), (2_500, lambda hosts: hosts.kill("host-0")))
    again = BEGUN + 2_000 + 3_000
    assert ran(run) == [
        ("host-0", "begin", BEGUN),
        ("host-1", "begin", again),
        ("host-1", "end", again + 5_000),
    ]
    assert Counter(kind for kind, _ in kinds(run))["ActivityCompleted"] == 1
    assert len(run.ops.of(Ok)) == 1


def test_a_host_that_lives_keeps_its_lock_however_long_it_takes() -> None:
    """Ten times the lock's time; the other host has nothing to do."""
    assert [node for node, _, _ in ran(run_struck(Activity(30_000)))] == ["host-0"] * 2


def test_a_restarted_host_takes_what_it_held_itself_under_a_new_name() -> None:
    """Not before the lock of its first life has expired; its runs are numbered anew."""
    run = run_struck(
        Activity(100),
        (50, lambda hosts: hosts.kill("host-0")),
        (60, lambda hosts: hosts.start("host-0")),
        nodes=1,
    )
    again = BEGUN + 3_000
    assert ran(run) == [
        ("host-0", "begin", BEGUN),
        ("host-0.2", "begin", again),
        ("host-0.2", "end", again + 100),
    ]
    assert {effect.run for effect in run.effects} == {0}


def test_the_late_answer_of_a_paused_host_is_rejected_but_its_end_is_written_down() -> None:
    """Both really ran; one completion is booked, that of the host that held the lock."""
    run = run_struck(
        Activity(100),
        (50, lambda hosts: hosts.pause("host-0")),
        (3_050, lambda hosts: hosts.resume("host-0")),
    )
    again = BEGUN + 3_000
    assert ran(run) == [
        ("host-0", "begin", BEGUN),
        ("host-1", "begin", again),
        ("host-0", "end", 3_050),
        ("host-1", "end", again + 100),
    ]
    completed = [ms for kind, ms in kinds(run) if kind == "ActivityCompleted"]
    assert completed == [int(again + 100 + TURN)]


@pytest.mark.parametrize(("resumed_ms", "ended_ms"), [(60, BEGUN + 100), (2_500, 2_500)])
def test_a_pause_shorter_than_the_lock_costs_nothing_but_time(
    resumed_ms: int, ended_ms: float
) -> None:
    """What became due meanwhile ends at once, everything else when it would have; renewed again."""
    run = run_struck(
        Activity(100),
        (50, lambda hosts: hosts.pause("host-0")),
        (resumed_ms, lambda hosts: hosts.resume("host-0")),
    )
    assert ran(run) == [("host-0", "begin", BEGUN), ("host-0", "end", ended_ms)]


def test_a_lock_is_renewed_when_its_host_is_resumed() -> None:
    """From then on it lasts its whole time again, whatever had been due before."""
    run = run_struck(
        Activity(10_000),
        (500, lambda hosts: hosts.pause("host-0")),
        (2_900, lambda hosts: hosts.resume("host-0")),
        (3_100, lambda hosts: hosts.kill("host-0")),
    )
    assert ran(run)[1] == ("host-1", "begin", 2_900 + 3_000)


@pytest.mark.parametrize("strike", ["kill", "pause"])
def test_a_turn_that_was_cut_off_is_taken_by_another_and_counts_once(strike: str) -> None:
    """When the lock on the instance has expired; the first attempt wrote nothing."""
    run = run_struck(
        Timer(5_000),
        (0.7, lambda hosts: getattr(hosts, strike)("host-0")),
        (4_000, lambda hosts: hosts.resume("host-0")),
    )
    begun = int(CALL + 2_000 + TURN)
    assert kinds(run) == [
        ("OrchestrationStarted", begun),
        ("TimerCreated", begun),
        ("TimerFired", begun + 5_001),
        ("OrchestrationCompleted", begun + 5_001),
    ]


def test_timers_and_messages_wait_for_a_host() -> None:
    """They are the store's: with all hosts gone they are kept, and late."""
    run = run_struck(
        Timer(100),
        (50, lambda hosts: hosts.kill("host-0")),
        (5_000, lambda hosts: hosts.start("host-0")),
        nodes=1,
    )
    assert kinds(run)[-1] == ("OrchestrationCompleted", 5_001)


def test_planned_failures_are_counted_over_all_hosts() -> None:
    """An attempt that was lost has not failed; one that ended too late has, and is not booked."""
    flaky = Activity(100, fails=2, retry=Retry(3))
    run = run_struck(
        flaky,
        (50, lambda hosts: hosts.pause("host-0")),
        (3_050, lambda hosts: hosts.resume("host-0")),
    )
    assert Counter(phase for _, phase, _ in ran(run)) == {"begin": 3, "failed": 2, "end": 1}
    assert Counter(kind for kind, _ in kinds(run))["ActivityFailed"] == 1
    killed = run_struck(flaky, (50, lambda hosts: hosts.kill("host-0")))
    assert Counter(phase for _, phase, _ in ran(killed)) == {"begin": 4, "failed": 2, "end": 1}
    assert Counter(kind for kind, _ in kinds(killed))["ActivityFailed"] == 2


def test_hosts_share_the_work_evenly() -> None:
    """Each has the slots that the cell names, and they are asked in turn."""
    run = struck(OneRoot({"one": Activity(100)}), (), nodes=3, max_concurrent=50)
    shares = Counter(effect.node for effect in run.effects if effect.phase == "begin")
    assert set(shares) == {"host-0", "host-1", "host-2"}
    assert max(shares.values()) - min(shares.values()) <= 2


def test_what_is_done_to_hosts_and_what_they_are_called() -> None:
    """Names of hosts and of lives are both understood; what does not fit does nothing."""
    world = ReferenceEngine().connect(None, "virtual")
    world.serve(cell(nodes=2), OneRoot({"one": Timer(1)}), lambda effect: None)
    hosts = world.hosts
    assert isinstance(hosts, VirtualNodes)
    assert hosts.alive() == ["host-0", "host-1"]
    assert hosts.start("host-0") == "host-0"
    hosts.kill("host-0")
    hosts.kill("host-0")
    hosts.pause("host-0")
    assert hosts.alive() == ["host-1"]
    assert (hosts.start("host-0"), hosts.life("host-0")) == ("host-0.2", "host-0.2")
    hosts.pause("host-0.2")
    hosts.resume("host-1")
    assert hosts.alive() == ["host-0", "host-1"]
    hosts.kill("host-0.2")
    assert hosts.start("host-0.2") == "host-0.3"


def test_what_is_locked_by_a_dead_host_is_no_rest() -> None:
    """Depths count it, so that nobody takes the store as it is then for its last word."""
    of, world = cell(nodes=1, **LOCKS), World()
    work = OneRoot({"one": Activity(100)})
    world.serve(of, work, lambda effect: None)
    session = WorldSession(world)
    session.submit(work.order(0))
    session.wait(EPOCH_NS + 50 * NS_PER_MS)
    session.wait(EPOCH_NS + 50 * NS_PER_MS)
    assert (session.depths(wait=True).orchestrator, session.depths(wait=True).worker) == (0, 0)
    world.hosts.kill("host-0")
    assert (session.depths(wait=True).orchestrator, session.depths(wait=True).worker) == (0, 1)


STRIKES = st.lists(
    st.tuples(
        st.floats(0, 400),
        st.sampled_from(["kill", "pause"]),
        st.integers(0, 2),
        st.floats(1, 5_000),
    ),
    max_size=5,
)


def both(strikes: list[tuple[float, str, int, float]]) -> list[What]:
    """Each strike, and how it is healed."""
    found: list[What] = []
    for at_ms, what, number, lasts_ms in strikes:
        node, heal = f"host-{number}", "start" if what == "kill" else "resume"
        found.append((at_ms, lambda hosts, w=what, n=node: getattr(hosts, w)(n)))
        found.append((at_ms + lasts_ms, lambda hosts, h=heal, n=node: getattr(hosts, h)(n)))
    # One may be killed while it is paused, and the other's healing does not fit it.
    found += [(6_000, lambda hosts, n=n: hosts.start(f"host-{n}")) for n in range(3)]
    return [*found, *[(6_001, lambda hosts, n=n: hosts.resume(f"host-{n}")) for n in range(3)]]


def is_whole(history: list[HistoryEvent]) -> bool:
    """Ids without gap in every execution, and no schedule completed twice."""
    ids: dict[int, int] = {}
    for event in history:
        ids[event.execution] = ids.get(event.execution, 0) + 1
        if event.event_id != ids[event.execution]:
            return False
    done = Counter(
        (e.execution, e.source)
        for e in history
        if e.source is not None and not e.kind.endswith("CancelRequested")
    )
    return not done or max(done.values()) == 1


@settings(max_examples=80, deadline=None)
@given(PROGRAMS, JSON, STRIKES)
def test_whatever_is_done_to_hosts_every_instance_ends_as_it_must(
    programs: dict[str, Program], value: Json, strikes: list[tuple[float, str, int, float]]
) -> None:
    """Its outcome is the oracle's, its history well formed, and nothing booked that did not run."""
    work = OneRoot(programs, value)
    run = struck(
        work, both(strikes), nodes=3, duration_secs=0.2, warmup_secs=0, max_concurrent=3,
        wait_timeout_secs=120,
    )  # fmt: skip
    outcomes = run.ops.of(Ok, Fail)
    assert len(outcomes) == run.driver.launched > 0
    for outcome in outcomes:
        expect = work.order(outcome.op).expect
        if isinstance(outcome, Fail):
            assert (expect.status, expect.error) == ("Failed", outcome.error)
        else:
            assert expect.status == "Completed"
            assert fits(expect.output, outcome.output)
    assert all(map(is_whole, run.history.values()))
    booked = Counter(e.kind for history in run.history.values() for e in history)
    ended = Counter(effect.phase for effect in run.effects)
    assert booked["ActivityCompleted"] <= ended["end"]
    assert booked["ActivityFailed"] <= ended["failed"]
