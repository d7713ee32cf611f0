"""Programs on Duroxide's generator protocol, driven by hand with a context of our own."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given

from duroxide_stress.engines.duroxide.interpreter import (
    ACTIVITY,
    ActivityError,
    activity,
    orchestration,
)
from duroxide_stress.oracle import expect
from duroxide_stress.program import Activity, Json, Parallel, Sequence, Step, perform
from duroxide_stress.recording.records import Effect

from ...programs import JSON, PROGRAMS


@dataclass
class Context:
    """What the interpreter uses of the SDK's context; tasks are tuples that can be looked at."""

    instance_id: str = "i"
    execution_id: int = 1
    scheduled: list[tuple[str, Json]] = field(default_factory=list)

    def schedule_activity(self, name: str, given: Json) -> tuple[str, Json]:
        self.scheduled.append((name, given))
        return (name, given)

    def all(self, tasks: list) -> list:
        return tasks


def answer(task: Any) -> Json:
    """What the engine would resume with: a value, or for a join one outcome per task."""
    if isinstance(task, list):
        return [{"ok": perform(given)} for _, given in task]
    return perform(task[1])


def begin(program: Step, ctx: Context, value: Json = 5) -> tuple[Generator, list[str]]:
    """The registered generator for `program`, and the hints it gives."""
    hints: list[str] = []
    return orchestration(program, hints.append)(ctx, value), hints


@given(PROGRAMS, JSON)
def test_programs_come_to_what_the_oracle_says(program: Step, value: Json) -> None:
    """Every program returns the expected output, schedules as expected and hints once at its end."""
    ctx = Context()
    code, hints = begin(program, ctx, value)
    expected = expect(program, "i", value, "x")
    resumed = None
    try:
        while True:
            task = code.send(resumed)
            assert hints == []
            resumed = answer(task)
    except StopIteration as over:
        assert over.value == expected.output
    assert hints == ["i"]
    assert len(ctx.scheduled) == expected.activities
    assert {name for name, _ in ctx.scheduled} <= {ACTIVITY}


def test_tokens_carry_the_execution() -> None:
    """A later execution of the same instance has effects of its own."""
    code, _ = begin(Activity(), Context(execution_id=4))
    assert next(code)[1]["token"] == "i|4|0"


def test_an_error_inside_a_join_fails_the_orchestration() -> None:
    """Duroxide returns it among the outcomes; a fan-out that lost a member must not succeed."""
    code, hints = begin(Parallel((Activity(), Activity(), Activity())), Context())
    outcomes = answer(next(code))
    outcomes[1] = {"err": "worker fell over"}
    with pytest.raises(ActivityError, match="worker fell over"):
        code.send(outcomes)
    assert hints == ["i"]


def test_a_failed_activity_fails_the_orchestration_and_hints() -> None:
    """What the SDK raises at the yield goes on to the engine, after a hint."""
    code, hints = begin(Sequence((Activity(), Activity())), Context())
    next(code)
    with pytest.raises(RuntimeError, match="boom"):
        code.throw(RuntimeError("boom"))
    assert hints == ["i"]


def test_an_orchestration_that_is_put_away_does_not_hint() -> None:
    """The engine closes generators between turns; that is no end."""
    code, hints = begin(Activity(), Context())
    next(code)
    code.close()
    assert hints == []


def test_the_activity_records_both_ends_and_answers() -> None:
    """Begin and end name the step, the instance as the engine names it, the run and the node."""
    effects: list[Effect] = []
    step = activity(effects.append, node="host-7")
    given = {"token": "i|1|0.2", "value": 9, "delay_ms": 0}
    assert step(Context(instance_id="seen-by-engine"), given) == perform(given)
    assert [(e.phase, e.token, e.instance, e.run, e.node) for e in effects] == [
        ("begin", "i|1|0.2", "seen-by-engine", 0, "host-7"),
        ("end", "i|1|0.2", "seen-by-engine", 0, "host-7"),
    ]
    assert effects[0].at_ns <= effects[1].at_ns


def test_each_run_of_an_activity_has_a_number_of_its_own() -> None:
    """The same step run twice is told apart."""
    effects: list[Effect] = []
    step = activity(effects.append, node="host-0")
    for _ in range(3):
        step(Context(), {"token": "i|1|0", "value": 9, "delay_ms": 0})
    assert [effect.run for effect in effects] == [0, 0, 1, 1, 2, 2]
