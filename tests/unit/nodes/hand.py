"""Hosts that say and hear what a test wants, in a group on a clock of the test's own."""

import signal
from pathlib import Path

import msgspec

from duroxide_stress.nodes.hosts import HostGroup, NodeNotes
from duroxide_stress.nodes.messages import Message, Ready
from duroxide_stress.nodes.supervisor import CellRun
from duroxide_stress.recording.records import NodeEvent


class HandHost:
    """One life of a host."""

    pid = 1

    def __init__(self) -> None:
        self.log: Path | None = None
        self.says: list[Message] = []
        self.heard: list[str] = []
        self.signals: list[signal.Signals] = []
        self.code: int | None = None
        self.ended = False

    def message(self) -> Message | None:
        return self.says.pop(0) if self.says else None

    def exit_code(self) -> int | None:
        return self.code

    def say(self, word: str) -> None:
        self.heard.append(word)

    def signal(self, number: signal.Signals) -> None:
        self.signals.append(number)

    def end(self) -> None:
        self.ended = True


class Bench:
    """A group of such hosts, and what was noted and told."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lives: dict[str, HandHost] = {}
        self.now = 0.0
        self.stormy = False
        self.told: list[str] = []
        moments = iter(range(1, 1000))
        self.hosts = HostGroup(
            self._spawn,
            NodeNotes(directory, lambda: next(moments)),
            CellRun._refuse,
            tell=self.told.append,
            forgiving=lambda: self.stormy,
            now=lambda: self.now,
        )

    def _spawn(self, host: str, life: str, version: str) -> HandHost:
        self.lives[life] = HandHost()
        return self.lives[life]

    def up(self, host: str, version: str = "1.0.0") -> HandHost:
        """A host of this name that serves."""
        self.hosts.add(host, version)
        self.lives[host].says = [Ready()]
        self.hosts.step()
        assert self.hosts.serving(host)
        return self.lives[host]

    def noted(self) -> list[tuple[str, str]]:
        """Who and what, by the lines of nodes.jsonl."""
        lines = (self.directory / "nodes.jsonl").read_bytes().splitlines()
        events = [msgspec.json.decode(line, type=NodeEvent) for line in lines]
        return [(event.node, event.what) for event in events]
