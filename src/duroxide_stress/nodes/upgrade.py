"""A rolling upgrade: a host with the workload's newer release joins, then the first one stops.

Both forms note in nodes.jsonl when each host was ready, was told to stop, and had stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from duroxide_stress.engines.base import Host
from duroxide_stress.errors import in_words
from duroxide_stress.faults.base import Play
from duroxide_stress.nodes.hosts import HostGroup, NodeNotes
from duroxide_stress.nodes.messages import Control, Failed
from duroxide_stress.recording.records import FIRST_NODE, SECOND_NODE, NodeMoment
from duroxide_stress.scenarios.base import FIRST_VERSION, Release


def upgrade(hosts: HostGroup, release: Release, elapsed_secs: Callable[[], float]) -> Play[None]:
    """For hosts that are processes: a play that has begun once the new host has a name in the group."""
    while elapsed_secs() < release.after_secs:
        yield
    hosts.add(SECOND_NODE, release.version)
    while not hosts.serving(SECOND_NODE):
        yield
    hosts.stop(FIRST_NODE)
    while not hosts.gone(FIRST_NODE):
        yield


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
            self._note(SECOND_NODE, "ready")
            self._note(FIRST_NODE, "stopping")
            old.stop(self._shutdown_ms)
            self._note(FIRST_NODE, "stopped")
        except Exception as error:  # noqa: BLE001 - reaches the supervisor as a sentence
            self._control.tell(Failed(f"the upgrade failed: {in_words(error)}"))

    def _note(self, node: str, what: NodeMoment) -> None:
        newer = self._release is not None and node == SECOND_NODE
        version = self._release.version if newer and self._release else FIRST_VERSION
        self._notes.note(node, what, version)
