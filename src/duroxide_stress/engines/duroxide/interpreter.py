"""Programs on Duroxide: commands of the shared walk become the SDK's tasks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator
from typing import Any

from duroxide_stress.engines.base import EffectSink, Hint
from duroxide_stress.program import (
    Command,
    JoinAll,
    Json,
    Perform,
    Scope,
    Step,
    perform,
    walk,
)
from duroxide_stress.recording.records import Effect
from duroxide_stress.units import NS_PER_MS

ACTIVITY = "step"
"""The one activity all programs use; what it does stands in its input."""


class ActivityError(Exception):
    """An activity inside a join ended with an error (Duroxide returns it instead of raising)."""


def orchestration(program: Step, hint: Hint) -> Callable[[Any, Json], Generator[Any, Any, Json]]:
    """The generator function to register for `program`.

    It hints when its code is over, well or badly; on replay it may hint again, which is harmless.
    """

    def run(ctx: Any, value: Json) -> Generator[Any, Any, Json]:
        commands = walk(program, Scope(ctx.instance_id, ctx.execution_id, value))
        try:
            command = next(commands)
            while True:
                result = yield _task(ctx, command)
                command = commands.send(_result(command, result))
        except StopIteration as over:
            hint(ctx.instance_id)
            return over.value
        except Exception:
            hint(ctx.instance_id)
            raise

    return run


def _task(ctx: Any, command: Command) -> Any:
    match command:
        case Perform(given):
            return ctx.schedule_activity(ACTIVITY, given)
        case JoinAll(commands):
            return ctx.all([ctx.schedule_activity(ACTIVITY, c.input) for c in commands])


def _result(command: Command, result: Any) -> Json:
    if not isinstance(command, JoinAll):
        return result
    for outcome in result:
        if "err" in outcome:
            raise ActivityError(str(outcome["err"]))
    return [outcome["ok"] for outcome in result]


def activity(effects: EffectSink, node: str) -> Callable[[Any, dict[str, Json]], Json]:
    """The activity function to register: records its begin and its end, takes its time, answers."""
    runs = itertools.count()

    def step(ctx: Any, given: dict[str, Json]) -> Json:
        run, name = next(runs), str(given["token"])
        effects(Effect("begin", name, ctx.instance_id, run, time.time_ns(), node))
        if given["delay_ms"]:
            time.sleep(given["delay_ms"] * NS_PER_MS / 1e9)
        result = perform(given)
        effects(Effect("end", name, ctx.instance_id, run, time.time_ns(), node))
        return result

    return step
