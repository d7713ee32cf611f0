"""The reference engine as an engine: a world in virtual time, and the session that shares it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from duroxide_stress.engines.base import Attempts, EffectSink, Hint, HintSource
from duroxide_stress.engines.reference.hosts import Hosts
from duroxide_stress.engines.reference.session import WorldSession
from duroxide_stress.engines.reference.world import World
from duroxide_stress.plan import Cell
from duroxide_stress.providers.base import Provider
from duroxide_stress.recording.records import FIRST_NODE, Execution, HistoryEvent, SystemMetrics
from duroxide_stress.scenarios.base import Workload


class ReferenceEngine:
    """See `engines.base.Engine`."""

    name = "reference"
    virtual = True

    def __init__(self, world: Callable[[], World] = World) -> None:
        self._world = world

    def version(self) -> str:
        return "reference 1"

    def connect(self, provider: Provider, address: str) -> World:
        return self._world()

    def host(
        self,
        connection: World,
        cell: Cell,
        workload: Workload,
        effects: EffectSink,
        hint: Hint,
        attempts: Attempts,
        *,
        node: str = FIRST_NODE,
        released: bool = False,
    ) -> Hosts:
        """All hosts of the cell in one object (see `VirtualNodes`). Attempts it counts itself."""
        if released:
            connection.upgrade()
        else:
            connection.serve(cell, workload, effects)
        return connection.hosts

    def session(self, connection: World, hints: HintSource) -> WorldSession:
        return WorldSession(connection)

    def collect(
        self, connection: World, instances: list[str]
    ) -> Iterator[Execution | HistoryEvent]:
        return connection.collect()

    def metrics(self, connection: World) -> SystemMetrics:
        return connection.metrics()
