"""A workload as data: a small tree of steps, and the one walk through it that every engine shares.

`walk` turns a program into commands (perform this activity, do all of these); an engine's
interpreter only translates commands into its own calls, so N scenarios on M engines cost N + M.
`oracle.py` says, without walking, what must come out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any
"""Any JSON value: None, bool, int, float, str, list, dict with string keys."""


class Activity(msgspec.Struct, frozen=True, tag="activity"):
    """One activity that takes `delay_ms` and returns its token and a value made from the input."""

    delay_ms: int = 0


class Sequence(msgspec.Struct, frozen=True, tag="sequence"):
    """Steps one after another; the result is the list of their results."""

    steps: tuple[Step, ...]


class Parallel(msgspec.Struct, frozen=True, tag="parallel"):
    """Fan-out/fan-in: activities started together, joined; the result is the list in step order.

    Members are single activities because Duroxide joins tasks, not compositions of tasks.
    """

    steps: tuple[Activity, ...]


Step: TypeAlias = Activity | Sequence | Parallel


class Perform(msgspec.Struct, frozen=True):
    """Command: run one activity. `input` is the JSON object that `perform` understands."""

    input: dict[str, Json]


class JoinAll(msgspec.Struct, frozen=True):
    """Command: run all of these activities at once, resume with the list of their results."""

    commands: tuple[Perform, ...]


Command: TypeAlias = Perform | JoinAll


class Scope(msgspec.Struct, frozen=True):
    """What an orchestration knows of itself while its program is walked."""

    instance: str
    execution: int
    value: Json


def token(instance: str, execution: int, path: str) -> str:
    """The name of one step of one execution of one instance; unique over a cell."""
    return f"{instance}|{execution}|{path}"


def work(value: Json, path: str) -> int:
    """What an activity computes: a pure function of the instance's input and the step, below 2^48."""
    text = f"{msgspec.json.encode(value, order='deterministic').decode()}#{path}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def perform(activity_input: dict[str, Json]) -> dict[str, Json]:
    """The result of an activity, once its delay is over."""
    step = str(activity_input["token"])
    return {"token": step, "value": work(activity_input["value"], step.rsplit("|", 1)[1])}


def walk(step: Step, scope: Scope, path: str = "0") -> Generator[Command, Json, Json]:
    """Walk a program: yields commands, is sent their results, returns the program's result."""
    match step:
        case Activity():
            return (yield _perform(step, scope, path))
        case Parallel(steps):
            commands = tuple(_perform(s, scope, f"{path}.{i}") for i, s in enumerate(steps))
            return (yield JoinAll(commands))
        case Sequence(steps):
            results = []
            for i, child in enumerate(steps):
                results.append((yield from walk(child, scope, f"{path}.{i}")))
            return results


def _perform(step: Activity, scope: Scope, path: str) -> Perform:
    name = token(scope.instance, scope.execution, path)
    return Perform({"token": name, "value": scope.value, "delay_ms": step.delay_ms})
