"""An engine in one function: it does what commands say, counts, and knows no time but their sum."""

from __future__ import annotations

from dataclasses import dataclass, field

from duroxide_stress.program import TIMED_OUT, Json, Program, Retry, perform, planned_failure
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


@dataclass
class Came:
    """What a command, or a whole program, came to."""

    output: Json = None
    failed: str = ""
    activities: int = 0
    passed_ms: int = 0


@dataclass
class ByHand:
    """Carries programs out. `winner` wins every race; `mail` is what queues and events give."""

    programs: dict[str, Program]
    winner: int = 0
    mail: dict[str, list[Json]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    told: list[Tell] = field(default_factory=list)

    def run(self, program: str, name: str, given: Json) -> Came:
        """One instance, over all its executions."""
        total, execution = Came(), 1
        while True:
            code = walk(self.programs[program], scope_of(name, execution, given))
            came = Came()
            try:
                command = next(code)
                while not isinstance(command, ContinueAsNew):
                    came = self._carry_out(command)
                    total.activities += came.activities
                    total.passed_ms += came.passed_ms
                    if came.failed:
                        command = code.throw(StepError(came.failed))
                    else:
                        command = code.send(came.output)
            except StopIteration as over:
                total.output = over.value
                return total
            except StepError as error:
                total.failed = str(error)
                return total
            given, execution = command.input, execution + 1

    def _carry_out(self, command: Command) -> Came:
        match command:
            case JoinAll(commands):
                return _joined([self._leaf(c) for c in commands])
            case First(first, second):
                sides = [self._leaf(first), self._leaf(second)]
                passed_ms = min(side.passed_ms for side in sides)
                ran = min(side.activities for side in sides)
                return Came([self.winner, sides[self.winner].output], "", ran, passed_ms)
            case Dequeue(name) | Listen(name):
                return Came(self.mail[name].pop(0))
            case Tell():
                self.told.append(command)
                return Came()
            case leaf:
                return self._leaf(leaf)

    def _leaf(self, command: LeafCommand) -> Came:
        match command:
            case Sleep(delay_ms):
                return Came(passed_ms=delay_ms)
            case Call(program, given):
                return self.run(program, "an id that counts for nothing", given)
            case Perform(given, retry):
                self.tokens.append(given["token"])
                return _attempted(given, retry)


def _attempted(given: dict[str, Json], retry: Retry | None) -> Came:
    delay_ms, passed_ms = given["delay_ms"], 0
    attempts = 1 if retry is None else retry.max_attempts
    timeout_ms = None if retry is None else retry.timeout_ms
    for attempt in range(1, attempts + 1):
        if timeout_ms is not None and delay_ms > timeout_ms:
            passed_ms, failed = passed_ms + timeout_ms, TIMED_OUT
        elif attempt <= given.get("fails", 0):
            path = given["token"].rsplit("|", 1)[1]
            passed_ms, failed = passed_ms + delay_ms, planned_failure(path)
        else:
            return Came(perform(given), activities=1, passed_ms=passed_ms + delay_ms)
        if attempt < attempts:
            passed_ms += 100 * 2 ** (attempt - 1)
    return Came(failed=failed, activities=int(failed != TIMED_OUT), passed_ms=passed_ms)


def _joined(members: list[Came]) -> Came:
    return Came(
        output=[member.output for member in members],
        failed=next((member.failed for member in members if member.failed), ""),
        activities=sum(member.activities for member in members),
        passed_ms=max((member.passed_ms for member in members), default=0),
    )
