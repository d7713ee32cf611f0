"""One history against code that follows it, and against code that does anything else."""

# ruff: noqa: BLE001 - the SDK raises bare Exceptions

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from duroxide_stress.replay import running
from duroxide_stress.replay.driver import Found

from .hand import Code, Written, system_failure


def order(ctx: Any, given: Any) -> Any:
    """The code that the history below was written with."""
    yield ctx.schedule_activity("reserve", given)
    yield ctx.schedule_timer(100)
    paid = yield ctx.schedule_activity("charge", given)
    return {"paid": paid}


@pytest.fixture
def history() -> Written:
    """One order to its end."""
    written = Written({"number": 7})
    written.did("reserve", {"number": 7})
    written.fired(written.timer(100))
    written.did("charge", {"number": 7}, "10.00")
    written.ends({"paid": "10.00"})
    return written


def test_unchanged_code_follows_its_history(history: Written) -> None:
    """Every step met, the same end."""
    outcome = history.agrees(order)
    assert (outcome.open, outcome.delays) == (False, ())


def reordered(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_timer(100)
    yield ctx.schedule_activity("reserve", given)
    paid = yield ctx.schedule_activity("charge", given)
    return {"paid": paid}


def removed(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_activity("reserve", given)
    paid = yield ctx.schedule_activity("charge", given)
    return {"paid": paid}


def added(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_activity("reserve", given)
    yield ctx.schedule_activity("check", given)
    yield from order(ctx, given)


def added_at_the_end(ctx: Any, given: Any) -> Any:
    done = yield from order(ctx, given)
    yield ctx.schedule_activity("thank", given)
    return done


def returning_early(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_activity("reserve", given)
    return {"paid": "nothing"}


def raising(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_activity("reserve", given)
    raise KeyError("amount")


def renamed(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_activity("put aside", given)


def given_otherwise(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_activity("reserve", {**given, "urgent": True})


def returning_otherwise(ctx: Any, given: Any) -> Any:
    yield from order(ctx, given)
    return {"paid": 10}


def continuing(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_activity("reserve", given)
    yield ctx.continue_as_new(1)


CHANGES: list[tuple[Code, str, int, str, str]] = [
    (
        reordered, "step", 2,
        "schedules activity 'reserve' with {\"number\": 7}", "sets a timer of 100 ms",
    ),
    (removed, "step", 4, "sets a timer of 100 ms", 'schedules activity \'charge\' with {"number": 7}'),
    (added, "step", 4, "sets a timer of 100 ms", 'schedules activity \'check\' with {"number": 7}'),
    (
        added_at_the_end, "goes on", 8,
        'completed with {"paid": "10.00"}', 'schedules activity \'thank\' with {"number": 7}',
    ),
    (returning_early, "returned", 4, "sets a timer of 100 ms", 'returns {"paid": "nothing"}'),
    (raising, "raised", 4, "sets a timer of 100 ms", "raises KeyError: 'amount'"),
    (
        renamed, "step", 2,
        "schedules activity 'reserve' with {\"number\": 7}",
        "schedules activity 'put aside' with {\"number\": 7}",
    ),
    (
        given_otherwise, "step", 2,
        "schedules activity 'reserve' with {\"number\": 7}",
        "schedules activity 'reserve' with {\"number\": 7, \"urgent\": true}",
    ),
    (
        returning_otherwise, "output", 8,
        'completed with {"paid": "10.00"}', 'returns {"paid": 10}',
    ),
    (continuing, "step", 4, "sets a timer of 100 ms", "continues as new with 1"),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0].__name__)
def test_the_first_difference_is_told_with_both_sides(
    history: Written, change: tuple[Code, str, int, str, str]
) -> None:
    """Where the code leaves the history, what stands there, and what the code does instead."""
    code, kind, event_id, recorded, does = change
    found = history.parts(code)
    assert (found.kind, found.event_id, found.history, found.code) == (
        kind, event_id, recorded, does,
    )  # fmt: skip


def test_code_that_waits_for_something_else_is_told() -> None:
    """It schedules nothing where the history goes on."""
    written = Written()
    timer = written.timer(5)
    written.activity("a")
    written.fired(timer)
    written.did("b")

    def code(ctx: Any, given: Any) -> Any:
        yield ctx.all([ctx.schedule_timer(5), ctx.schedule_activity("a")])

    found = written.parts(code)
    assert (found.kind, found.event_id) == ("waits", 5)
    assert (found.history, found.code) == (
        "schedules activity 'b' with null",
        "waits for all of 2 tasks",
    )


def test_steps_taken_while_others_complete_are_met_later() -> None:
    """Two completions in one turn: what the first made the code do stands behind the second."""
    written = Written()
    one, other = written.activity("a", 1), written.activity("a", 2)
    written.completed(one, "x")
    written.completed(other, "y")
    written.did("b", [{"ok": "x"}, {"ok": "y"}])
    written.ends(None)

    def code(ctx: Any, given: Any) -> Any:
        tasks = [ctx.schedule_activity("a", n) for n in (1, 2)]
        yield ctx.schedule_activity("b", (yield ctx.all(tasks)))

    written.agrees(code)


def test_the_order_of_keys_counts_as_it_does_for_the_engine() -> None:
    """The engine compares inputs as texts; a recording that is not its own has only the values."""

    def code(ctx: Any, given: Any) -> Any:
        yield ctx.schedule_activity("a", {"y": 2, "x": 1})

    for exact in (True, False):
        written = Written(exact=exact)
        written.did("a", {"x": 1, "y": 2})
        assert (written.replayed(code).found is not None) is exact


@pytest.mark.parametrize(("instance", "agrees"), [("own", True), ("other", False), (None, False)])
def test_a_child_is_told_by_its_name_input_and_id(instance: str | None, agrees: bool) -> None:
    """Also the id that the code gives it."""
    written = Written()
    written.child("kid", 1, instance)
    found = written.replayed(
        lambda ctx, given: iter_of(ctx.schedule_sub_orchestration_with_id("kid", "own", 1))
    ).found
    assert (found is None) is agrees


@pytest.mark.parametrize("execution", [1, 2])
def test_a_child_of_the_engines_naming(execution: int) -> None:
    """Its id follows from the event, and from the execution after the first."""
    written = Written(execution=execution)
    written.completed(written.child("kid", 1), "done", "SubOrchestration")
    written.ends("done")

    def code(ctx: Any, given: Any) -> Any:
        return (yield ctx.schedule_sub_orchestration("kid", 1))

    written.agrees(code)
    found = written.parts(lambda ctx, given: iter_of(ctx.schedule_sub_orchestration("kid", 2)))
    assert found.history.endswith("with 1")
    assert found.code.endswith("with 2")


def iter_of(task: Any) -> Iterator[Any]:
    """An orchestration of one step."""
    yield task


def test_another_delay_is_a_note() -> None:
    """The engine goes on with a timer that the code would set for another time."""
    written = Written()
    written.fired(written.timer(100))
    written.ends(None)
    assert written.agrees(lambda ctx, given: iter_of(ctx.schedule_timer(5_000))).delays == (
        (100, 5_000),
    )
    assert written.agrees(lambda ctx, given: iter_of(ctx.schedule_timer(120))).delays == ()


def failing(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_timer(1)
    raise ValueError(f"no card for order {given}")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Traceback (most recent call last):\n  ...\nValueError: no card for order 7\n", None),
        ("Traceback (most recent call last):\n  ...\nValueError: no card for order 8\n", "error"),
    ],
)
def test_a_failure_must_be_in_the_same_words(words: str, kind: str | None) -> None:
    """The last line of the traceback: files and lines may have moved."""
    written = Written(7)
    written.fired(written.timer(1))
    written.raises(words)
    found = written.replayed(failing).found
    assert (found and found.kind) == kind
    if found:
        assert found.history == "failed with ValueError: no card for order 8"
        assert found.code == "raises ValueError: no card for order 7"


def failing_at_length(ctx: Any, given: Any) -> Any:
    raise ValueError(f"{given} is refused\n  for a reason\nsee https://here")
    yield


def test_words_of_several_lines_are_compared_whole() -> None:
    """The last line alone says little, and is the same for every such error."""
    written = Written(7)
    frames = (
        'Traceback (most recent call last):\n  File "old.py", line 3, in f\n    raise\n    ^^^^^\n'
    )
    written.raises(frames + "ValueError: 7 is refused\n  for a reason\nsee https://here\n")
    assert written.replayed(failing_at_length).found is None
    other = Written(7)
    other.raises(frames + "ValueError: 8 is refused\n  for a reason\nsee https://here\n")
    found = other.parts(failing_at_length)
    assert (found.kind, found.history[:33]) == ("error", "failed with ValueError: 8 is refu")


def test_a_failure_that_is_none_any_more_is_found_and_the_other_way_round() -> None:
    """The code returns where it failed, or fails where it returned."""
    failed, completed = Written(), Written()
    failed.raises("ValueError: x")
    assert failed.parts(lambda ctx, given: 5).kind == "returned"
    completed.ends(5)
    assert completed.parts(failing_at_once).kind == "raised"


def failing_at_once(ctx: Any, given: Any) -> Any:
    raise ValueError("x")


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_open_history_can_be_resumed_so_far(history: Written, steps: int) -> None:
    """However far it had come; and a difference in that part is still found."""
    history.events[2 * steps :] = []
    assert history.agrees(order).open
    assert history.parts(renamed).event_id == 2


def test_a_step_added_where_an_instance_waits_is_no_difference() -> None:
    """The engine takes new steps on beyond the end of what is recorded."""
    written = Written()
    written.listening("go")

    def code(ctx: Any, given: Any) -> Any:
        yield ctx.all([ctx.wait_for_event("go"), ctx.schedule_timer(5)])

    assert written.agrees(code).open


def test_a_cancelled_history_must_match_up_to_the_cancel(history: Written) -> None:
    """Its end is not the code's."""
    history.events[4:] = []
    history.cancelled()
    assert not history.agrees(order).open
    assert history.parts(reordered).event_id == 2
    assert history.parts(removed).kind == "step"


@pytest.mark.parametrize("kind", ["Activity", "SubOrchestration"])
def test_a_failure_of_the_engine_is_not_held_against_the_code(kind: str) -> None:
    """The engine ends the instance itself, and never tells the code."""
    written = Written()
    step = written.activity("a") if kind == "Activity" else written.child("a")
    written.add(f"{kind}Failed", step, system_failure("database is locked"))
    written.add("OrchestrationFailed", None, system_failure("database is locked"))

    def code(ctx: Any, given: Any) -> Any:
        one = (
            ctx.schedule_activity("a")
            if kind == "Activity"
            else ctx.schedule_sub_orchestration("a")
        )
        yield one
        yield ctx.schedule_timer(1)

    written.agrees(code)


def test_continue_as_new_hands_its_input_on() -> None:
    """What the next execution must begin with."""
    written = Written(1)
    written.did("a", 1)
    written.add("OrchestrationContinuedAsNew")

    def code(ctx: Any, given: Any) -> Any:
        yield ctx.schedule_activity("a", given)
        yield ctx.continue_as_new_versioned({"n": given + 1}, "2.0.0")

    outcome = written.agrees(code)
    assert (outcome.next_input, outcome.next_version) == ('{"n": 2}', "2.0.0")


def test_an_end_that_is_no_continuation_any_more_is_found() -> None:
    """Both ways round."""
    continued, completed = Written(), Written()
    continued.add("OrchestrationContinuedAsNew")
    assert continued.parts(lambda ctx, given: None).kind == "returned"
    completed.ends(None)
    found = completed.parts(lambda ctx, given: iter_of(ctx.continue_as_new(3)))
    assert (found.kind, found.code) == ("goes on", "continues as new with 3")


def endless(ctx: Any, given: Any) -> Any:
    while True:
        yield ctx.start_orchestration("other", "other-1")


def test_code_that_never_waits_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many steps, and it is told why."""
    monkeypatch.setattr(running, "MAX_STEPS", 50)
    assert _endless(endless).code == (
        "does not end: it was resumed 50 times without waiting for anything"
    )


def spinning(ctx: Any, given: Any) -> Any:
    while True:
        try:
            ctx.get_kv_length()
        except Exception:
            continue
    yield


def test_code_that_never_yields_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so long; its own handlers do not hear of it."""
    monkeypatch.setattr(running, "PATIENCE_SECS", 0.02)
    assert _endless(spinning).code == "does not end: it did not come back within 0.02 seconds"


def _endless(code: Code) -> Found:
    found = Written().parts(code)
    assert found.kind == "endless"
    return found


def leaving(ctx: Any, given: Any) -> Any:
    yield ctx.schedule_timer(1)
    raise SystemExit(3)


def clinging(ctx: Any, given: Any) -> Any:
    try:
        yield ctx.schedule_timer(1)
    finally:
        raise RuntimeError("in the clean-up")


def test_code_may_raise_what_it_likes() -> None:
    """Leaving the process is a failure like others, and so is what is raised in a clean-up."""
    written = Written()
    written.fired(written.timer(1))
    written.ends(None)
    assert written.parts(leaving).code == "raises SystemExit: 3"
    assert written.parts(clinging).code == "raises RuntimeError: in the clean-up"
    waits = Written()
    waits.timer(1)
    assert waits.agrees(clinging).open


def test_what_depends_on_chance_shows() -> None:
    """A value from outside the history goes into an input, and differs."""
    counter = iter(range(100))

    def code(ctx: Any, given: Any) -> Any:
        yield ctx.schedule_activity("a", next(counter))

    written = Written()
    written.did("a", 0)
    written.ends(None)
    written.agrees(code)
    assert written.parts(code).code == "schedules activity 'a' with 1"
