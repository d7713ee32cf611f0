"""Simulated hosts as faults see them, with their moments noted as those of real ones are."""

from __future__ import annotations

from collections.abc import Callable

from duroxide_stress.engines.reference.hosts import VirtualNodes
from duroxide_stress.nodes.hosts import NodeNotes
from duroxide_stress.recording.records import NodeMoment
from duroxide_stress.scenarios.base import FIRST_VERSION


class VirtualHosts:
    """See `faults.base.Hosts`. A simulated host knows no graceful end, and has no process."""

    def __init__(self, nodes: VirtualNodes, notes: NodeNotes) -> None:
        self._nodes, self._notes = nodes, notes
        self._paused: set[str] = set()

    def serving(self, host: str) -> bool:
        return host in self._nodes.alive() and host not in self._paused

    def life(self, host: str) -> str:
        return self._nodes.life(host)

    def pid(self, host: str) -> int:
        raise NotImplementedError("a simulated host has no process")

    def kill(self, host: str) -> None:
        self._nodes.kill(host)
        self._paused.discard(host)
        self._note(host, "killed")

    def doom(self, host: str, by_itself: Callable[[], bool] = lambda: True) -> None:
        raise NotImplementedError("a simulated host cannot end itself")

    def pause(self, host: str) -> None:
        self._nodes.pause(host)
        self._paused.add(host)
        self._note(host, "paused")

    def resume(self, host: str) -> None:
        self._nodes.resume(host)
        self._paused.discard(host)
        self._note(host, "resumed")

    def stop(self, host: str) -> None:
        raise NotImplementedError("a simulated host cannot be told to shut down")

    def gone(self, host: str) -> bool:
        return host not in self._nodes.alive()

    def start(self, host: str) -> None:
        self._nodes.start(host)
        self._note(host, "starting")
        self._note(host, "ready")

    def _note(self, host: str, what: NodeMoment) -> None:
        self._notes.note(self._nodes.life(host), what, FIRST_VERSION)
