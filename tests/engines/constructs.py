"""Workflows that use everything the SDK offers an orchestration, each in one of its ways."""

# ruff: noqa: BLE001 - the SDK raises bare Exceptions

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from typing import Any

_tries: Counter[str] = Counter()
_lock = threading.Lock()

_random = random.Random(7)
FLOATS = [
    *(
        2**70,
        -(2**64),
        2**64 - 1,
        1.5,
        0.1 + 0.2,
        -0.0,
        1e300,
        1e-300,
        5e-324,
        12345678901234567890.5,
    ),
    *(_random.random() for _ in range(20)),
    *(_random.uniform(-1e9, 1e9) for _ in range(20)),
    *(_random.lognormvariate(0, 90) for _ in range(20)),
]
"""Numbers that the engine reads in its own way."""


def echo(ctx: Any, given: Any) -> Any:
    return given


def slow(ctx: Any, ms: int) -> int:
    time.sleep(ms / 1000)
    return ms


def flaky(ctx: Any, fails: int) -> str:
    """Fails so many times for each instance, then succeeds."""
    with _lock:
        _tries[ctx.instance_id] += 1
        tries = _tries[ctx.instance_id]
    if tries <= fails:
        raise ValueError(f"try {tries} failed")
    return "at last"


def send(ctx: Any, given: dict[str, Any]) -> None:
    """A client's call to a running instance, or to one that is not there."""
    client = ctx.get_client()
    if "queue" in given:
        client.enqueue_event(given["to"], given["queue"], given["data"])
    else:
        client.raise_event(given["to"], given["event"], given["data"])


def recorded_values(ctx: Any, given: Any) -> Any:
    """GUIDs and times, alone."""
    first = yield ctx.new_guid()
    now = yield ctx.utc_now()
    again = yield ctx.new_guid()
    ctx.trace_info("seen")
    return [first, now, again]


def keys_and_status(ctx: Any, given: Any) -> Any:
    """All that is kept, also over continue as new."""
    # The engine hands out all values in another order each time: code must not depend on it.
    seen = [ctx.get_custom_status(), dict(sorted(ctx.get_kv_all_values().items()))]
    ctx.set_kv_value("a", "1")
    ctx.set_custom_status(f"round {given}")
    yield ctx.schedule_timer(5)
    ctx.set_kv_value(f"b{given}", "2")
    ctx.clear_kv_value("a")
    seen += [ctx.get_kv_value("a"), ctx.get_kv_all_keys(), ctx.get_kv_length()]
    if given == 2:
        ctx.clear_all_kv_values()
        ctx.reset_custom_status()
    yield ctx.schedule_activity("echo", [given, seen])
    if given < 3:
        yield ctx.continue_as_new(given + 1)
    return [seen, ctx.get_custom_status()]


def retries(ctx: Any, given: Any) -> Any:
    """Every back-off, with and without a limit to each attempt."""
    out = [
        (yield ctx.schedule_activity_with_retry("flaky", 2, {"max_attempts": 3})),
        (yield ctx.schedule_activity_with_retry_on_session("echo", 1, {"max_attempts": 2}, "s")),
    ]
    for retry in (
        {"max_attempts": 2, "backoff": "linear", "timeout_ms": 5_000},
        {"max_attempts": 2, "backoff": "fixed", "timeout_ms": 900, "total_timeout_ms": 5_000},
    ):
        try:
            yield ctx.schedule_activity_with_retry("flaky", 99, retry)
        except Exception as error:
            out.append(str(error))
    try:
        yield ctx.schedule_activity_with_retry("slow", 900, {"max_attempts": 3, "timeout_ms": 60})
    except Exception as error:
        out.append(str(error))
    yield ctx.schedule_activity("echo", out)
    return out


def races(ctx: Any, given: Any) -> Any:
    """Either winner, a failed one, a retried one; and what comes after."""
    out = []
    for one, other in (
        (ctx.schedule_activity("slow", 400), ctx.schedule_timer(30)),
        (ctx.schedule_activity("echo", {"z": 1, "a": 2**70}), ctx.schedule_timer(30_000)),
        (ctx.schedule_timer(30_000), ctx.schedule_sub_orchestration("small", 7)),
        (
            ctx.schedule_activity_with_retry("flaky", 99, {"max_attempts": 9}),
            ctx.schedule_timer(250),
        ),
        (ctx.wait_for_event("never"), ctx.dequeue_event("nothing")),
    ):
        if other["type"] == "dequeueEvent":
            yield ctx.schedule_activity(
                "send", {"to": ctx.instance_id, "queue": "nothing", "data": ["something"]}
            )
        out.append((yield ctx.race(one, other)))
    try:
        yield ctx.race(ctx.schedule_activity("flaky", 99), ctx.schedule_timer(30_000))
    except Exception as error:
        out.append(str(error))
    out.append((yield ctx.race_typed(ctx.schedule_activity("echo", 5), ctx.schedule_timer(9_000))))
    return out


