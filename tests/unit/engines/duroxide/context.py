"""The SDK's orchestration context as a recorder, and an engine that answers its tasks at once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from duroxide_stress.program import TIMED_OUT, Json, Program, perform, planned_failure


@dataclass
class Context:
    """What the interpreter uses of the SDK's context; tasks are tuples that can be looked at."""

    instance_id: str = "i"
    execution_id: int = 1
    told: list[tuple[str, ...]] = field(default_factory=list)

    def schedule_activity(self, name: str, given: Json) -> tuple:
        return ("activity", name, given)

    def schedule_activity_with_retry(self, name: str, given: Json, policy: dict) -> tuple:
        return ("activity", name, given, policy)

    def schedule_timer(self, delay_ms: int) -> tuple:
        return ("timer", delay_ms)

    def schedule_sub_orchestration(self, name: str, given: Json) -> tuple:
        return ("child", name, given)

    def all(self, tasks: list) -> tuple:
        return ("all", *tasks)

    def race(self, first: Any, second: Any) -> tuple:
        return ("race", first, second)

    def dequeue_event(self, queue: str) -> tuple:
        return ("dequeue", queue)

    def wait_for_event(self, name: str) -> tuple:
        return ("wait", name)

    def continue_as_new(self, given: Json) -> tuple:
        return ("continue", given)

    def set_custom_status(self, status: str) -> None:
        self.told.append(("status", status))

    def set_kv_value(self, key: str, value: str) -> None:
        self.told.append(("key", key, value))


Register = Callable[[Program], Callable[[Any, Json], Generator]]


@dataclass
class Engine:
    """Runs registered programs as Duroxide would: resumes with values, raises bare exceptions."""

    programs: dict[str, Program]
    register: Register
    performed: list[Json] = field(default_factory=list)

    def run(self, program: str, instance: str, given: Json) -> Json:
        """One instance to its end, over all its executions. Raises what its code raises."""
        execution = 1
        while True:
            code = self.register(self.programs[program])(Context(instance, execution), given)
            try:
                task = next(code)
                while task[0] != "continue":
                    try:
                        answer = self._answer(task)
                    except RuntimeError as error:
                        task = code.throw(error)
                    else:
                        task = code.send(answer)
            except StopIteration as over:
                return over.value
            given, execution = task[1], execution + 1

    def _answer(self, task: tuple) -> Json:
        match task:
            case ("all", *tasks):
                return [self._outcome(one) for one in tasks]
            case ("race", first, _):
                return {"index": 0, "value": self._answer(first)}
            case ("timer", _):
                return None
            case ("child", program, given):
                try:
                    return self.run(program, "an id of the engine's", given)
                except Exception as error:
                    raise RuntimeError(f"child failed: {error}") from error
            case ("activity", _, given, *policy):
                return self._perform(given, **(policy[0] if policy else {}))

    def _outcome(self, task: tuple) -> dict[str, Json]:
        try:
            return {"ok": self._answer(task)}
        except RuntimeError as error:
            return {"err": str(error)}

    def _perform(self, given: dict, max_attempts: int = 1, timeout_ms: int | None = None) -> Json:
        self.performed.append(given["token"])
        if timeout_ms is not None and given["delay_ms"] > timeout_ms:
            raise RuntimeError(f"Error: {TIMED_OUT}")
        if given.get("fails", 0) >= max_attempts:
            path = given["token"].rsplit("|", 1)[1]
            raise RuntimeError(f"Traceback ...\nRuntimeError: {planned_failure(path)}")
        return perform(given)
