"""What must come out, said without an engine, against two ways of really doing it."""

import pytest
from hypothesis import given, settings

from duroxide_stress.oracle import activity_ms, count_activities, expect, least_ms
from duroxide_stress.program import (
    Activity,
    JoinAll,
    Json,
    Parallel,
    Scope,
    Sequence,
    Step,
    perform,
    walk,
)
from duroxide_stress.recording.records import Ok

from .programs import JSON, PROGRAMS
from .virtual import OneProgram, cell, run_cell


def by_hand(program: Step, value: Json) -> tuple[Json, int, int]:
    """Walk a program with `perform`: its result, its activities, and the delays passed."""
    walking = walk(program, Scope("i", 1, value))
    result, ran, passed_ms = None, 0, 0
    try:
        while True:
            command = walking.send(result)
            joined = isinstance(command, JoinAll)
            commands = command.commands if joined else (command,)
            results = [perform(c.input) for c in commands]
            result = results if joined else results[0]
            ran += len(commands)
            passed_ms += max((c.input["delay_ms"] for c in commands), default=0)
    except StopIteration as over:
        return over.value, ran, passed_ms


@given(PROGRAMS, JSON)
def test_the_oracle_agrees_with_the_walk(program: Step, value: Json) -> None:
    """Output, number of activities and least time, each worked out in two ways."""
    output, ran, passed_ms = by_hand(program, value)
    expected = expect(program, "i", value, "alike")
    assert expected.output == output
    assert expected.activities == ran
    assert expected.min_ms == passed_ms


@settings(max_examples=30)
@given(PROGRAMS, JSON)
def test_the_oracle_agrees_with_the_reference_engine(program: Step, value: Json) -> None:
    """What the engine recorded for every instance is what the oracle said."""
    work = OneProgram(program, value)
    run = run_cell(cell(duration_secs=0.1, warmup_secs=0, max_concurrent=2), work)
    outcomes = run.ops.of(Ok)
    assert len(outcomes) == run.driver.launched > 0
    for outcome in outcomes:
        order = work.order(outcome.op)
        history = run.history[order.instance]
        counts = {k: sum(e.kind == k for e in history) for k in order.expect.events}
        assert outcome.output == order.expect.output
        assert counts == order.expect.events
        assert len(history) == sum(counts.values())
        assert history[-1].ts_ms - history[0].ts_ms >= order.expect.min_ms


@given(PROGRAMS)
def test_bounds_lie_inside_each_other(program: Step) -> None:
    """The longest chain is no longer than all delays together, and nothing is negative."""
    assert 0 <= least_ms(program) <= activity_ms(program)
    assert activity_ms(program) <= count_activities(program) * 30


@given(PROGRAMS, PROGRAMS)
def test_one_after_the_other_adds_up(first: Step, second: Step) -> None:
    """A sequence of two owes what both owe."""
    both = Sequence((first, second))
    for owed in (count_activities, activity_ms, least_ms):
        assert owed(both) == owed(first) + owed(second)


@pytest.mark.parametrize(
    ("program", "count", "total_ms", "longest_ms"),
    [
        (Activity(10), 1, 10, 10),
        (Parallel((Activity(10),) * 5), 5, 50, 10),
        (Parallel((Activity(3), Activity(8))), 2, 11, 8),
        (Sequence((Activity(3), Parallel((Activity(4), Activity(9))))), 3, 16, 12),
        (Parallel(()), 0, 0, 0),
        (Sequence(()), 0, 0, 0),
    ],
)
def test_figures_worked_out_by_hand(
    program: Step, count: int, total_ms: int, longest_ms: int
) -> None:
    """Count, worker time and least time of small programs."""
    assert count_activities(program) == count
    assert activity_ms(program) == total_ms
    assert least_ms(program) == longest_ms


def test_the_output_depends_on_who_ran_and_on_what() -> None:
    """Another instance or another input must come to another output."""
    program = Parallel((Activity(), Activity()))
    outputs = [expect(program, i, v, "x").output for i in ("a", "b") for v in (1, 2)]
    assert all(outputs.count(output) == 1 for output in outputs)


def test_expectations_name_what_is_alike() -> None:
    """The caller's word is kept, and an instance is expected to complete."""
    expected = expect(Activity(), "i", 0, "parallel:3")
    assert (expected.alike, expected.status) == ("parallel:3", "Completed")