def joins(ctx: Any, given: Any) -> Any:
    """All kinds of members, failed ones among them."""
    mixed = yield ctx.all(
        [
            ctx.schedule_activity("echo", {"z": 1, "a": FLOATS}),
            ctx.schedule_timer(10),
            ctx.schedule_activity("flaky", 99),
            ctx.schedule_sub_orchestration("small", 1),
            ctx.schedule_sub_orchestration("doomed", 1),
            ctx.schedule_activity_with_retry("echo", 2, {"max_attempts": 2, "timeout_ms": 9_000}),
        ]
    )
    typed = yield ctx.all_typed([ctx.schedule_activity_typed("echo", 1), ctx.schedule_timer(1)])
    none = yield ctx.all([])
    many = yield ctx.all(
        [ctx.schedule_activity_with_retry("echo", i, {"max_attempts": 2}) for i in range(33)]
    )
    yield ctx.schedule_activity("echo", [mixed[0], (yield _raced(ctx))])
    return [mixed, typed, none, len(many)]


def _raced(ctx: Any) -> Any:
    return ctx.race(ctx.schedule_activity("echo", FLOATS), ctx.schedule_timer(9_000))


def refused(ctx: Any, given: Any) -> Any:
    """What the engine refuses within all and race."""
    out = []
    for task in (
        ctx.all([ctx.all([ctx.schedule_timer(1)])]),
        ctx.race(ctx.schedule_timer(1)),
        ctx.race(ctx.all([]), ctx.schedule_timer(1)),
        ctx.race(ctx.new_guid(), ctx.schedule_timer(1)),
        ctx.all([ctx.utc_now(), ctx.schedule_timer(1)]),
    ):
        try:
            out.append((yield task))
        except Exception as error:
            out.append(str(error))
    return out


def children(ctx: Any, given: Any) -> Any:
    """Children by every kind of id and version, a failed one, and one that is not waited for."""
    out = [
        (yield ctx.schedule_sub_orchestration("small", 1)),
        (yield ctx.schedule_sub_orchestration_with_id("small", f"{ctx.instance_id}-own", 2)),
        (yield ctx.schedule_sub_orchestration_versioned("small", "1.0.0", 3)),
        (yield ctx.schedule_sub_orchestration_typed("small", "text")),
    ]
    try:
        yield ctx.schedule_sub_orchestration("doomed", 1)
    except Exception as error:
        out.append(str(error).splitlines()[-1])
    yield ctx.start_orchestration("small", f"{ctx.instance_id}-aside", 4)
    if given < 2:
        yield ctx.continue_as_new_versioned(given + 1, "1.0.0")
    return out


def messages(ctx: Any, given: Any) -> Any:
    """Queues and events: early, late, dropped, and left behind by a race."""

    def told(**what: Any) -> Any:
        return ctx.schedule_activity("send", {"to": ctx.instance_id, **what})

    yield told(queue="q", data="first")
    yield told(queue="q", data={"second": 2})
    yield told(event="e", data="dropped")
    out = [(yield ctx.dequeue_event("q")), (yield ctx.dequeue_event_typed("q"))]
    out.append((yield ctx.all([ctx.wait_for_event("e"), told(event="e", data="heard")])))
    out.append((yield ctx.race(ctx.wait_for_event("late"), ctx.schedule_timer(20))))
    out.append((yield ctx.race(ctx.dequeue_event("late"), ctx.schedule_timer(20))))
    yield told(event="late", data=1)
    yield told(queue="late", data=2)
    out.append((yield ctx.dequeue_event("late")))
    out.append((yield ctx.all([told(event="late", data=3), ctx.wait_for_event("late")])))
    return out


def small(ctx: Any, given: Any) -> Any:
    """A child."""
    yield ctx.schedule_activity("echo", given)
    return {"small": given}


def doomed(ctx: Any, given: Any) -> Any:
    """A child that fails."""
    yield ctx.schedule_activity("echo", given)
    raise ValueError("doomed\nas planned")


def plain(ctx: Any, given: Any) -> Any:
    """An orchestration that is no generator."""
    return {"given": given, "name": ctx.orchestration_name, "version": ctx.orchestration_version}


def unreadable(ctx: Any, given: Any) -> Any:
    """What the engine cannot read fails the orchestration."""
    yield ctx.schedule_timer(1)
    yield ctx.schedule_timer(0.5)


def unwritable(ctx: Any, given: Any) -> Any:
    """So does an output that is no JSON."""
    yield ctx.schedule_activity_typed("echo", "no JSON either")
    return {1}


ROOTS = (
    recorded_values, keys_and_status, retries, races, joins, refused, children, messages, doomed,
    plain, unreadable, unwritable,
)  # fmt: skip


class Constructs:
    """One instance of each in turn, whatever comes of it."""

    name = "constructs"

    def register(self, runtime: Any) -> None:
        for activity in (echo, slow, flaky):
            runtime.register_activity(activity.__name__, activity)
        runtime.register_activity("send")(send)
        for orchestration in (*ROOTS, small):
            runtime.register_orchestration(orchestration.__name__, orchestration)

    def start(self, i: int) -> tuple[str, int]:
        return ROOTS[i % len(ROOTS)].__name__, i // len(ROOTS)

    def accepts(self, i: int, status: str, output: Any, error: str | None) -> None:
        return None
