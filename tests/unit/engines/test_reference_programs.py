"""The reference engine on random programs: what it does is what the oracle says, to the event."""

import json
from collections import Counter, defaultdict
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duroxide_stress.oracle import Oracle
from duroxide_stress.program import (
    Activity,
    Child,
    Generations,
    Json,
    Leaf,
    Program,
    Race,
    Sequence,
    Timer,
)
from duroxide_stress.recording.records import Effect, Fail, HistoryEvent, Ok
from duroxide_stress.units import NS_PER_MS

from ..programs import JSON, PROGRAMS, ROOT, fits
from ..virtual import OneRoot, Run, cell, run_cell

TERMINAL = {"OrchestrationCompleted", "OrchestrationFailed", "OrchestrationContinuedAsNew"}
CAUSES = {
    "ActivityCompleted": "ActivityScheduled",
    "ActivityFailed": "ActivityScheduled",
    "ActivityCancelRequested": "ActivityScheduled",
    "TimerFired": "TimerCreated",
    "SubOrchestrationCompleted": "SubOrchestrationScheduled",
    "SubOrchestrationFailed": "SubOrchestrationScheduled",
    "SubOrchestrationCancelRequested": "SubOrchestrationScheduled",
}


def run_few(work: OneRoot, workers: int = 2) -> Run:
    """A tenth of a second of it, two instances at a time."""
    fields = {"duration_secs": 0.1, "warmup_secs": 0, "max_concurrent": 2}
    return run_cell(cell(**fields, worker_concurrency=workers), work)


def executions(history: list[HistoryEvent]) -> list[list[HistoryEvent]]:
    """An instance's events, a list an execution."""
    apart = defaultdict(list)
    for event in history:
        apart[event.execution].append(event)
    assert list(apart) == list(range(1, len(apart) + 1))
    return list(apart.values())


def assert_grammar(events: list[HistoryEvent]) -> None:
    """Ids without gap, one start first, one end last, each completion after its own schedule."""
    assert [event.event_id for event in events] == list(range(1, len(events) + 1))
    kinds = [event.kind for event in events]
    assert [kinds.index(k) for k in kinds if k == "OrchestrationStarted"] == [0]
    assert [k for k in kinds if k in TERMINAL] == kinds[-1:]
    assert [e.ts_ms for e in events] == sorted(e.ts_ms for e in events)
    completed = [e for e in events if e.kind in CAUSES and not e.kind.endswith("CancelRequested")]
    assert len({e.source for e in completed}) == len(completed)
    for event in events:
        if event.kind in CAUSES:
            cause = events[event.source - 1]
            assert (cause.kind, cause.event_id < event.event_id) == (CAUSES[event.kind], True)
        else:
            assert event.source is None


@settings(max_examples=60)
@given(PROGRAMS, JSON, st.integers(1, 3))
def test_histories_follow_the_grammar(
    programs: dict[str, Program], value: Json, workers: int
) -> None:
    """Whatever the program, every execution of every instance is well formed and closed."""
    run = run_few(OneRoot(programs, value), workers)
    books = {(e.instance, e.execution): e for e in run.executions}
    roots = [e for e in run.executions if e.parent is None and e.current]
    assert len(roots) == run.driver.launched > 0
    for instance, history in run.history.items():
        for number, events in enumerate(executions(history), 1):
            assert_grammar(events)
            book = books.pop((instance, number))
            assert book.events == len(events)
            assert events[-1].kind == f"Orchestration{book.status}"
    assert books == {}


@settings(max_examples=100)
@given(PROGRAMS, JSON)
def test_the_oracle_says_what_the_engine_does(programs: dict[str, Program], value: Json) -> None:
    """Outcome, history events and least time of every instance are those it owes."""
    work = OneRoot(programs, value)
    run = run_few(work)
    outcomes = run.ops.of(Ok, Fail)
    assert len(outcomes) == run.driver.launched > 0
    for outcome in outcomes:
        order = work.order(outcome.op)
        if isinstance(outcome, Fail):
            assert (order.expect.status, order.expect.error) == ("Failed", outcome.error)
        else:
            assert order.expect.status == "Completed"
            assert fits(order.expect.output, outcome.output)
        history = run.history[order.instance]
        counts = Counter(event.kind for event in history)
        assert {kind: counts[kind] for kind in order.expect.events} == order.expect.events
        assert history[-1].ts_ms - history[0].ts_ms >= order.expect.min_ms


def per_root(effects: list[Effect]) -> dict[str, list[Effect]]:
    """Root instance → the effects of its activities and of its children's."""
    apart = defaultdict(list)
    for effect in effects:
        assert effect.instance.partition("::")[0] == effect.token.partition("|")[0]
        apart[effect.token.partition("|")[0]].append(effect)
    return apart


@settings(max_examples=100)
@given(PROGRAMS, JSON)
def test_activities_really_run_as_the_oracle_says(
    programs: dict[str, Program], value: Json
) -> None:
    """As many, and for as long; where a race or a timeout leaves it open, at least as many."""
    work = OneRoot(programs, value)
    run = run_few(work)
    effects = per_root(run.effects)
    for op in range(run.driver.launched):
        order = work.order(op)
        found = Oracle(programs).forecast(ROOT, order.instance, value)
        begins = {e.run: e for e in effects[order.instance] if e.phase == "begin"}
        over = [e for e in effects[order.instance] if e.phase != "begin"]
        ran = len({e.token for e in over})
        spent_ms = sum(e.at_ns - begins.pop(e.run).at_ns for e in over) // NS_PER_MS
        if found.open_end:
            assert ran >= found.activities
        else:
            assert (ran, spent_ms, begins) == (found.activities, found.worker_ms, {})


def test_children_of_each_generation_are_instances_of_their_own() -> None:
    """Their ids are Duroxide's: with the execution in them from the second on."""
    programs = {"one": Generations(3, Sequence((Timer(1), Child("kid")))), "kid": Timer(1)}
    run = run_few(OneRoot(programs))
    ids = [e.instance for e in run.executions if e.parent == "one-0"]
    assert ids == ["one-0::sub::4", "one-0::sub::2_4", "one-0::sub::3_4"]
    assert all(run.history[child][-1].kind == "OrchestrationCompleted" for child in ids)


RACERS = [Timer(2), Timer(3), Activity(2), Child("kid")]


@pytest.mark.parametrize(("first", "second"), list(product(RACERS, repeat=2)))
def test_what_lost_a_race_does_not_reach_the_next_generation(first: Leaf, second: Leaf) -> None:
    """Event ids begin anew with each execution; a late result of the last completes none of them."""
    programs = {"one": Generations(4, Race(first, second)), "kid": Timer(1)}
    run = run_few(OneRoot(programs))
    assert len(run.ops.of(Ok)) == run.driver.launched > 0
    for history in run.history.values():
        for events in executions(history):
            assert_grammar(events)
            fired = [e for e in events if e.kind == "TimerFired"]
            due = [json.loads(events[e.source - 1].data)["fireAtMs"] for e in fired]
            assert all(e.ts_ms >= ms for e, ms in zip(fired, due, strict=True))
