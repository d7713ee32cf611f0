"""The one walk: commands come out, results go in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Step,
    Timer,
    chain,
    content,
    digest,
)
from duroxide_stress.walk import (
    Call,
    Command,
    ContinueAsNew,
    Dequeue,
    First,
    JoinAll,
    Listen,
    Perform,
    Scope,
    Sleep,
    StepError,
    Tell,
    Walk,
    envelope,
    scope_of,
    walk,
)

from .hand_engine import ByHand
from .programs import JSON, PROGRAMS, ROOT

SCOPE = Scope("inst-1", 3, "in")


def ask(path: str, delay_ms: int = 0, retry: Retry | None = None, **more: Json) -> Perform:
    """The command for the activity at `path` of `SCOPE`."""
    given = {"token": f"inst-1|3|{path}", "value": "in", "delay_ms": delay_ms, **more}
    return Perform(given, retry)


def call(path: str, program: str) -> Call:
    """The command for the child at `path` of `SCOPE`: named after the step, its books at zero."""
    name = f"inst-1|3|{path}"
    return Call(program, {"$name": name, "$value": "in", "$generation": 0, "$results": None})


def end(walking: Walk, sent: Json) -> Json:
    """The program's result, once it was sent its last one."""
    with pytest.raises(StopIteration) as over:
        walking.send(sent)
    return over.value.value


RACE = Race(Timer(5), Activity(1))
STEPS: list[tuple[Program, Command, Json, Json]] = [
    (Activity(7), ask("0", 7), "answer", "answer"),
    (Activity(7, 2, Retry(3, 50)), ask("0", 7, Retry(3, 50), fails=2), "answer", "answer"),
    (Timer(9), Sleep(9), None, None),
    (Child("kid"), call("0", "kid"), [1], [1]),
    (
        Parallel((Activity(1), Timer(2), Child("kid"))),
        JoinAll((ask("0.0", 1), Sleep(2), call("0.2", "kid"))),
        ["a", None, "c"],
        ["a", None, "c"],
    ),
    (Parallel(()), JoinAll(()), [], []),
    (RACE, First(Sleep(5), ask("0.1", 1)), [0, None], {"winner": 0, "result": None}),
    (RACE, First(Sleep(5), ask("0.1", 1)), [1, "a"], {"winner": 1, "result": "a"}),
    (Publish(key="k"), Tell("generation 3", "k", "3"), None, None),
    (Publish(status=False), Tell("", "generation", "3"), None, None),
    (AwaitEvent("go"), Listen("go"), {"n": 1}, {"n": 1}),
    (Attempt(Timer(5), undo=Fail()), Sleep(5), None, {"done": None}),
]  # fmt: skip


@pytest.mark.parametrize(("program", "command", "sent", "result"), STEPS)
def test_a_step_is_one_command_and_its_result_the_programs(
    program: Program, command: Command, sent: Json, result: Json
) -> None:
    """What the walk asks for, and what it makes of the answer."""
    walking = walk(program, SCOPE)
    assert next(walking) == command
    assert end(walking, sent) == result


def test_a_payload_is_sent_whole_and_kept_as_its_digest() -> None:
    """Wherever an activity stands: alone, in a fan-out, or as the winner of a race."""
    step = Activity(payload_bytes=20)
    answer = {"token": "t", "value": 1, "received": "d", "payload": "what came back"}
    kept = {**answer, "payload": digest("what came back")}
    for program, path, sent, result in (
        (step, "0", answer, kept),
        (Parallel((step,)), "0.0", [answer], [kept]),
        (Race(Timer(1), step), "0.1", [1, answer], {"winner": 1, "result": kept}),
    ):
        walking = walk(program, SCOPE)
        command = next(walking)
        several = command.commands if isinstance(command, JoinAll) else [command]
        *_, asked = [command.second] if isinstance(command, First) else several
        assert asked == ask(path, payload=content("in", path, 20))
        assert end(walking, sent) == result


def test_a_sequence_waits_for_each_step_before_the_next() -> None:
    """Steps come one at a time, and the result is the list of theirs."""
    walking = walk(Sequence((Activity(), Parallel((Activity(),)), Timer(4))), SCOPE)
    assert next(walking) == ask("0.0")
    assert walking.send("a") == JoinAll((ask("0.1.0"),))
    assert walking.send(["b"]) == Sleep(4)
    assert end(walking, None) == ["a", ["b"], None]


@pytest.mark.parametrize("program", [Sequence(()), Sequence((Sequence(()),))])
def test_empty_programs_end(program: Step) -> None:
    """Nothing to do is a program too."""
    with pytest.raises(StopIteration):
        next(walk(program, SCOPE))


