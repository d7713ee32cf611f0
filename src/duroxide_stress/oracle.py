"""What must come out of a program, in pure Python and without an engine.

The oracle evaluates the tree on its own and does not call `walk`: an error in the shared walk
would otherwise be an error in what is expected too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from duroxide_stress.program import (
    TIMED_OUT,
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
    planned_failure,
    work,
)

Events: TypeAlias = dict[str, int]
Programs: TypeAlias = Mapping[str, Program]

ANY = "$any"
"""`{"$any": [a, b]}` within an expected output: either value is right (who wins a race is open)."""


ANYBODY = "\x1aanybody\x1a"
"""Stands for an instance's name, and is no part of any other text."""
_write, _read = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
ANYBODY_WRITTEN = _write(ANYBODY)[1:-1]


class Expectation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What one instance owes. Stored with its op, so that a recording can be judged for ever."""

    output: Json
    """The JSON value the orchestration must return; `{"$any": [...]}` where several are right."""
    activities: int
    """Distinct activities that must really run, each at least once; children's included."""
    events: Events
    """History events of the instance itself, per kind; kinds that may vary are absent."""
    min_ms: int
    """The least time from first to last event that delays alone allow, with unlimited workers."""
    alike: str
    """Instances with the same word here were given the same work and input; empty: no twin."""
    status: str = "Completed"
    """`Completed` or `Failed`."""
    error: str = ""
    """Words that a planned failure's error must contain."""
    canceled: str = ""
    """Words of a planned cancel: an end with them is as right as the one above."""
    versions: dict[str, Json] = {}
    """Version of the code → the output it gives, where newer code takes over in the middle."""
    predicate: bool = False
    """A user's predicate decides; what it said stands with the end of the op."""


class Forecast(msgspec.Struct):
    """What one step comes to. Sums over a program; `failed` ends it early."""

    output: Json = None
    failed: str = ""
    activities: int = 0
    worker_ms: int = 0
    min_ms: int = 0
    open_end: bool = False
    """Whether a race makes the numbers of completions depend on timing."""
    events: Counter[str] = msgspec.field(default_factory=Counter)

    def add(self, other: Forecast) -> None:
        """Count another step's work into this one (not its time and not its output)."""
        self.activities += other.activities
        self.worker_ms += other.worker_ms
        self.events += other.events
        self.open_end = self.open_end or other.open_end


