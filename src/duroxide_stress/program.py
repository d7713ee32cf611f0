"""A workload as data: a small tree of steps, and what its activities compute.

`walk.py` turns a program into commands for engines; `oracle.py` says, without walking, what must
come out.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any
"""Any JSON value: None, bool, int, float, str, list, dict with string keys."""


class Retry(msgspec.Struct, frozen=True):
    """A retry policy with Duroxide's default back-off: 100 ms, then twice as long each time."""

    max_attempts: int
    """The first try counted."""
    timeout_ms: int | None = None
    """How long one attempt may take. Plan it clearly above or below the activity's delay."""

    def pauses_ms(self, failures: int) -> int:
        """The sum of the pauses after this many failed attempts (none after the last allowed)."""
        return sum(100 * 2**n for n in range(min(failures, self.max_attempts - 1)))


class Activity(msgspec.Struct, frozen=True, tag="activity"):
    """One activity that takes `delay_ms` and returns its token and a value made from the input.

    Its first `fails` attempts fail by plan. With `payload_bytes` it is also sent, and sends back,
    that much text; its result then tells the digests of both, as each side received them.
    """

    delay_ms: int = 0
    fails: int = 0
    retry: Retry | None = None
    payload_bytes: int = 0


class Timer(msgspec.Struct, frozen=True, tag="timer"):
    """A durable timer; its result is null."""

    delay_ms: int


class Child(msgspec.Struct, frozen=True, tag="child"):
    """A sub-orchestration that runs the named program on the same value; its output is the result."""

    program: str


class Fail(msgspec.Struct, frozen=True, tag="fail"):
    """The orchestration fails here, by plan."""


class Sequence(msgspec.Struct, frozen=True, tag="sequence"):
    """Steps one after another; the result is the list of their results."""

    steps: tuple[Step, ...]


class Parallel(msgspec.Struct, frozen=True, tag="parallel"):
    """Fan-out/fan-in: leaves started together, joined; the result is the list in step order.

    Members are leaves because Duroxide joins tasks, not compositions of tasks.
    """

    steps: tuple[Leaf, ...]


class Race(msgspec.Struct, frozen=True, tag="race"):
    """Two leaves started together; the result names the winner and holds its result."""

    first: Leaf
    second: Leaf


class Attempt(msgspec.Struct, frozen=True, tag="attempt"):
    """A body whose planned failure is handled: `undo` then runs. The result tells which happened."""

    body: Step
    undo: Step


class Publish(msgspec.Struct, frozen=True, tag="publish"):
    """Set the custom status and a key of the instance's key-value store to the generation."""

    status: bool = True
    key: str = "generation"


class Receive(msgspec.Struct, frozen=True, tag="receive"):
    """Take `count` messages from a queue, in order; the result lists them per sender."""

    queue: str
    count: int


class AwaitEvent(msgspec.Struct, frozen=True, tag="await"):
    """Wait for one positional event; the result is its data."""

    name: str


Leaf: TypeAlias = Activity | Timer | Child
Step: TypeAlias = (
    Leaf | Fail | Sequence | Parallel | Race | Attempt | Publish | Receive | AwaitEvent
)


class Generations(msgspec.Struct, frozen=True, tag="generations"):
    """The body `count` times, each in an execution of its own (continue-as-new).

    Only a whole program can be one. The instance's output is `{"generations": count, "results": r}`
    where r folds the bodies' results: the digest chain of all of them, so that a lost or doubled
    generation cannot come out right, however many there were. With `merge`, results are what
    `Receive` returns, and r holds the messages of all generations per sender.
    """

    count: int
    body: Step
    merge: bool = False


Program: TypeAlias = Step | Generations


def token(name: str, execution: int, path: str) -> str:
    """The name of one step of one execution of one instance; unique over a cell."""
    return f"{name}|{execution}|{path}"


def work(value: Json, path: str) -> int:
    """What an activity computes: a pure function of the instance's input and the step, below 2^48."""
    text = f"{msgspec.json.encode(value, order='deterministic').decode()}#{path}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


AWKWARD = "\n\"é✓\r\t'\\\0\x1b[1m</script>\u2028\U0001f469\u200d\U0001f4bb"
"""What breaks where text is not handled as text: quotes, controls and NUL, letters of two, three and
four bytes, markup, a line end that JSON knows nothing of."""


def content(value: Json, path: str, size: int) -> str:
    """Text of `size` characters that differs from step to step, in every part of it."""
    word = f"{work(value, path):012x}"
    seed = word + AWKWARD + word * 3
    return (seed * (size // len(seed) + 1))[:size]


def digest(text: str) -> str:
    """A short fingerprint of a text: 64 bits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def chain(before: str, result: Json, name: str) -> str:
    """The digest of one more result after those already folded in; `name` in it counts as `$`."""
    text = msgspec.json.encode(result, order="deterministic").decode()
    return digest(before + text.replace(name, "$"))


def perform(given: dict[str, Json]) -> dict[str, Json]:
    """The result of an activity, once its delay is over."""
    step = str(given["token"])
    path = step.rsplit("|", 1)[1]
    result: dict[str, Json] = {"token": step, "value": work(given["value"], path)}
    if "payload" in given:
        result["received"] = digest(given["payload"])
        result["payload"] = content(given["value"], f"{path}>", len(given["payload"]))
    return result


def merged(before: dict[str, list[Json]], result: dict[str, list[Json]]) -> dict[str, list[Json]]:
    """The messages of one more generation after those already received, per sender."""
    senders = sorted({*before, *result})
    return {sender: [*before.get(sender, []), *result.get(sender, [])] for sender in senders}


def planned_failure(path: str) -> str:
    """The words of a failure that the program plans."""
    return f"planned failure at step {path}"


TIMED_OUT = "activity timed out"
"""Duroxide's words for an attempt that took longer than its policy allows."""

_PLANNED = re.compile(rf"planned failure at step [0-9.]+|{TIMED_OUT}")


def failure_words(text: str) -> str:
    """The planned words within an engine's error text; the whole text when it was not planned."""
    found = _PLANNED.findall(text)
    return found[-1] if found else text
