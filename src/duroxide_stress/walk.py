"""The one walk through programs that every engine shares.

`walk` turns a program into commands (perform this activity, sleep, call this child); an engine's
interpreter only translates commands into its own calls, so N scenarios on M engines cost N + M.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

import msgspec

from duroxide_stress.program import (
    Activity,
    Attempt,
    AwaitEvent,
    Child,
    Fail,
    Generations,
    Json,
    Leaf,
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
    failure_words,
    merged,
    planned_failure,
    token,
)


class Perform(msgspec.Struct, frozen=True):
    """Command: run one activity. `input` is the JSON object that `perform` understands."""

    input: dict[str, Json]
    retry: Retry | None = None


class Sleep(msgspec.Struct, frozen=True):
    """Command: a durable timer."""

    delay_ms: int


class Call(msgspec.Struct, frozen=True):
    """Command: run a child orchestration to its end."""

    program: str
    input: Json


class Dequeue(msgspec.Struct, frozen=True):
    """Command: the next message of a queue."""

    queue: str


class Listen(msgspec.Struct, frozen=True):
    """Command: the next positional event of this name."""

    name: str


class JoinAll(msgspec.Struct, frozen=True):
    """Command: all of these at once; resume with the list of their results."""

    commands: tuple[LeafCommand, ...]


class First(msgspec.Struct, frozen=True):
    """Command: both of these at once; resume with `[index of the winner, its result]`."""

    first: LeafCommand
    second: LeafCommand


class Tell(msgspec.Struct, frozen=True):
    """Command: set custom status and one key; resume at once with None."""

    status: str
    key: str
    value: str


class ContinueAsNew(msgspec.Struct, frozen=True):
    """Command: end this execution, start the next one with this input. Never resumed."""

    input: Json


LeafCommand: TypeAlias = Perform | Sleep | Call
Command: TypeAlias = LeafCommand | Dequeue | Listen | JoinAll | First | Tell | ContinueAsNew


class StepError(Exception):
    """What an engine throws into the walk when a command failed; `str()` is the engine's words."""


class Scope(msgspec.Struct, frozen=True):
    """What an orchestration knows of itself while its program is walked."""

    name: str
    """The root's instance id; for a child, the token of the parent's step that called it."""
    execution: int
    value: Json
    generation: int = 0
    results: Json = None
    """What the earlier generations' results were folded into; None in the first."""


def scope_of(instance: str, execution: int, given: Json) -> Scope:
    """Read an orchestration's input: a root's bare value, or the envelope of a later execution."""
    if isinstance(given, dict) and "$value" in given:
        name = given["$name"]
        return Scope(name, execution, given["$value"], given["$generation"], given["$results"])
    return Scope(instance, execution, given)


def envelope(scope: Scope) -> dict[str, Json]:
    """The input that hands a scope to a child or to the next generation."""
    return {
        "$name": scope.name,
        "$value": scope.value,
        "$generation": scope.generation,
        "$results": scope.results,
    }


Walk: TypeAlias = Generator[Command, Json, Json]


def walk(program: Program, scope: Scope) -> Walk:
    """Walk a program: yields commands, is sent their results, returns the program's result.

    A failed command is thrown in as StepError. A planned failure leaves as StepError too.
    """
    if not isinstance(program, Generations):
        return (yield from _walk(program, scope, "0"))
    result = yield from _walk(program.body, scope, "0")
    generation, results = scope.generation + 1, _folded(program, scope, result)
    if generation < program.count:
        following = msgspec.structs.replace(scope, generation=generation, results=results)
        yield ContinueAsNew(envelope(following))
    return {"generations": generation, "results": results}


def _folded(program: Generations, scope: Scope, result: Json) -> Json:
    if program.merge:
        return merged(scope.results or {}, result)
    return chain(scope.results or "", result, scope.name)


def _walk(step: Step, scope: Scope, path: str) -> Walk:
    match step:
        case Activity() | Timer() | Child():
            return _leaf_result(step, scope, path, (yield _leaf(step, scope, path)))
        case Parallel(steps):
            leaves = [(leaf, f"{path}.{i}") for i, leaf in enumerate(steps)]
            results = yield JoinAll(tuple(_leaf(leaf, scope, at) for leaf, at in leaves))
            return [
                _leaf_result(leaf, scope, at, result)
                for (leaf, at), result in zip(leaves, results, strict=True)
            ]
        case Race(first, second):
            sides = (first, f"{path}.0"), (second, f"{path}.1")
            winner, result = yield First(*(_leaf(leaf, scope, at) for leaf, at in sides))
            return {"winner": winner, "result": _leaf_result(*_with(sides[winner], scope), result)}
        case Sequence(steps):
            results = []
            for i, child in enumerate(steps):
                results.append((yield from _walk(child, scope, f"{path}.{i}")))
            return results
        case Attempt(body, undo):
            try:
                return {"done": (yield from _walk(body, scope, f"{path}.0"))}
            except StepError as error:
                undone = yield from _walk(undo, scope, f"{path}.1")
                return {"failed": failure_words(str(error)), "undone": undone}
        case Fail():
            raise StepError(planned_failure(path))
        case Publish(status, key):
            number = str(scope.execution)
            yield Tell(f"generation {number}" if status else "", key, number)
            return None
        case Receive(queue, count):
            senders: dict[str, list[Json]] = {}
            for _ in range(count):
                message = yield Dequeue(queue)
                senders.setdefault(str(message["sender"]), []).append(message["number"])
            return dict(sorted(senders.items()))
        case AwaitEvent(name):
            return (yield Listen(name))


def _token(scope: Scope, path: str) -> str:
    return token(scope.name, scope.execution, path)


def _with(side: tuple[Leaf, str], scope: Scope) -> tuple[Leaf, Scope, str]:
    return side[0], scope, side[1]


def _leaf(step: Leaf, scope: Scope, path: str) -> LeafCommand:
    match step:
        case Timer(delay_ms):
            return Sleep(delay_ms)
        case Child(program):
            return Call(program, envelope(Scope(_token(scope, path), 1, scope.value)))
        case Activity(delay_ms, fails, retry, payload_bytes):
            given: dict[str, Json] = {
                "token": _token(scope, path),
                "value": scope.value,
                "delay_ms": delay_ms,
            }
            if fails:
                given["fails"] = fails
            if payload_bytes:
                given["payload"] = content(scope.value, path, payload_bytes)
            return Perform(given, retry)


def _leaf_result(step: Leaf, scope: Scope, path: str, result: Json) -> Json:
    """A leaf's result as the program keeps it: a payload as its digest, computed from what came."""
    if isinstance(step, Activity) and step.payload_bytes:
        return {**result, "payload": digest(result["payload"])}
    return result
