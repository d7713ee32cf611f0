"""A process of a fault's own: told in one line what to do, and heard in lines, until its input ends.

It has a process group of its own, so Ctrl-C reaches the supervisor alone. However the supervisor goes,
the pipe ends with it, and then the process undoes what it did and ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from duroxide_stress.errors import RunError
from duroxide_stress.redaction import protect, redact

Order = TypeVar("Order", bound=msgspec.Struct)


class Aide:
    """The supervisor's end. `module` is run as a program; its standard error is its log."""

    def __init__(self, module: str, order: msgspec.Struct, log: Path) -> None:
        self._log = log
        path = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        with log.open("ab") as errors:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", module],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    bufsize=0,
                    start_new_session=True,
                    env={**os.environ, "PYTHONPATH": path},
                )
            except OSError as error:
                raise RunError(f"no process could be started: {error.strerror}") from error
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")

    def spoke(self, within_secs: float = 0) -> bool:
        """Whether there is something to hear: a line, or that it has ended."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], within_secs)[0])

    def hear(self) -> bytes:
        """Its next line, waited for; empty when it has ended and said no more."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def dismiss(self, secs: float) -> bool:
        """End its input and wait for its end, which is brought about after so long; whether it ended
        well. What it said at last can still be heard."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            return self._process.wait(secs) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if not self.gone:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def complaint(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        said = next((line for line in reversed(lines) if line.strip()), "")
        return redact(said) or "it said nothing"


def orders(
    kind: type[Order], released: Callable[[], None]
) -> tuple[Order, Callable[[object], None]]:
    """The aide's end: its order, and how it speaks. `released` is called, from a thread, when its input
    ends. What a library prints goes to the log, so that no pipe fills that nobody reads."""
    voice = os.dup(1)
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline()
    protect(line.decode())

    def listen() -> None:
        sys.stdin.buffer.read()
        released()

    threading.Thread(target=listen, name="supervisor", daemon=True).start()

    def speak(words: object) -> None:
        with contextlib.suppress(OSError):  # the supervisor may be gone
            os.write(voice, msgspec.json.encode(words) + b"\n")

    return msgspec.json.decode(line, type=kind), speak