def test_a_failure_is_undone_and_told() -> None:
    """The undoing begins where the body failed, and the plan's words are kept, not the engine's."""
    walking = walk(Attempt(Sequence((Activity(), Timer(1))), undo=Activity(2)), SCOPE)
    next(walking)
    error = StepError("Traceback: planned failure at step 0.0.0 (on host 3)")
    assert walking.throw(error) == ask("0.1", 2)
    assert end(walking, "undone") == {
        "failed": "planned failure at step 0.0.0",
        "undone": "undone",
    }


def test_a_planned_failure_is_handled_like_any_other() -> None:
    """`Fail` within an attempt leads to its undoing."""
    walking = walk(Attempt(Fail(), undo=Timer(1)), SCOPE)
    assert next(walking) == Sleep(1)
    assert end(walking, None) == {"failed": "planned failure at step 0.0", "undone": None}


@pytest.mark.parametrize(
    ("program", "thrown", "words"),
    [
        (Activity(), StepError("boom"), "boom"),
        (Sequence((Timer(1), Timer(2))), StepError("boom"), "boom"),
        (Attempt(Timer(1), undo=Fail()), StepError("x"), "planned failure at step 0.1"),
        (Sequence((Fail(), Timer(1))), None, "planned failure at step 0.0"),
    ],
)
def test_an_unhandled_failure_leaves_the_walk(
    program: Step, thrown: StepError | None, words: str
) -> None:
    """Nothing is asked for after it."""
    walking = walk(program, SCOPE)
    with pytest.raises(StepError, match=f"^{words}$"):
        next(walking)
        walking.throw(thrown)  # type: ignore[arg-type]


def test_messages_are_taken_one_by_one_and_sorted_by_sender() -> None:
    """Each sender's numbers stay in the order in which they came."""
    walking = walk(Receive("inbox", 4), SCOPE)
    assert next(walking) == Dequeue("inbox")
    for sender, number in (("b", 0), ("a", 0), ("b", 2)):
        assert walking.send({"sender": sender, "number": number}) == Dequeue("inbox")
    result = end(walking, {"sender": "b", "number": 1})
    assert list(result.items()) == [("a", [0]), ("b", [0, 2, 1])]


def test_generations_hand_their_results_on() -> None:
    """Each but the last begins anew with the chain of all before it; the last returns it."""
    program = Generations(2, Activity())
    first = walk(program, scope_of("inst-1", 1, "in"))
    next(first)
    following = first.send({"token": "inst-1|1|0"})
    once = chain("", {"token": "$|1|0"}, "inst-1")
    assert following == ContinueAsNew(
        {"$name": "inst-1", "$value": "in", "$generation": 1, "$results": once}
    )
    last = walk(program, scope_of("inst-1", 2, following.input))
    assert next(last) == Perform({"token": "inst-1|2|0", "value": "in", "delay_ms": 0})
    assert end(last, 7) == {"generations": 2, "results": chain(once, 7, "inst-1")}


def test_merged_generations_keep_every_message() -> None:
    """What was received before stands before what comes now."""
    scope = Scope("inst-1", 2, "in", 1, {"a": [0]})
    walking = walk(Generations(2, Receive("q", 1), merge=True), scope)
    next(walking)
    assert end(walking, {"sender": "a", "number": 1}) == {
        "generations": 2,
        "results": {"a": [0, 1]},
    }


@given(st.builds(Scope, st.text(), st.just(4), JSON, st.integers(0, 9), JSON))
def test_a_scope_goes_through_its_envelope(scope: Scope) -> None:
    """What a later execution or a child is told is what it reads, whatever the engine calls it."""
    assert scope_of("the engine's name", 4, envelope(scope)) == scope


@pytest.mark.parametrize("value", [None, 5, [], {"value": 1}, "x"])
def test_a_roots_input_is_its_bare_value(value: Json) -> None:
    """Without an envelope the engine's id is the name."""
    assert scope_of("inst-1", 1, value) == Scope("inst-1", 1, value)


@given(PROGRAMS, JSON)
def test_every_step_has_a_token_of_its_own(programs: dict[str, Program], value: Json) -> None:
    """A token names one step of one execution, so that an effect can be told from any other."""
    by_hand = ByHand(programs)
    by_hand.run(ROOT, "inst-1", value)
    assert len(set(by_hand.tokens)) == len(by_hand.tokens)
    assert all(name.startswith("inst-1|") for name in by_hand.tokens)