class Oracle:
    """Forecasts instances of a set of programs; children are found among them by name."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._known: dict[tuple[str, bytes], Forecast] = {}
        self._owed: dict[tuple[str, int | bytes, str], tuple[Expectation, bytes]] = {}

    def expect(self, program: str, instance: str, value: Json, alike: str) -> Expectation:
        """The expectation of one root instance of `program` started with `value`.

        Each value is forecast once: an instance's own name only stands within the texts of its output.
        """
        known = value if type(value) is int else msgspec.json.encode(value, order="deterministic")
        found = self._owed.get((program, known, alike))
        if found is None:
            owed = self._expectation(program, value, alike)
            found = self._owed[program, known, alike] = owed, _write(owed.output)
        owed, output = found
        named = _read(output.replace(ANYBODY_WRITTEN, _write(instance)[1:-1]))
        return Expectation(
            named, owed.activities, owed.events, owed.min_ms, owed.alike, owed.status, owed.error
        )

    def _expectation(self, program: str, value: Json, alike: str) -> Expectation:
        """That of an instance whose name is `ANYBODY`."""
        found = self.forecast(program, ANYBODY, value)
        events = {kind: n for kind, n in found.events.items() if not self._varies(found, kind)}
        return Expectation(
            output=found.output,
            activities=found.activities,
            events=events,
            min_ms=found.min_ms,
            alike="" if found.open_end else alike,
            status="Failed" if found.failed else "Completed",
            error=found.failed,
        )

    def forecast(self, program: str, name: str, value: Json) -> Forecast:
        """What one instance of `program` comes to; `name` begins its tokens (see `Scope.name`)."""
        code = self._programs[program]
        if isinstance(code, Generations):
            return self._generations(program, code, value)
        found = self._step(code, name, 1, value, "0")
        found.events["OrchestrationStarted"] += 1
        found.events["OrchestrationFailed" if found.failed else "OrchestrationCompleted"] += 1
        return found

    def _generations(self, name: str, program: Generations, value: Json) -> Forecast:
        """Of all executions together, gone through once for each value: an hour has thousands.

        Results are folded with the instance's own name written as `$`, so it makes no difference.
        """
        key = (name, msgspec.json.encode(value, order="deterministic"))
        if key not in self._known:
            self._known[key] = self._every_generation(program, value)
        return self._known[key]

    def _every_generation(self, program: Generations, value: Json) -> Forecast:
        total, results = Forecast(), ""
        for execution in range(1, program.count + 1):
            found = self._step(program.body, "$", execution, value, "0")
            total.add(found)
            total.min_ms += found.min_ms
            total.events["OrchestrationStarted"] += 1
            total.events["OrchestrationContinuedAsNew"] += execution > 1
            if found.failed:
                total.failed = found.failed
                total.events["OrchestrationFailed"] += 1
                return total
            results = chain(results, found.output, "$")
        total.output = {"generations": program.count, "results": results}
        total.events["OrchestrationCompleted"] += 1
        return total

    def _step(self, step: Step, name: str, execution: int, value: Json, path: str) -> Forecast:
        at = (name, execution, value)
        match step:
            case Activity() | Timer() | Child():
                return self._leaf(step, *at, path)
            case Sequence(steps):
                return self._sequence(steps, *at, path)
            case Parallel(steps):
                return self._parallel(steps, *at, path)
            case Race(first, second):
                return self._race(first, second, *at, path)
            case Attempt(body, undo):
                return self._attempt(body, undo, *at, path)
            case Fail():
                return Forecast(failed=planned_failure(path))
            case Publish(status):
                kinds = {"KeyValueSet": 1, **({"CustomStatusUpdated": 1} if status else {})}
                return Forecast(events=Counter(kinds))
            case Receive(_, count):
                return Forecast(events=Counter({"QueueSubscribed": count}), open_end=True)
            case AwaitEvent():
                return Forecast(events=Counter({"ExternalSubscribed": 1}), open_end=True)

    def _leaf(self, step: Leaf, name: str, execution: int, value: Json, path: str) -> Forecast:
        match step:
            case Timer(delay_ms):
                events = Counter({"TimerCreated": 1, "TimerFired": 1})
                return Forecast(min_ms=delay_ms, events=events)
            case Child(program):
                return self._child(program, f"{name}|{execution}|{path}", value)
            case Activity():
                return self._activity(step, name, execution, value, path)

    def _activity(
        self, step: Activity, name: str, execution: int, value: Json, path: str
    ) -> Forecast:
        retry = step.retry or Retry(1)
        if retry.timeout_ms is not None and step.delay_ms > retry.timeout_ms:
            return _timed_out(retry)
        failures = min(step.fails, retry.max_attempts)
        succeeds = failures < retry.max_attempts
        runs = failures + succeeds
        events = Counter(
            {
                "ActivityScheduled": runs,
                "ActivityFailed": failures,
                "ActivityCompleted": int(succeeds),
                "TimerCreated": runs - 1 + (runs if retry.timeout_ms is not None else 0),
                "TimerFired": runs - 1,
            }
        )
        output: dict[str, Json] = {
            "token": f"{name}|{execution}|{path}",
            "value": work(value, path),
        }
        if step.payload_bytes:
            output["received"] = digest(content(value, path, step.payload_bytes))
            output["payload"] = digest(content(value, f"{path}>", step.payload_bytes))
        return Forecast(
            output=output if succeeds else None,
            failed="" if succeeds else planned_failure(path),
            activities=1,
            worker_ms=runs * step.delay_ms,
            min_ms=runs * step.delay_ms + retry.pauses_ms(failures),
            # A timeout that was not needed fires or not, by how long the instance lives on.
            open_end=retry.timeout_ms is not None,
            events=+events,
        )

    def _child(self, program: str, caller: str, value: Json) -> Forecast:
        found = self.forecast(program, caller, value)
        outcome = "SubOrchestrationFailed" if found.failed else "SubOrchestrationCompleted"
        return Forecast(
            output=found.output,
            failed=found.failed,
            activities=found.activities,
            worker_ms=found.worker_ms,
            min_ms=found.min_ms,
            open_end=found.open_end,
            events=Counter({"SubOrchestrationScheduled": 1, outcome: 1}),
        )

    def _sequence(
        self, steps: tuple[Step, ...], name: str, execution: int, value: Json, path: str
    ) -> Forecast:
        total, outputs = Forecast(), []
        for i, step in enumerate(steps):
            found = self._step(step, name, execution, value, f"{path}.{i}")
            total.add(found)
            total.min_ms += found.min_ms
            outputs.append(found.output)
            if found.failed:
                total.failed = found.failed
                return total
        total.output = outputs
        return total

    def _parallel(
        self, steps: tuple[Leaf, ...], name: str, execution: int, value: Json, path: str
    ) -> Forecast:
        total, outputs = Forecast(), []
        for i, step in enumerate(steps):
            found = self._leaf(step, name, execution, value, f"{path}.{i}")
            total.add(found)
            total.min_ms = max(total.min_ms, found.min_ms)
            total.failed = total.failed or found.failed
            outputs.append(found.output)
        total.output = None if total.failed else outputs
        return total

    def _race(
        self, first: Leaf, second: Leaf, name: str, execution: int, value: Json, path: str
    ) -> Forecast:
        sides = [
            self._leaf(leaf, name, execution, value, f"{path}.{i}")
            for i, leaf in enumerate((first, second))
        ]
        events: Counter[str] = Counter()
        for side in sides:
            events += Counter({k: n for k, n in side.events.items() if k in SCHEDULES})
        return Forecast(
            output={ANY: [{"winner": i, "result": s.output} for i, s in enumerate(sides)]},
            activities=min(side.activities for side in sides),
            worker_ms=min(side.worker_ms for side in sides),
            min_ms=min(side.min_ms for side in sides),
            open_end=True,
            events=events,
        )

    def _attempt(
        self, body: Step, undo: Step, name: str, execution: int, value: Json, path: str
    ) -> Forecast:
        tried = self._step(body, name, execution, value, f"{path}.0")
        if not tried.failed:
            tried.output = {"done": tried.output}
            return tried
        undone = self._step(undo, name, execution, value, f"{path}.1")
        total = Forecast(failed=undone.failed)
        for part in (tried, undone):
            total.add(part)
            total.min_ms += part.min_ms
        if not undone.failed:
            total.output = {"failed": tried.failed, "undone": undone.output}
        return total

    @staticmethod
    def _varies(found: Forecast, kind: str) -> bool:
        return found.open_end and kind not in SCHEDULES and not kind.startswith("Orchestration")


def _timed_out(retry: Retry) -> Forecast:
    """Every attempt outlasts its timeout. Whether it ever began to run depends on the queue, and
    whether its late result still found its way into the history on when the timer was served."""
    tries, pauses = retry.max_attempts, retry.pauses_ms(retry.max_attempts)
    timers = tries + tries - 1
    return Forecast(
        failed=TIMED_OUT,
        min_ms=tries * (retry.timeout_ms or 0) + pauses,
        open_end=True,
        events=Counter({"ActivityScheduled": tries, "TimerCreated": timers, "TimerFired": timers}),
    )


SCHEDULES = frozenset(
    {
        "ActivityScheduled",
        "TimerCreated",
        "SubOrchestrationScheduled",
        "QueueSubscribed",
        "ExternalSubscribed",
    }
)
