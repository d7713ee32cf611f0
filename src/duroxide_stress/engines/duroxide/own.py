"""A user's workflows on a real runtime, their activities recorded and their returns hinted."""

from __future__ import annotations

import inspect
import itertools
import time
from collections.abc import Callable, Generator
from functools import wraps
from typing import Any

from duroxide_stress.engines.base import EffectSink, Hint
from duroxide_stress.recording.records import Effect


class RecordedRuntime:
    """Passes everything on to a `duroxide.Runtime`; what is registered is watched on the way."""

    def __init__(
        self,
        runtime: Any,
        effects: EffectSink,
        hint: Hint,
        node: str,
        taken: frozenset[str] = frozenset(),
    ) -> None:
        self._runtime, self._effects, self._hint, self._node = runtime, effects, hint, node
        self._taken = taken
        self._runs = itertools.count()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def register_activity(self, name: str, fn: Callable[..., Any] | None = None) -> Any:
        """As `duroxide.Runtime.register_activity`, also as a decorator."""
        if fn is None:
            return lambda function: self.register_activity(name, function)
        self._free(name)
        self._runtime.register_activity(name, self._activity(name, fn))
        return fn

    def register_orchestration(self, name: str, fn: Callable[..., Any] | None = None) -> Any:
        """As `duroxide.Runtime.register_orchestration`, also as a decorator."""
        if fn is None:
            return lambda function: self.register_orchestration(name, function)
        self._free(name)
        self._runtime.register_orchestration(name, self._orchestration(fn))
        return fn

    def register_orchestration_versioned(
        self, name: str, version: str, fn: Callable[..., Any] | None = None
    ) -> Any:
        """As `duroxide.Runtime.register_orchestration_versioned`, also as a decorator."""
        if fn is None:
            return lambda function: self.register_orchestration_versioned(name, version, function)
        self._free(name)
        self._runtime.register_orchestration_versioned(name, version, self._orchestration(fn))
        return fn

    register_activity_typed = register_activity
    register_orchestration_typed = register_orchestration
    register_orchestration_versioned_typed = register_orchestration_versioned

    def _free(self, name: str) -> None:
        """Duroxide keeps the first that was registered under a name, and says nothing."""
        if name in self._taken:
            raise ValueError(f"the name {name!r} is taken by the canaries beside the load")

    def _activity(self, name: str, fn: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fn)
        def recorded(ctx: Any, given: Any) -> Any:
            run = next(self._runs)
            token = f"{ctx.instance_id}|{ctx.execution_id}|{name}"
            self._write("begin", token, ctx.instance_id, run)
            try:
                result = fn(ctx, given)
            except BaseException:
                self._write("failed", token, ctx.instance_id, run)
                raise
            self._write("end", token, ctx.instance_id, run)
            return result

        return recorded

    def _write(self, phase: Any, token: str, instance: str, run: int) -> None:
        self._effects(Effect(phase, token, instance, run, time.time_ns(), self._node))

    def _orchestration(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fn)
        def hinted(ctx: Any, given: Any) -> Any:
            code = fn(ctx, given)
            if not inspect.isgenerator(code):
                self._hint(ctx.instance_id)
                return code
            return self._driven(ctx.instance_id, code)

        return hinted

    def _driven(self, instance: str, code: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        try:
            result = yield from code
        except GeneratorExit:
            raise
        except BaseException:
            self._hint(instance)
            raise
        self._hint(instance)
        return result
