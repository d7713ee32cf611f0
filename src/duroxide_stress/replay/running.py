"""One orchestration's code, resumed with answers until it waits, returns or raises."""

from __future__ import annotations

import inspect
import json
import traceback
from collections.abc import Generator
from contextlib import suppress
from typing import Any, TypeAlias

import msgspec

from duroxide_stress.replay.code import Orchestration
from duroxide_stress.replay.context import ReplayContext
from duroxide_stress.replay.desk import Answer, Desk, Future
from duroxide_stress.replay.futures import advance, future_of, value_of, words_of
from duroxide_stress.replay.patience import PATIENCE_SECS, OutOfPatience, patience
from duroxide_stress.replay.tasks import Join, RefusedTaskError, Task, read_task

MAX_STEPS = 100_000
"""How often code may be resumed without waiting for anything, before it counts as endless."""


class Returned(msgspec.Struct, frozen=True):
    """The code is over, with this output as JSON text."""

    output: str


class Raised(msgspec.Struct, frozen=True):
    """The code is over, with this traceback or the engine's words."""

    words: str


class Endless(msgspec.Struct, frozen=True):
    """The code was left, for this reason."""

    why: str


End: TypeAlias = Returned | Raised | Endless


class Running:
    """Code under way. `end` is None as long as it waits."""

    def __init__(
        self,
        code: Orchestration,
        context: ReplayContext,
        given: str,
        desk: Desk,
    ) -> None:
        self.end: End | None = None
        self.task: Task | None = None
        """What it waits for."""
        self._desk = desk
        self._future: Future | None = None
        self._unwrap = False
        self._answer: Answer | None = None
        self._code: Generator[Any, Any, Any] = _as_generator(code, context, value_of(given))

    def poll(self) -> None:
        """Go on as far as the answers reach."""
        if self.end is not None:
            return
        try:
            with patience(PATIENCE_SECS):
                self._go_on()
        except OutOfPatience:
            self.end = Endless(f"it did not come back within {PATIENCE_SECS:g} seconds")

    def close(self) -> None:
        """Let the code clean up, whatever it does there."""
        with suppress(Exception, SystemExit, OutOfPatience), patience(PATIENCE_SECS):
            self._code.close()

    def _go_on(self) -> None:
        for _ in range(MAX_STEPS):
            if self._future is not None:
                self._answer = advance(self._future)
                if self._answer is None:
                    return
            self._step()
            if self.end is not None:
                return
        self.end = Endless(f"it was resumed {MAX_STEPS:,} times without waiting for anything")

    def _step(self) -> None:
        """Resume the code once, and begin what it yields."""
        try:
            yielded = self._resumed()
            self.task = read_task(yielded)
        except StopIteration as over:
            self.end = _returned(over.value)
        except RefusedTaskError as refused:
            self.end = Raised(str(refused))
        except SystemExit as error:
            self.end = Raised(f"SystemExit: {error}")
        except Exception:  # noqa: BLE001 - the user's code may raise anything
            self.end = Raised(traceback.format_exc())
        else:
            self._unwrap = isinstance(self.task, Join) and "_typed_all" in yielded
            self._future = future_of(self._desk, self.task)

    def _resumed(self) -> Any:
        answer = self._answer
        if answer is None:
            return next(self._code)
        if answer.failed:
            return self._code.throw(Exception(words_of(answer.text)))
        value = value_of(answer.text)
        if self._unwrap:
            value = [outcome.get("ok", outcome) for outcome in value]
        return self._code.send(value)


def _as_generator(code: Orchestration, context: ReplayContext, given: Any) -> Any:
    """Also a plain function is an orchestration; and both are only called when polled."""
    made = code(context, given)
    if not inspect.isgenerator(made):
        return made
    return (yield from made)


def _returned(value: object) -> End:
    try:
        return Returned(json.dumps(value))
    except Exception:  # noqa: BLE001 - the user's values may be anything
        return Raised(traceback.format_exc())
