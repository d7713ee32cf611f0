"""Hosts of the reference engine that are killed and paused at set times, and the record of that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from duroxide_stress.engines.base import Attempts, EffectSink, Hint
from duroxide_stress.engines.reference.engine import ReferenceEngine
from duroxide_stress.engines.reference.hosts import Hosts
from duroxide_stress.engines.reference.simulation import Clock
from duroxide_stress.engines.reference.world import World
from duroxide_stress.plan import Cell
from duroxide_stress.recording.records import (
    FIRST_NODE,
    FaultEvent,
    FaultMoment,
    NodeEvent,
    NodeMoment,
)
from duroxide_stress.recording.writer import DirectWriter
from duroxide_stress.scenarios.base import FIRST_VERSION, Workload
from duroxide_stress.units import secs_to_ns


class Strike(msgspec.Struct, frozen=True):
    """One host killed, and started again after a time; or paused, and resumed."""

    name: Literal["kill", "pause"]
    at_secs: float
    """Since the measuring window opened."""
    secs: float
    """Until it is healed."""
    node: str = FIRST_NODE

    def __str__(self) -> str:
        return f"{self.name} {self.node} at {self.at_secs:g} s for {self.secs:g} s"


class Struck(ReferenceEngine):
    """The reference engine, whose hosts are struck when it is their time."""

    def __init__(
        self, strikes: tuple[Strike, ...] = (), world: Callable[[], World] = World
    ) -> None:
        super().__init__(world)
        self._strikes = sorted(strikes, key=lambda strike: strike.at_secs)
        self._records: list[FaultEvent | NodeEvent] = []

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
        hosts = super().host(
            connection, cell, workload, effects, hint, attempts, node=node, released=released
        )
        if self._strikes and not released:
            self._begin(connection.clock, hosts, cell.config.warmup_secs)
        return hosts

    def write(self, directory: Path) -> None:
        """Add what was done to the recording."""
        for name, kind in (("nodes", NodeEvent), ("faults", FaultEvent)):
            if records := [record for record in self._records if isinstance(record, kind)]:
                writer = DirectWriter(directory / f"{name}.jsonl")
                for record in records:
                    writer.write(record)
                writer.close()

    def _begin(self, clock: Clock, hosts: Hosts, warmup_secs: float) -> None:
        for name in hosts.alive():
            if name != FIRST_NODE:
                self._records.append(NodeEvent(clock.now_ns, name, "ready", FIRST_VERSION))
        for number, strike in enumerate(self._strikes):
            play = _Play(clock, hosts, number, strike, self._records)
            play.note("intended")
            clock.after(secs_to_ns(warmup_secs + strike.at_secs), play.begin)


class _Play:
    """One strike, from its beginning until it is healed."""

    def __init__(
        self,
        clock: Clock,
        hosts: Hosts,
        number: int,
        strike: Strike,
        records: list[FaultEvent | NodeEvent],
    ) -> None:
        self._clock, self._hosts, self._records = clock, hosts, records
        self._number, self._strike = number, strike

    def begin(self) -> None:
        """Strike, and see that it is healed."""
        node, life = self._strike.node, self._hosts.life(self._strike.node)
        if self._strike.name == "kill":
            self._hosts.kill(node)
            self._node(life, "killed")
        else:
            self._hosts.pause(node)
            self._node(life, "paused")
        self.note("began", life)
        self._clock.after(secs_to_ns(self._strike.secs), self._heal)

    def _heal(self) -> None:
        if self._strike.name == "kill":
            life = self._hosts.start(self._strike.node)
            self._node(life, "starting")
            self._node(life, "ready")
        else:
            self._node(self._hosts.life(self._strike.node), "resumed")
            self._hosts.resume(self._strike.node)
        self.note("ended")

    def note(self, what: FaultMoment, detail: str = "") -> None:
        """Keep a line of faults.jsonl."""
        now_ns, due_ms = self._clock.now_ns, round(self._strike.at_secs * 1000)
        name, node = self._strike.name, self._strike.node
        event = FaultEvent(
            now_ns, self._number, name, what, due_ms=due_ms, target=node, detail=detail
        )
        self._records.append(event)

    def _node(self, life: str, what: NodeMoment) -> None:
        self._records.append(NodeEvent(self._clock.now_ns, life, what, FIRST_VERSION))
