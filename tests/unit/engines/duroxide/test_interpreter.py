"""Programs on Duroxide's generator protocol, driven by hand with a context of our own."""

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given

from duroxide_stress.engines.duroxide import interpreter
from duroxide_stress.engines.duroxide.interpreter import ACTIVITY, activity, orchestration
from duroxide_stress.nodes.roles import Attempts
from duroxide_stress.oracle import Oracle
from duroxide_stress.program import (
    Activity,
    Attempt,
    AwaitEvent,
    Child,
    Fail,
    Generations,
    Json,
    Parallel,
    Program,
    Publish,
    Race,
    Receive,
    Retry,
    Sequence,
    Timer,
    failure_words,
    perform,
)
from duroxide_stress.recording.records import Effect
from duroxide_stress.walk import StepError, scope_of

from ...programs import JSON, PROGRAMS, ROOT, fits
from .context import Context, Engine


def begin(program: Program, ctx: Context, value: Json = 5) -> tuple[Generator, list[str]]:
    """The registered generator for `program`, and the hints it gives."""
    hints: list[str] = []
    return orchestration(program, hints.append)(ctx, value), hints


@given(PROGRAMS, JSON)
def test_programs_come_to_what_the_oracle_says(programs: dict[str, Program], value: Json) -> None:
    """Every program returns the expected output, or fails with the expected words."""
    engine = Engine(programs, lambda program: orchestration(program, lambda instance: None))
    expected = Oracle(programs).expect(ROOT, "inst-1", value, "x")
    try:
        output = engine.run(ROOT, "inst-1", value)
    except StepError as error:
        assert failure_words(str(error)) == expected.error != ""
    else:
        assert expected.status == "Completed"
        assert fits(expected.output, output)
    assert len(set(engine.performed)) >= expected.activities


GIVEN = {"token": "i|1|0", "value": 5, "delay_ms": 7}
CALLED = {"$name": "i|1|0", "$value": 5, "$generation": 0, "$results": None}


def of(path: str) -> dict[str, Json]:
    """The input of the activity at this path."""
    return {**GIVEN, "token": f"i|1|{path}"}


POLICY = {"max_attempts": 3, "timeout_ms": None}
BOUNDED = {"max_attempts": 3, "timeout_ms": 50}


@pytest.mark.parametrize(
    ("program", "task"),
    [
        (Activity(7), ("activity", ACTIVITY, GIVEN)),
        (Activity(7, retry=Retry(3)), ("activity", ACTIVITY, GIVEN, POLICY)),
        (Activity(7, retry=Retry(3, 50)), ("activity", ACTIVITY, GIVEN, BOUNDED)),
        (Activity(7, fails=2), ("activity", ACTIVITY, {**GIVEN, "fails": 2})),
        (Timer(9), ("timer", 9)),
        (Child("kid"), ("child", "kid", CALLED)),
        (
            Parallel((Timer(9), Activity(7, retry=Retry(3)))),
            ("all", ("timer", 9), ("activity", ACTIVITY, of("0.1"), POLICY)),
        ),
        (Parallel(()), ("all",)),
        (Race(Timer(9), Activity(7)), ("race", ("timer", 9), ("activity", ACTIVITY, of("0.1")))),
        (Receive("inbox", 1), ("dequeue", "inbox")),
        (AwaitEvent("go"), ("wait", "go")),
    ],
)
def test_each_command_is_the_sdks_task_for_it(program: Program, task: tuple) -> None:
    """Names, inputs, delays and policies arrive where the SDK expects them."""
    code, hints = begin(program, Context())
    assert next(code) == task
    assert hints == []


@pytest.mark.parametrize(
    ("program", "resumed", "output"),
    [
        (Activity(), {"token": "t"}, {"token": "t"}),
        (Timer(9), None, None),
        (Parallel((Timer(1), Timer(2))), [{"ok": None}, {"ok": None}], [None, None]),
        (Race(Timer(1), Timer(2)), {"index": 1, "value": None}, {"winner": 1, "result": None}),
        (Receive("inbox", 1), {"sender": "s", "number": 4}, {"s": [4]}),
        (AwaitEvent("go"), 17, 17),
    ],
)
def test_what_the_sdk_resumes_with_is_understood(
    program: Program, resumed: Json, output: Json
) -> None:
    """The program's output is made of it, and its end is hinted once."""
    code, hints = begin(program, Context())
    next(code)
    with pytest.raises(StopIteration) as over:
        code.send(resumed)
    assert over.value.value == output
    assert hints == ["i"]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (Publish(key="k"), [("status", "generation 3"), ("key", "k", "3")]),
        (Publish(status=False), [("key", "generation", "3")]),
    ],
)
def test_what_is_published_takes_no_turn(program: Program, told: list) -> None:
    """Status and key are set on the context, and the program goes on at once."""
    ctx = Context(execution_id=3)
    code, _ = begin(Sequence((program, Timer(1))), ctx)
    assert next(code) == ("timer", 1)
    assert ctx.told == told


