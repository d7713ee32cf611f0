"""The moments at which a host was told to kill itself, seen from the code that it registers.

A host without a fuse registers its code as it is. With one, the runtime, or what records activities, is
wrapped, so that built-in programs and a user's own workflows are met alike.
"""

from __future__ import annotations

import inspect
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Generator
from functools import partial, wraps
from pathlib import Path
from typing import Any

from duroxide_stress.crashes import SWEPT_MS
from duroxide_stress.engines.base import EffectSink
from duroxide_stress.fuse import VARIABLE, Fuse, burn, found
from duroxide_stress.recording.records import Effect

LOOK_SECS = 0.000_5
"""How often a file is looked at."""


def kill_self() -> None:
    """End this process as a crash would."""
    os.kill(os.getpid(), signal.SIGKILL)


class Moments:
    """Counts how often its one moment has come, over all threads, and kills when it is time."""

    def __init__(self, path: Path, fuse: Fuse, kill: Callable[[], None] = kill_self) -> None:
        self._path, self._fuse, self._kill = path, fuse, kill
        self._counted = itertools.count(1)

    def reached(self, name: str, after_secs: float = 0.0) -> None:
        """The calling thread is there; it stays for `after_secs` before it dies of it."""
        if self._due(name):
            time.sleep(after_secs)
            self._die()

    def passed(self, name: str) -> None:
        """The calling thread goes on at once, and this process dies up to 20 ms later: how long is
        drawn by the number of the pass, so that several of them sweep over what happens then."""
        if self._due(name):
            timer = threading.Timer(swept_secs(name, self._fuse.times), self._die)
            timer.daemon = True
            timer.start()

    def watch(self) -> None:
        """If it is a file's changes that count: begin to look at it.

        It is never opened here: to close it would break the locks that SQLite holds in this process.
        """
        if self._fuse.watch:
            first = _stamp(self._fuse.watch)
            threading.Thread(target=self._look, args=(first,), name="crash", daemon=True).start()

    def _look(self, before: tuple[int, int] | None) -> None:
        while self._path.exists():
            time.sleep(LOOK_SECS)
            now = _stamp(self._fuse.watch)
            if now != before:
                before = now
                self.reached("store-write")

    def _due(self, name: str) -> bool:
        return name == self._fuse.moment and next(self._counted) == self._fuse.times

    def _die(self) -> None:
        if burn(self._path):
            self._kill()


def armed() -> Moments | None:
    """The moments of a process that was handed a fuse which has not burnt; None for any other."""
    path = os.environ.get(VARIABLE)
    fuse = found(Path(path)) if path else None
    return None if path is None or fuse is None else Moments(Path(path), fuse)


def swept_secs(moment: str, times: int) -> float:
    """How long after a moment the process dies that came there so many times.

    Half of all draws lie within an eighth of the time: a commit takes a millisecond or two, and is not
    to be missed by all of them.
    """
    drawn = random.Random(f"crash:{moment},pass={times}").random()
    return float(SWEPT_MS / 1000 * drawn**3)


def watched_effects(effects: EffectSink, moments: Moments, delay_ms: int) -> EffectSink:
    """Passes every effect on, and then knows what an activity has just written down."""

    def write(effect: Effect) -> None:
        effects(effect)
        if effect.phase == "begin":
            moments.reached("activity-middle", delay_ms / 2000)
        else:
            moments.reached("activity-end")

    return write


class WatchedRuntime:
    """Passes everything on to a `duroxide.Runtime`; what is registered is watched on the way."""

    def __init__(self, runtime: Any, moments: Moments) -> None:
        self._runtime, self._moments = runtime, moments
        self._begun: set[str] = set()
        self._yielded: dict[tuple[str, int], int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def register_activity(self, name: str, fn: Callable[..., Any]) -> Any:
        """As `duroxide.Runtime.register_activity`."""
        return self._runtime.register_activity(name, self._activity(fn))

    def register_orchestration(self, name: str, fn: Callable[..., Any]) -> Any:
        """As `duroxide.Runtime.register_orchestration`."""
        return self._runtime.register_orchestration(name, self._orchestration(fn))

    def register_orchestration_versioned(
        self, name: str, version: str, fn: Callable[..., Any]
    ) -> Any:
        """As `duroxide.Runtime.register_orchestration_versioned`."""
        watched = self._orchestration(fn)
        return self._runtime.register_orchestration_versioned(name, version, watched)

    def _activity(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fn)
        def watched(ctx: Any, given: Any) -> Any:
            self._moments.reached("activity-begin")
            try:
                return fn(ctx, given)
            finally:
                self._moments.passed("activity-answered")

        return watched

    def _orchestration(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(fn)
        def watched(ctx: Any, given: Any) -> Any:
            self._called(ctx)
            try:
                code = fn(ctx, given)
            except Exception:
                self._moments.reached("orchestration-end")
                raise
            if inspect.isgenerator(code):
                return self._driven(ctx, code)
            self._moments.reached("orchestration-end")
            return code

        return watched

    def _called(self, ctx: Any) -> None:
        self._moments.reached("turn-begin")
        if ctx.execution_id > 1 or ctx.instance_id in self._begun:
            return
        if not self._begun:
            self._moments.watch()  # no earlier: what comes before is the making of the store
        self._begun.add(ctx.instance_id)
        self._moments.reached("after-start")

    def _driven(self, ctx: Any, code: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = partial(next, code)
        number = 0
        while True:
            try:
                task = step()
            except StopIteration as over:
                self._moments.reached("orchestration-end")
                return over.value
            except Exception:
                self._moments.reached("orchestration-end")
                raise
            number += 1
            self._asked((ctx.instance_id, ctx.execution_id), number, task)
            try:
                sent = yield task
            except GeneratorExit:
                code.close()
                raise
            except Exception as error:  # noqa: BLE001 - the SDK raises bare Exceptions
                step = partial(code.throw, error)
            else:
                step = partial(code.send, sent)

    def _asked(self, life: tuple[str, int], number: int, task: Any) -> None:
        """Its code asks for its `number`-th task; on replay it asks again, which is nothing new."""
        kind = task.get("type") if isinstance(task, dict) else ""
        if str(kind).startswith("continueAsNew"):
            self._moments.reached("between-generations")
        elif number > self._yielded.get(life, 0):
            self._yielded[life] = number
            self._moments.reached("turn-scheduled")
            self._moments.passed("turn-committed")


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as fast, and done two thousand times a second
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns
