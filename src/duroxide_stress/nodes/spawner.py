"""Starts the processes of a cell, has them sampled, and ends them all."""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping
from pathlib import Path

from duroxide_stress.nodes.messages import NodeSpec, Role
from duroxide_stress.nodes.monitor import Monitor
from duroxide_stress.nodes.process import ChildProcess, NodeHandle
from duroxide_stress.plan import Cell
from duroxide_stress.providers.base import Provider
from duroxide_stress.recording.records import FIRST_NODE

SOURCES: dict[Role, str] = {"host": "engine", "driver": "driver", "embedded": "embedded"}
"""Under which name a role's process is sampled; the collector is not."""
ENGINE = ("engine", "embedded")
"""The sources that are the engine's."""


class Spawner:
    """The processes of one cell. A `monitor` of None means that nothing is sampled."""

    def __init__(
        self,
        cell: Cell,
        provider: Provider,
        address: str,
        directory: Path,
        scratch: Path,
        monitor: Monitor | None,
    ) -> None:
        self.cell, self.provider, self.address = cell, provider, address
        self.directory, self.scratch, self._monitor = directory, scratch, monitor
        self._nodes: list[NodeHandle] = []
        self._anchor_ns = time.time_ns() - time.monotonic_ns()

    def spawn(
        self,
        role: Role,
        log: str,
        hints_fd: int | None = None,
        *,
        address: str = "",
        node: str = FIRST_NODE,
        released: bool = False,
        environment: Mapping[str, str] | None = None,
        false_clock: bool = False,
    ) -> ChildProcess:
        """Start a process in its role; `address` is the store as it reaches it, if that is another.

        With a `false_clock` it writes its records by ours.
        """
        spec = NodeSpec(
            role=role,
            cell=self.cell,
            directory=str(self.directory),
            address=address or self.address,
            provider=pickle.dumps(self.provider),
            scratch=str(self.scratch),
            events_fd=-1,
            hints_fd=hints_fd,
            node=node,
            released=released,
            anchor_ns=self._anchor_ns if false_clock else None,
        )
        child = ChildProcess(spec, self.directory / log, environment)
        self.keep(child, SOURCES.get(role, ""), node if role == "host" else "")
        return child

    def keep(self, node: NodeHandle, source: str, name: str = "") -> None:
        """See to it that this one is ended with the others, and sampled as `source`."""
        self._nodes.append(node)
        if self._monitor is not None and source:
            self._monitor.watch(source, node.pid, name)

    def sample(self) -> None:
        """Take a sample if one is due."""
        if self._monitor is not None:
            self._monitor.sample_if_due()

    def engine_rss_bytes(self) -> int | None:
        """What the engine's processes hold together; None where nothing is sampled."""
        return None if self._monitor is None else self._monitor.resident_bytes(*ENGINE)

    def end(self) -> None:
        """Make sure that none is left."""
        for node in self._nodes:
            node.end()


def movable(provider: Provider) -> bool:
    """Whether another process can make this provider: it pickles, and its class can be imported."""
    if type(provider).__module__ == "__main__":
        return False
    try:
        return bool(pickle.dumps(provider))
    except Exception:  # noqa: BLE001 - pickle raises almost anything for what it cannot move
        return False
