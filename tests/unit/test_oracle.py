"""What must come out, said without an engine, against really doing it by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.oracle import ANY, Oracle
from duroxide_stress.program import (
    TIMED_OUT,
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
    work,
)

from .hand_engine import ByHand
from .programs import JSON, PROGRAMS, ROOT, fits, is_open

KID = {"kid": Sequence((Activity(4), Timer(6)))}


@given(PROGRAMS, JSON, st.integers(0, 1))
def test_the_oracle_agrees_with_the_walk(
    programs: dict[str, Program], value: Json, winner: int
) -> None:
    """Output or failure, number of activities and least time, each worked out in two ways."""
    came = ByHand(programs, winner).run(ROOT, "inst-1", value)
    expected = Oracle(programs).expect(ROOT, "inst-1", value, "alike")
    assert expected.error == came.failed
    assert expected.status == ("Failed" if came.failed else "Completed")
    if came.failed:
        assert expected.output is None
    else:
        assert fits(expected.output, came.output)
    assert (expected.activities, expected.min_ms) == (came.activities, came.passed_ms)
    # Nobody is compared with a twin whose race may have ended otherwise.
    assert expected.alike in ("", "alike")
    assert not (is_open(expected.output) and expected.alike)


@pytest.mark.parametrize(
    "body", [Activity(3), Sequence((Timer(2), Child("kid"))), Attempt(Fail(), undo=Activity(1))]
)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_generations_owe_their_body_so_many_times(body: Step, count: int) -> None:
    """Work, time and events are multiples; each generation but the last begins another."""
    oracle = Oracle({**KID, "body": body, "long": Generations(count, body)})
    once, often = (oracle.forecast(name, "i", 0) for name in ("body", "long"))
    for number in ("activities", "worker_ms", "min_ms"):
        assert getattr(often, number) == count * getattr(once, number)
    wanted = {kind: count * n for kind, n in once.events.items()}
    wanted |= {"OrchestrationCompleted": 1, "OrchestrationContinuedAsNew": count - 1}
    assert often.events == wanted


def test_a_generation_that_fails_is_the_last() -> None:
    """Continue-as-new does not go on over a failure."""
    expected = Oracle({"one": Generations(3, Sequence((Timer(5), Fail())))}).expect(
        "one", "i", 0, ""
    )
    assert (expected.status, expected.error) == ("Failed", "planned failure at step 0.1")
    assert expected.min_ms == 5
    assert expected.events == {
        "TimerCreated": 1,
        "TimerFired": 1,
        "OrchestrationStarted": 1,
        "OrchestrationContinuedAsNew": 0,
        "OrchestrationFailed": 1,
    }


@pytest.mark.parametrize(
    ("program", "count", "worker_ms", "least_ms"),
    [
        (Activity(10), 1, 10, 10),
        (Activity(10, fails=2, retry=Retry(3)), 1, 30, 330),
        (Activity(10, fails=9, retry=Retry(3)), 1, 30, 330),
        (Activity(10, fails=9), 1, 10, 10),
        (Activity(90, retry=Retry(2, timeout_ms=20)), 0, 0, 140),
        (Parallel((Activity(10),) * 5), 5, 50, 10),
        (Parallel((Activity(3), Activity(8), Timer(20))), 2, 11, 20),
        (Sequence((Activity(3), Parallel((Activity(4), Activity(9))))), 3, 16, 12),
        (Sequence((Activity(3), Fail(), Activity(50))), 1, 3, 3),
        (Attempt(Activity(3, fails=1), undo=Activity(4)), 2, 7, 7),
        (Attempt(Activity(3), undo=Activity(4)), 1, 3, 3),
        (Race(Activity(30), Timer(10)), 0, 0, 10),
        (Race(Activity(30), Activity(12)), 1, 12, 12),
        (Child("kid"), 1, 4, 10),
        (Parallel((Child("kid"), Child("kid"))), 2, 8, 10),
        (Parallel(()), 0, 0, 0),
        (Sequence(()), 0, 0, 0),
    ],
)
def test_figures_worked_out_by_hand(
    program: Step, count: int, worker_ms: int, least_ms: int
) -> None:
    """Activities that must run, worker time and least time of small programs."""
    found = Oracle({**KID, "one": program}).forecast("one", "i", 0)
    assert (found.activities, found.worker_ms, found.min_ms) == (count, worker_ms, least_ms)


STARTED = {"OrchestrationStarted": 1}
DONE = {**STARTED, "OrchestrationCompleted": 1}
FAILED = {**STARTED, "OrchestrationFailed": 1}


@pytest.mark.parametrize(
    ("program", "events"),
    [
        (Sequence(()), DONE),
        (Fail(), FAILED),
        (Timer(5), {**DONE, "TimerCreated": 1, "TimerFired": 1}),
        (Activity(), {**DONE, "ActivityScheduled": 1, "ActivityCompleted": 1}),
        (Activity(fails=1), {**FAILED, "ActivityScheduled": 1, "ActivityFailed": 1}),
        (
            Activity(fails=1, retry=Retry(3)),
            {
                **DONE,
                **{"ActivityScheduled": 2, "ActivityFailed": 1, "ActivityCompleted": 1},
                **{"TimerCreated": 1, "TimerFired": 1},
            },
        ),
        # With a timeout, what fires and what still completes in time is open.
        (
            Activity(fails=1, retry=Retry(3, timeout_ms=50)),
            {**DONE, "ActivityScheduled": 2, "TimerCreated": 3},
        ),
        (
            Activity(90, retry=Retry(2, timeout_ms=50)),
            {**FAILED, "ActivityScheduled": 2, "TimerCreated": 3},
        ),
        (
            Child("kid"),
            {**DONE, "SubOrchestrationScheduled": 1, "SubOrchestrationCompleted": 1},
        ),
        (Race(Timer(5), Activity()), {**DONE, "TimerCreated": 1, "ActivityScheduled": 1}),
        (Publish(), {**DONE, "KeyValueSet": 1, "CustomStatusUpdated": 1}),
        (Publish(status=False), {**DONE, "KeyValueSet": 1}),
        (Receive("q", 3), {**DONE, "QueueSubscribed": 3}),
        (AwaitEvent("go"), {**DONE, "ExternalSubscribed": 1}),
    ],
)
def test_events_worked_out_by_hand(program: Step, events: dict[str, int]) -> None:
    """So many of each kind, and kinds that may vary are not promised at all."""
    assert Oracle({**KID, "one": program}).expect("one", "i", 0, "").events == events


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (Activity(fails=1), "planned failure at step 0"),
        (Sequence((Activity(), Fail())), "planned failure at step 0.1"),
        (Parallel((Timer(1), Activity(fails=2), Activity(fails=1))), "planned failure at step 0.1"),
        (Attempt(Fail(), undo=Fail()), "planned failure at step 0.1"),
        (Activity(9, retry=Retry(1, timeout_ms=3)), TIMED_OUT),
        (Child("bad"), "planned failure at step 0.0"),
    ],
)
def test_a_planned_failure_is_expected_with_its_words(program: Step, error: str) -> None:
    """The instance owes a failure and no output."""
    oracle = Oracle({"bad": Sequence((Fail(),)), "one": program})
    expected = oracle.expect("one", "i", 0, "")
    assert (expected.status, expected.error, expected.output) == ("Failed", error, None)


def test_either_side_may_win_a_race() -> None:
    """Both results are right, each with its winner."""
    expected = Oracle({"one": Race(Timer(5), Activity())}).expect("one", "i", 7, "alike")
    answer = {"token": "i|1|0.1", "value": work(7, "0.1")}
    assert expected.output == {
        ANY: [{"winner": 0, "result": None}, {"winner": 1, "result": answer}]
    }
    assert expected.alike == ""


def test_children_are_named_after_the_step_that_calls_them() -> None:
    """Two calls of one program come to different outputs."""
    oracle = Oracle({"kid": Activity(), "one": Parallel((Child("kid"), Child("kid")))})
    tokens = [result["token"] for result in oracle.expect("one", "i", 0, "").output]
    assert tokens == ["i|1|0.0|1|0", "i|1|0.1|1|0"]


def test_the_output_depends_on_who_ran_and_on_what() -> None:
    """Another instance or another input must come to another output."""
    oracle = Oracle({"one": Parallel((Activity(), Activity()))})
    outputs = [oracle.expect("one", i, v, "x").output for i in ("a", "b") for v in (1, 2)]
    assert all(outputs.count(output) == 1 for output in outputs)


def test_expectations_name_what_is_alike() -> None:
    """The caller's word is kept, and an instance is expected to complete."""
    expected = Oracle({"one": Activity()}).expect("one", "i", 0, "parallel:3")
    assert (expected.alike, expected.status) == ("parallel:3", "Completed")


@given(PROGRAMS, JSON, st.text(), st.text())
def test_only_the_name_tells_two_instances_of_one_value_apart(
    programs: dict[str, Program], value: Json, one: str, other: str
) -> None:
    """What is known of the first is as right for the second, whatever letters their names have."""
    oracle = Oracle(programs)
    first, second = (oracle.expect(ROOT, name, value, "x") for name in (one, other))
    assert first.output == oracle.forecast(ROOT, one, value).output
    assert second == Oracle(programs).expect(ROOT, other, value, "x")


def test_values_of_another_type_are_not_taken_for_each_other() -> None:
    """1, 1.0 and true are equal to Python, and three inputs to an engine."""
    oracle = Oracle({"one": Activity()})
    outputs = [oracle.expect("one", "i", value, "x").output for value in (1, 1.0, True, "1")]
    assert outputs == [{"token": "i|1|0", "value": work(v, "0")} for v in (1, 1.0, True, "1")]
