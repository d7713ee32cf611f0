"""One node as its supervisor sees it: a child process, or a thread for what cannot be moved."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from duroxide_stress.errors import RunError
from duroxide_stress.nodes.messages import Failed, Message, NodeSpec
from duroxide_stress.redaction import redact

LOG_TAIL_LINES = 12
LAST_MESSAGE_SECS = 1.0
"""How long a dead node's last messages may take, should something it started hold its pipe open."""


class NodeHandle(Protocol):
    """What the supervisor needs of a node."""

    pid: int
    log: Path | None

    def message(self) -> Message | None:
        """The next message, or None when there is none now."""
        ...

    def exit_code(self) -> int | None:
        """None while it lives; negative for death by that signal."""
        ...

    def say(self, word: str) -> None:
        """Tell it `stop`, `abort` or `calm`; no effect on a node that is gone."""
        ...

    def end(self) -> None:
        """Make sure it is gone."""
        ...


class ChildProcess:
    """A spawned node with a session (process group) of its own and a log file."""

    def __init__(
        self, spec: NodeSpec, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """`environment` is what the process has beside this one's."""
        self.log: Path | None = log
        self._ended = False
        self._died_at: float | None = None
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        read_fd, write_fd = os.pipe()
        fds = [write_fd] + ([spec.hints_fd] if spec.hints_fd is not None else [])
        own = {**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **(environment or {})}
        # A child imports the user's provider module as its parent did, and (-P) nothing else from
        # the directory it is started in: a queue.py there must not stand in for Python's own.
        own["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        with log.open("ab") as output:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "duroxide_stress.nodes.child"],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=fds,
                    start_new_session=True,
                    env=own,
                )
            except OSError as error:
                os.close(read_fd)
                raise RunError(f"no process could be started: {error.strerror}") from error
            finally:
                os.close(write_fd)
        self.pid = self._process.pid
        self._say(msgspec.json.encode(msgspec.structs.replace(spec, events_fd=write_fd)))
        self._reader = threading.Thread(target=self._read, args=(read_fd,), daemon=True)
        self._reader.start()

    def message(self) -> Message | None:
        try:
            return self._messages.get_nowait()
        except queue.Empty:
            return None

    def exit_code(self) -> int | None:
        code = self._process.poll()
        if code is None:
            return None
        if self._died_at is None:
            self._died_at = time.monotonic()
        # Not before its last message has been read, or a death would hide what it said.
        unread = self._reader.is_alive()
        return None if unread and time.monotonic() < self._died_at + LAST_MESSAGE_SECS else code

    def say(self, word: str) -> None:
        self._say(word.encode())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the node with all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def end(self) -> None:
        if self._ended:
            return
        self._ended = True
        # The whole group, also when the node itself is gone: what it started must not outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()

    def _read(self, fd: int) -> None:
        decoder = msgspec.json.Decoder(Message)
        with open(fd, "rb") as lines:
            for line in lines:
                with contextlib.suppress(msgspec.DecodeError):
                    self._messages.put(decoder.decode(line))


class ThreadNode:
    """A node in a thread of this process, for a provider that lives here and nowhere else."""

    def __init__(self, run: Callable[[ThreadNode], None]) -> None:
        self.pid = os.getpid()
        self.log: Path | None = None
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._abort = threading.Event()
        self._calm = threading.Event()
        self._thread = threading.Thread(target=self._main, args=(run,), daemon=True)
        self._thread.start()

    def tell(self, message: Message) -> None:
        """The node's side: send one message."""
        self._messages.put(message)

    def aborted(self) -> bool:
        """The node's side: whether the load is to end now."""
        return self._abort.is_set()

    def calm(self) -> bool:
        """The node's side: whether every fault is over and healed."""
        return self._calm.is_set()

    def wait_for_stop(self) -> None:
        """The node's side: block until told to end."""
        self._abort.wait()

    def message(self) -> Message | None:
        try:
            return self._messages.get_nowait()
        except queue.Empty:
            return None

    def exit_code(self) -> int | None:
        return None if self._thread.is_alive() else 0

    def say(self, word: str) -> None:
        (self._calm if word == "calm" else self._abort).set()

    def end(self) -> None:
        self._abort.set()
        self._thread.join(timeout=30)

    def _main(self, run: Callable[[ThreadNode], None]) -> None:
        try:
            run(self)
        except Exception as error:  # noqa: BLE001 - reaches the supervisor as a sentence
            self._messages.put(Failed.by(error))


def death(code: int | None) -> str:
    """An exit code in words."""
    if code is None or code >= 0:
        return f"exit code {code}"
    known = {number.value: f" ({number.name})" for number in signal.Signals}
    return f"killed by signal {-code}{known.get(-code, '')}"


def log_tail(log: Path | None, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a node's log, for an error message."""
    if log is None or not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = redact(file.read().decode(errors="replace"))
    return "\n".join(text.splitlines()[-lines:])
