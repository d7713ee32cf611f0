"""Programs on Duroxide: commands of the shared walk become the SDK's tasks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator
from typing import Any

from duroxide_stress.engines.base import Attempts, EffectSink, Hint
from duroxide_stress.program import Json, Program, Retry, perform, planned_failure
from duroxide_stress.recording.records import Effect
from duroxide_stress.units import NS_PER_MS
from duroxide_stress.walk import (
    Call,
    Command,
    ContinueAsNew,
    Dequeue,
    First,
    JoinAll,
    LeafCommand,
    Listen,
    Perform,
    Sleep,
    StepError,
    Tell,
    scope_of,
    walk,
)

ACTIVITY = "step"
"""The one activity all programs use; what it does stands in its input."""


def orchestration(program: Program, hint: Hint) -> Callable[[Any, Json], Generator[Any, Any, Json]]:
    """The generator function to register for `program`.

    It hints when its code is over, well or badly; on replay it may hint again, which is harmless.
    """

    def run(ctx: Any, given: Json) -> Generator[Any, Any, Json]:
        commands = walk(program, scope_of(ctx.instance_id, ctx.execution_id, given))
        try:
            command = next(commands)
            while True:
                try:
                    result = yield from _carry_out(ctx, command)
                except Exception as error:  # noqa: BLE001 - the SDK raises bare Exceptions
                    command = commands.throw(StepError(str(error)))
                else:
                    command = commands.send(result)
        except StopIteration as over:
            hint(ctx.instance_id)
            return over.value
        except StepError:
            hint(ctx.instance_id)
            raise

    return run


def _carry_out(ctx: Any, command: Command) -> Generator[Any, Any, Json]:
    match command:
        case Perform() | Sleep() | Call():
            return (yield _task(ctx, command))
        case JoinAll(commands):
            return _joined((yield ctx.all([_task(ctx, c) for c in commands])))
        case First(first, second):
            won = yield ctx.race(_task(ctx, first), _task(ctx, second))
            return [won["index"], won["value"]]
        case Dequeue(queue):
            return (yield ctx.dequeue_event(queue))
        case Listen(name):
            return (yield ctx.wait_for_event(name))
        case ContinueAsNew(given):
            return (yield ctx.continue_as_new(given))
        case Tell(status, key, value):
            if status:
                ctx.set_custom_status(status)
            ctx.set_kv_value(key, value)
            return None


def _task(ctx: Any, command: LeafCommand) -> Any:
    match command:
        case Sleep(delay_ms):
            return ctx.schedule_timer(delay_ms)
        case Call(program, given):
            return ctx.schedule_sub_orchestration(program, given)
        case Perform(given, None):
            return ctx.schedule_activity(ACTIVITY, given)
        case Perform(given, Retry(max_attempts, timeout_ms)):
            policy = {"max_attempts": max_attempts, "timeout_ms": timeout_ms}
            return ctx.schedule_activity_with_retry(ACTIVITY, given, policy)


def _joined(outcomes: list[dict[str, Json]]) -> list[Json]:
    """The results of a join; Duroxide hands errors over as values, here they are raised."""
    for outcome in outcomes:
        if "err" in outcome:
            raise StepError(str(outcome["err"]))
    return [outcome["ok"] for outcome in outcomes]


def activity(
    effects: EffectSink, attempts: Attempts, node: str
) -> Callable[[Any, dict[str, Json]], Json]:
    """The activity function to register: records its begin and its end, takes its time, answers
    or fails by plan.

    A planned failure is counted after its effect is written: a host that is killed between the two
    fails once more, which its effects show, and never fails unseen.
    """
    runs = itertools.count()

    def step(ctx: Any, given: dict[str, Json]) -> Json:
        run, name = next(runs), str(given["token"])
        effects(Effect("begin", name, ctx.instance_id, run, time.time_ns(), node))
        if given["delay_ms"]:
            time.sleep(given["delay_ms"] * NS_PER_MS / 1e9)
        if (fails := given.get("fails", 0)) and attempts.failed(name) < fails:
            effects(Effect("failed", name, ctx.instance_id, run, time.time_ns(), node))
            attempts.fail(name)
            raise RuntimeError(planned_failure(name.rsplit("|", 1)[1]))
        result = perform(given)
        effects(Effect("end", name, ctx.instance_id, run, time.time_ns(), node))
        return result

    return step
