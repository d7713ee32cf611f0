"""The entry point of a node's process: `python -m duroxide_stress.nodes.child`.

Standard input carries the spec, then the supervisor's words (`stop`, `abort`, `calm`). Its end means
that the supervisor is gone, however it went: the node then ends at once, so that nothing is orphaned.
Standard output and error are a log file, never a pipe: an engine that logs into a pipe nobody
reads freezes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import msgspec

from duroxide_stress.errors import StressError
from duroxide_stress.faults.clock import sleep
from duroxide_stress.nodes.hints import SocketHints, sender
from duroxide_stress.nodes.messages import Alive, Failed, Message, NodeSpec
from duroxide_stress.nodes.roles import (
    Node,
    run_collector,
    run_driver,
    run_embedded,
    run_host,
)
from duroxide_stress.providers.base import Provider
from duroxide_stress.redaction import protect, redact

ORPHANED = 75
ALIVE_EVERY_SECS = 0.5
PR_SET_PDEATHSIG = 1


class PipeControl:
    """A node's line to its supervisor over inherited pipes."""

    def __init__(self, events_fd: int) -> None:
        self._events_fd = events_fd
        self._lock = threading.Lock()
        self._abort = threading.Event()
        self._stop = threading.Event()
        self._calm = threading.Event()

    def tell(self, message: Message) -> None:
        """Send one message; a supervisor that is gone ends the process elsewhere."""
        with self._lock:
            os.write(self._events_fd, msgspec.json.encode(message) + b"\n")

    def aborted(self) -> bool:
        return self._abort.is_set()

    def calm(self) -> bool:
        return self._calm.is_set()

    def wait_for_stop(self) -> None:
        """Block until told to end; show that this process lives meanwhile."""
        while not self._stop.wait(ALIVE_EVERY_SECS):
            self.tell(Alive())

    def obey(self) -> None:
        """Read the supervisor's words until standard input ends."""
        for word in sys.stdin.buffer:
            match word.strip():
                case b"calm":
                    self._calm.set()
                case b"abort":
                    self._abort.set()
                    self._stop.set()
                case b"stop":
                    self._stop.set()
        if os.getpgrp() == os.getpid():
            # As the supervisor would have: with everything that a provider has started here.
            os.killpg(0, signal.SIGKILL)
        os._exit(ORPHANED)


def _wake_when_orphaned() -> None:
    """Have the kernel let this process go on when its parent is gone: one that a fault has stopped could
    not read the end of its input, which ends it with all that it has started. Only Linux knows how."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGCONT), 0, 0, 0)


def main() -> int:
    """Run the role the spec names. Exit code 0, or 1 after a `Failed` message."""
    spec = msgspec.json.decode(sys.stdin.buffer.readline(), type=NodeSpec)
    protect(spec.address)
    _wake_when_orphaned()
    control = PipeControl(spec.events_fd)
    threading.Thread(target=control.obey, name="supervisor", daemon=True).start()
    try:
        _run(spec, control)
    except Exception as error:  # noqa: BLE001 - the log has the traceback, the supervisor one line
        if not isinstance(error, StressError):
            print(redact(traceback.format_exc()), file=sys.stderr)  # noqa: T201 - the log
        control.tell(Failed.by(error))
        return 1
    return 0


def _run(spec: NodeSpec, control: PipeControl) -> None:
    if spec.anchor_ns is not None:
        # Before anything of the user's is imported.
        time.sleep = sleep
    directory, scratch = Path(spec.directory), Path(spec.scratch)
    node = Node(spec.cell, _provider(spec), spec.address, directory, scratch)
    match spec.role:
        case "host":
            assert spec.hints_fd is not None
            hint = sender(spec.hints_fd)
            run_host(
                node,
                control,
                hint,
                name=spec.node,
                released=spec.released,
                anchor_ns=spec.anchor_ns,
            )
        case "driver":
            assert spec.hints_fd is not None
            run_driver(node, control, SocketHints(spec.hints_fd))
        case "embedded":
            run_embedded(node, control)
        case "collector":
            run_collector(node, control)


def _provider(spec: NodeSpec) -> Provider:
    provider: Provider = pickle.loads(spec.provider)
    return provider


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # The engine's threads may still be winding down; a normal interpreter exit would wait for them.
    os._exit(code)
