"""What the engine does with each task: attempts, winners, members, messages, and what is kept."""

# ruff: noqa: BLE001 - the SDK raises bare Exceptions

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from duroxide_stress.replay.context import Kept

from .hand import Written, failure

Write = Callable[[Written], None]


def asks(task: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Code that returns what one task gives it, or the words it raises."""

    def code(ctx: Any, given: Any) -> Any:
        try:
            return (yield task(ctx))
        except Exception as error:
            return f"raised {error}"

    return code


def tried(*outcomes: str | None, deadline_ms: int | None = None) -> Write:
    """Attempts of activity a with these failures; None is a success."""

    def write(written: Written) -> None:
        for number, words in enumerate(outcomes):
            if number:
                written.fired(written.timer(100 * 2 ** (number - 1)))
            step = written.activity("a", 1)
            if deadline_ms is not None:
                written.timer(deadline_ms)
            if words is None:
                written.completed(step, "done")
            else:
                written.failed(step, words)

    return write


def timed_out(written: Written) -> None:
    """An attempt that took longer than it may."""
    step = written.activity("a", 1)
    written.fired(written.timer(50))
    written.add("ActivityCancelRequested", step)


POLICY = {"max_attempts": 3}


@pytest.mark.parametrize(
    ("policy", "write", "output"),
    [
        (POLICY, tried(None), "done"),
        (POLICY, tried("no", "no", None), "done"),
        (POLICY, tried("no", "no", "never"), "raised never"),
        ({**POLICY, "timeout_ms": 50}, tried("no", None, deadline_ms=50), "done"),
        ({**POLICY, "total_timeout_ms": 50}, tried("no", None, deadline_ms=50), "done"),
        ({**POLICY, "timeout_ms": 50}, timed_out, "raised timeout: activity timed out"),
    ],
)
def test_retries_are_met_attempt_by_attempt(
    policy: dict[str, Any], write: Write, output: str
) -> None:
    """Pauses after failures, none after a success or the last; too long ends it at once."""
    written = Written()
    write(written)
    written.ends(output)
    assert not written.agrees(
        asks(lambda ctx: ctx.schedule_activity_with_retry("a", 1, policy))
    ).delays


@pytest.mark.parametrize(
    ("backoff", "pauses"),
    [(None, [100, 200, 400]), ("fixed", [1000] * 3), ("linear", [100, 200, 300])],
)
def test_pauses_follow_the_policy(backoff: str | None, pauses: list[int]) -> None:
    """Back-offs as the engine computes them: another would be told as another delay."""
    written = Written()
    for pause in pauses:
        written.failed(written.activity("a", 1), "no")
        written.fired(written.timer(pause))
    written.did("a", 1, "done")
    written.ends("done")
    policy = {"max_attempts": 9, "backoff": backoff}
    assert not written.agrees(
        asks(lambda ctx: ctx.schedule_activity_with_retry("a", 1, policy))
    ).delays


def test_another_number_of_attempts_is_found() -> None:
    """The history tries again where the code gives up."""
    written = Written()
    tried("no", None)(written)
    found = written.parts(
        asks(lambda ctx: ctx.schedule_activity_with_retry("a", 1, {"max_attempts": 1}))
    )
    assert (found.kind, found.history) == ("returned", "sets a timer of 100 ms")


def race(ctx: Any) -> Any:
    return ctx.race(ctx.schedule_activity("a", 1), ctx.schedule_timer(100))


@pytest.mark.parametrize(
    ("won", "output"),
    [
        (lambda w, a, t: w.completed(a, {"z": 1, "b": 2}), {"index": 0, "value": {"b": 2, "z": 1}}),
        (lambda w, a, t: w.fired(t), {"index": 1, "value": None}),
        (lambda w, a, t: w.failed(a, "broken"), "raised broken"),
    ],
)
def test_a_race_has_the_recorded_winner(won: Callable[..., int], output: Any) -> None:
    """Either one, and a failed one raises; what the loser does later is nobody's."""
    written = Written()
    a, t = written.activity("a", 1), written.timer(100)
    won(written, a, t)
    written.add("ActivityCancelRequested", a)
    written.fired(t)
    written.ends(output)
    written.agrees(asks(race))


def test_a_join_hands_over_outcomes_in_order_with_their_keys_sorted() -> None:
    """As the engine does, which takes results apart and makes them anew; typed without the ok."""
    written = Written()
    one, other = written.activity("a", 1), written.activity("a", 2)
    written.failed(other, "broken")
    written.completed(one, {"z": 2**70, "b": 0.1})
    value = {"b": 0.1, "z": 1.1805916207174112e21}
    written.did("told", [{"ok": value}, {"err": "broken"}])
    written.ends(None)

    def code(ctx: Any, given: Any) -> Any:
        tasks = [ctx.schedule_activity("a", n) for n in (1, 2)]
        yield ctx.schedule_activity("told", (yield ctx.all(tasks)))

    written.agrees(code)
    typed = Written()
    typed.did("a", 1, {"z": 1})
    typed.ends([{"z": 1}])
    typed.agrees(asks(lambda ctx: ctx.all_typed([ctx.schedule_activity_typed("a", 1)])))


@pytest.mark.parametrize(
    ("task", "output"),
    [
        (
            lambda ctx: ctx.all([ctx.all([])]),
            "raised nested join/select inside join is not supported",
        ),
        (lambda ctx: ctx.race(ctx.new_guid()), "raised select currently supports exactly 2 tasks"),
        (
            lambda ctx: ctx.race(ctx.all([]), ctx.new_guid()),
            "raised nested join/select inside select is not supported",
        ),
        (
            lambda ctx: ctx.race(ctx.new_guid(), ctx.schedule_timer(1)),
            "raised unsupported task in select",
        ),
        (lambda ctx: ctx.all([ctx.utc_now()]), [{"err": "unsupported task in join"}]),
        (lambda ctx: ctx.all([]), []),
        (lambda ctx: ctx.schedule_timer(0.5), None),
        (lambda ctx: {"type": "nonsense"}, None),
        (lambda ctx: None, None),
    ],
)
def test_what_the_engine_refuses_is_refused(task: Any, output: Any) -> None:
    """Within all and race as a failure; what it cannot read at all fails the orchestration."""
    written = Written()
    if output is None:
        written.raises("Invalid generator step result: in the words of the engine's parser")
    else:
        written.ends(output)
    written.agrees(asks(task))


def test_guids_and_times_come_from_the_history() -> None:
    """They are activities of the engine's, without input and with bare results."""
    written = Written()
    for name, result in (("new_guid", "9b197c07"), ("utc_now_ms", "1795393795561")):
        data = f'{{"name":"__duroxide_syscall:{name}","input":}}'
        written.add("ActivityCompleted", written.add("ActivityScheduled", data=data), result)
    written.ends(["9b197c07", 1795393795561])

    def code(ctx: Any, given: Any) -> Any:
        guid = yield ctx.new_guid()
        return [guid, (yield ctx.utc_now())]

    written.agrees(code)
    found = written.parts(asks(lambda ctx: ctx.utc_now()))
    assert (found.history, found.code) == ("asks for a GUID", "asks for the time")


def test_typed_inputs_may_be_any_text() -> None:
    """The SDK sends a text as it is, and the history holds it without quotes."""
    written = Written()
    step = written.add("ActivityScheduled", data='{"name":"a","input":no "JSON}"}')
    written.add("ActivityCompleted", step, "nor this")
    written.ends("nor this")
    written.agrees(asks(lambda ctx: ctx.schedule_activity_typed("a", 'no "JSON}"')))


def test_messages_are_read_in_order_by_who_waits_first() -> None:
    """Early ones are kept, and one that nobody took goes to the next."""
    written = Written()
    written.message("q", "first")
    written.dequeuing("q")
    timer = written.timer(10)
    written.dequeuing("r")
    written.fired(timer)
    written.message("r", "late")
    written.dequeuing("r")
    written.add("QueueSubscriptionCancelled", 4)
    written.ends(["first", {"index": 0, "value": None}, "late"])

    def code(ctx: Any, given: Any) -> Any:
        out = [(yield ctx.dequeue_event("q"))]
        out.append((yield ctx.race(ctx.schedule_timer(10), ctx.dequeue_event("r"))))
        out.append((yield ctx.dequeue_event("r")))
        return out

    written.agrees(code)


def test_events_go_to_listeners_and_are_dropped_without() -> None:
    """One before anybody listens is lost; a listener that left is passed over."""
    written = Written()
    written.event("e", "dropped")
    listener = written.listening("e")
    timer = written.timer(10)
    written.fired(timer)
    written.listening("e")
    written.add("ExternalSubscribedCancelled", listener)
    written.event("e", "heard")
    written.ends("heard")

    def code(ctx: Any, given: Any) -> Any:
        yield ctx.race(ctx.wait_for_event("e"), ctx.schedule_timer(10))
        return (yield ctx.wait_for_event("e"))

    written.agrees(code)
    assert written.parts(asks(lambda ctx: ctx.dequeue_event("e"))).history == "waits for event 'e'"


def tells(ctx: Any, given: Any) -> Any:
    seen = [ctx.get_custom_status(), ctx.get_kv_all_values()]
    ctx.set_custom_status(f"s{given}")
    ctx.set_kv_value("b", given)
    ctx.set_kv_value("a", given)
    seen += [ctx.get_custom_status(), ctx.get_kv_value("a"), ctx.get_kv_all_keys()]
    ctx.clear_kv_value("b")
    seen += [ctx.get_kv_length(), ctx.get_kv_value("b")]
    ctx.trace_info("heard by nobody")
    yield ctx.schedule_timer(1)
    return seen


def test_status_and_keys_are_met_and_kept_over_executions() -> None:
    """Each change is an event; what is read is what was set, also by the execution before."""
    kept = Kept()
    for given, before in ((1, [None, {}]), (2, ["s1", {"a": "1"}])):
        written = Written(given, execution=given)
        for kind in ("CustomStatusUpdated", "KeyValueSet", "KeyValueSet", "KeyValueCleared"):
            written.add(kind)
        written.fired(written.timer(1))
        written.ends([*before, f"s{given}", str(given), ["a", "b"], 1, None])
        assert written.replayed(tells, kept).found is None


def test_a_key_that_is_not_set_any_more_is_found() -> None:
    """And so is one that is cleared, pruned or reset in its place."""
    written = Written()
    written.add("KeyValueSet")
    written.fired(written.timer(1))

    def silent(ctx: Any, given: Any) -> Any:
        yield ctx.schedule_timer(1)

    def clears(ctx: Any, given: Any) -> Any:
        ctx.clear_all_kv_values()
        ctx.reset_custom_status()
        yield ctx.schedule_timer(1)

    assert written.parts(silent).code == "sets a timer of 1 ms"
    assert written.parts(clears).code == "clears all keys"


def test_old_keys_are_pruned() -> None:
    """By the time of the event at which they were set."""
    written = Written()
    written.add("KeyValueSet")
    written.fired(written.timer(1))
    written.add("KeyValueCleared")
    written.ends([1, 0])

    def code(ctx: Any, given: Any) -> Any:
        ctx.set_kv_value("old", "1")
        yield ctx.schedule_timer(1)
        return [ctx.prune_kv_values_updated_before(10**15) for _ in range(2)]

    written.agrees(code)


def test_a_childs_failure_is_raised_in_its_own_words() -> None:
    """Also the words of a cancelled one."""
    for details, words in (
        (failure("ValueError: x", "OrchestrationFailed"), "raised ValueError: x"),
        (
            '{"Application":{"kind":{"Cancelled":{"reason":"r"}},"message":""}}',
            "raised canceled: r",
        ),
    ):
        written = Written()
        written.add("SubOrchestrationFailed", written.child("kid"), details)
        written.ends(words)
        written.agrees(asks(lambda ctx: ctx.schedule_sub_orchestration("kid")))


def test_a_detached_start_does_not_wait() -> None:
    """The history does not tell whom it started."""
    written = Written()
    written.add("OrchestrationChained")
    written.ends(None)
    written.agrees(asks(lambda ctx: ctx.start_orchestration("other", "o-1", 5)))