def test_a_generation_continues_with_the_walks_own_input() -> None:
    """The engine is handed what the next execution's scope is read from, and no end is hinted."""
    program = Generations(2, Timer(1))
    code, hints = begin(program, Context())
    next(code)
    task, given = code.send(None)
    assert (task, hints) == ("continue", [])
    assert scope_of("i", 2, given).generation == 1
    later, hints = begin(program, Context(execution_id=2), given)
    next(later)
    with pytest.raises(StopIteration) as over:
        later.send(None)
    assert over.value.value["generations"] == 2
    assert hints == ["i"]


def test_tokens_carry_the_execution() -> None:
    """A later execution of the same instance has effects of its own."""
    code, _ = begin(Activity(), Context(execution_id=4))
    assert next(code)[2]["token"] == "i|4|0"


def test_an_error_inside_a_join_fails_the_orchestration() -> None:
    """Duroxide returns it among the outcomes; a fan-out that lost a member must not succeed."""
    code, hints = begin(Parallel((Activity(),) * 3), Context())
    next(code)
    with pytest.raises(StepError, match="worker fell over"):
        code.send([{"ok": 1}, {"err": "worker fell over"}, {"err": "so did I"}])
    assert hints == ["i"]


@pytest.mark.parametrize("joined", [False, True])
def test_an_error_is_handled_where_the_program_says_so(joined: bool) -> None:
    """Raised at the yield or among a join's outcomes: the undoing is asked for next."""
    body = Parallel((Activity(),)) if joined else Activity()
    code, hints = begin(Attempt(body, undo=Timer(4)), Context())
    next(code)
    error = "Traceback\nRuntimeError: planned failure at step 0.0"
    asked = code.send([{"err": error}]) if joined else code.throw(RuntimeError(error))
    assert (asked, hints) == (("timer", 4), [])
    with pytest.raises(StopIteration) as over:
        code.send(None)
    assert over.value.value == {"failed": "planned failure at step 0.0", "undone": None}


@pytest.mark.parametrize(
    ("program", "words"),
    [(Sequence((Activity(), Activity())), "boom"), (Sequence((Timer(1), Fail())), "step 0.1")],
)
def test_a_failed_orchestration_hints(program: Program, words: str) -> None:
    """What the SDK raises, and what the program plans, goes on to the engine after a hint."""
    code, hints = begin(program, Context())
    next(code)
    with pytest.raises(StepError, match=words):
        code.throw(RuntimeError("boom")) if words == "boom" else code.send(None)
    assert hints == ["i"]


def test_an_orchestration_that_is_put_away_does_not_hint() -> None:
    """The engine closes generators between turns; that is no end."""
    code, hints = begin(Activity(), Context())
    next(code)
    code.close()
    assert hints == []


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that activities would have slept."""
    pauses: list[float] = []
    monkeypatch.setattr(interpreter.time, "sleep", pauses.append)
    return pauses


def phases(effects: list[Effect]) -> list[tuple[str, int]]:
    """What was recorded of each run."""
    return [(effect.phase, effect.run) for effect in effects]


def test_the_activity_records_both_ends_and_answers(slept: list[float], tmp_path: Path) -> None:
    """Begin and end name the step, the instance as the engine names it, the run and the node."""
    effects: list[Effect] = []
    step = activity(effects.append, Attempts(tmp_path), node="host-7")
    given = {"token": "i|1|0.2", "value": 9, "delay_ms": 250, "payload": "abc"}
    assert step(Context(instance_id="seen-by-engine"), given) == perform(given)
    assert [(e.phase, e.token, e.instance, e.run, e.node) for e in effects] == [
        ("begin", "i|1|0.2", "seen-by-engine", 0, "host-7"),
        ("end", "i|1|0.2", "seen-by-engine", 0, "host-7"),
    ]
    assert effects[0].at_ns <= effects[1].at_ns
    assert slept == [0.25]


def test_each_run_of_an_activity_has_a_number_of_its_own(
    slept: list[float], tmp_path: Path
) -> None:
    """The same step run twice is told apart, and one without a delay does not sleep."""
    effects: list[Effect] = []
    step = activity(effects.append, Attempts(tmp_path), node="host-0")
    for _ in range(3):
        step(Context(), {"token": "i|1|0", "value": 9, "delay_ms": 0})
    assert [effect.run for effect in effects] == [0, 0, 1, 1, 2, 2]
    assert slept == []


def test_an_activity_fails_as_often_as_its_program_plans(
    slept: list[float], tmp_path: Path
) -> None:
    """Each step counts its own attempts over all hosts and their lives; a failed one is recorded as
    that, after its delay."""
    effects: list[Effect] = []
    step = activity(effects.append, Attempts(tmp_path), node="host-0")
    given = {"token": "i|1|0.3", "value": 9, "delay_ms": 10, "fails": 2}
    other = activity(lambda effect: None, Attempts(tmp_path), node="host-0.2")
    with pytest.raises(RuntimeError, match=r"^planned failure at step 0\.3$"):
        other(Context(), given)
    with pytest.raises(RuntimeError, match=r"^planned failure at step 0\.3$"):
        step(Context(), given)
    assert step(Context(), given) == perform(given)
    with pytest.raises(RuntimeError):
        step(Context(), {**given, "token": "i|1|0.4"})
    assert phases(effects) == [
        ("begin", 0), ("failed", 0), ("begin", 1), ("end", 1), ("begin", 2), ("failed", 2),
    ]  # fmt: skip
    assert slept == [0.01] * 4
