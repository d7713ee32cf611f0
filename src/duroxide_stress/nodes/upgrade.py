"""A rolling upgrade: a host with the workload's newer release joins, then the first one stops.

Both forms note in nodes.jsonl when each host was ready, was told to stop, and had stopped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from duroxide_stress.engines.base import Host
from duroxide_stress.errors import RunError, in_words
from duroxide_stress.nodes.messages import Control, Done, Failed, Ready
from duroxide_stress.nodes.process import NodeHandle
from duroxide_stress.recording.records import FIRST_NODE, SECOND_NODE, NodeEvent, NodeMoment
from duroxide_stress.recording.writer import DirectWriter
from duroxide_stress.scenarios.base import FIRST_VERSION, Release

JOIN_SECS = 60.0
LEAVE_SECS = 20.0
"""The engine's own shutdown takes up to ten."""


class NodeNotes:
    """nodes.jsonl of a cell."""

    def __init__(
        self, directory: Path, release: Release | None, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._writer = DirectWriter(directory / "nodes.jsonl")
        self._now_ns = now_ns
        self._versions = {
            FIRST_NODE: FIRST_VERSION,
            SECOND_NODE: FIRST_VERSION if release is None else release.version,
        }

    def note(self, node: str, what: NodeMoment) -> None:
        """Append what has just happened to a node."""
        self._writer.write(NodeEvent(self._now_ns(), node, what, self._versions[node]))

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class Upgrade:
    """For hosts that are processes. `step` is called often and never waits.

    Raises RunError when the new host does not become ready, or the old one does not stop; what a host
    cannot go on with is left to `refuse`, and a host that dies is the one that must live.
    """

    def __init__(
        self,
        release: Release,
        host: NodeHandle,
        spawn: Callable[[], NodeHandle],
        notes: NodeNotes,
        refuse: Callable[[Failed, str, NodeHandle], NoReturn],
    ) -> None:
        self._release, self._spawn, self._notes, self._refuse = release, spawn, notes, refuse
        self._old, self._new = host, host
        self._dead: NodeHandle | None = None
        self._phase = "waiting"
        self._deadline = 0.0

    def step(self, elapsed_secs: float) -> NodeHandle:
        """Do what is due `elapsed_secs` after the load began. Returns the host that must live."""
        match self._phase:
            case "waiting" if elapsed_secs >= self._release.after_secs:
                self._new = self._spawn()
                self._turn("joining", JOIN_SECS)
            case "joining" if self._heard(self._new, Ready, "the host with the newer release"):
                self._notes.note(SECOND_NODE, "ready")
                self._notes.note(FIRST_NODE, "stopping")
                self._old.say("stop")
                self._turn("leaving", LEAVE_SECS)
            case "leaving" if self._heard(self._old, Done, "the first host, told to stop,"):
                # Only what is gone has stopped: it must not begin an instance after the note.
                self._old.end()
                self._notes.note(FIRST_NODE, "stopped")
                self._turn("over", 0)
        if self._dead is not None:
            return self._dead
        return self._old if self._phase in ("waiting", "joining") else self._new

    @property
    def under_way(self) -> bool:
        """Whether it has begun and is not over: two hosts are alive."""
        return self._phase in ("joining", "leaving")

    def _turn(self, phase: str, secs: float) -> None:
        self._phase, self._deadline = phase, time.monotonic() + secs

    def _heard(self, node: NodeHandle, kind: type[Ready | Done], what: str) -> bool:
        code, message = node.exit_code(), node.message()
        if isinstance(message, kind):
            return True
        if isinstance(message, Failed):
            self._refuse(message, what, node)
        if code is not None and message is None:
            self._dead = node
            self._turn("over", 0)
            return False
        if time.monotonic() > self._deadline:
            raise RunError(
                f"{what} took longer than {JOIN_SECS if kind is Ready else LEAVE_SECS:g} s"
            )
        return False


class EmbeddedUpgrade:
    """For hosts that live in this process beside the driver: at once in virtual time, else in a
    thread, so that the load goes on while the engine starts and stops."""

    def __init__(
        self,
        release: Release | None,
        host: Host,
        join: Callable[[], Host],
        notes: NodeNotes,
        control: Control,
        *,
        virtual: bool,
        shutdown_ms: int,
    ) -> None:
        self._release, self._host, self._join, self._notes = release, host, join, notes
        self._control, self._virtual, self._shutdown_ms = control, virtual, shutdown_ms
        self._thread = threading.Thread(target=self._take_over, name="upgrade")
        self._begun = False

    def step(self, elapsed_secs: float) -> None:
        """Begin it when it is due."""
        if self._begun or self._release is None or elapsed_secs < self._release.after_secs:
            return
        self._begun = True
        if self._virtual:
            self._take_over()
        else:
            self._thread.start()

    def stop(self) -> None:
        """Stop the host that is left, after the upgrade is through."""
        if self._thread.ident is not None:
            self._thread.join()
        self._host.stop(self._shutdown_ms)

    def _take_over(self) -> None:
        try:
            old, self._host = self._host, self._join()
            self._notes.note(SECOND_NODE, "ready")
            self._notes.note(FIRST_NODE, "stopping")
            old.stop(self._shutdown_ms)
            self._notes.note(FIRST_NODE, "stopped")
        except Exception as error:  # noqa: BLE001 - reaches the supervisor as a sentence
            self._control.tell(Failed(f"the upgrade failed: {in_words(error)}"))
