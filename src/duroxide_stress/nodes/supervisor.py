"""Runs one cell: starts its nodes, watches them, writes what they leave, ends them.

Two shapes. *Separate*: a host process and a driver process share a store, then a fresh process
audits it and copies the histories out. *Embedded*: one process does it all, because its store
cannot be shared.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from inspect import GEN_CLOSED, getgeneratorstate
from pathlib import Path
from typing import NoReturn

from msgspec.structs import replace

from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.faults.base import Play, Stage
from duroxide_stress.faults.storm import Storm, brew
from duroxide_stress.nodes.hints import hint_pair
from duroxide_stress.nodes.hosts import HostDiedError, HostGroup, NodeNotes
from duroxide_stress.nodes.messages import (
    Done,
    Driven,
    Failed,
    Message,
    Ready,
    Told,
)
from duroxide_stress.nodes.monitor import Monitor
from duroxide_stress.nodes.onlooker import Onlooker
from duroxide_stress.nodes.process import ChildProcess, NodeHandle, ThreadNode, death, log_tail
from duroxide_stress.nodes.roles import Node, run_embedded
from duroxide_stress.nodes.spawner import Spawner, movable
from duroxide_stress.nodes.upgrade import upgrade
from duroxide_stress.plan import Cell
from duroxide_stress.providers.base import Provider, store_figures
from duroxide_stress.recording.pieces import Compressor
from duroxide_stress.recording.records import FIRST_NODE, SECOND_NODE, CellEnd, DriverEnd, Ended
from duroxide_stress.recording.store import count_lines, write_json
from duroxide_stress.recording.writer import DirectWriter
from duroxide_stress.redaction import redact_file
from duroxide_stress.scenarios.base import FIRST_VERSION
from duroxide_stress.scenarios.registry import scenario_named

POLL_SECS = 0.02
START_SECS = 60.0
STOP_SECS = 20.0
COLLECT_SECS = 600.0


class CellRun:
    """One cell's life. `scratch` is a directory that ends with the cell."""

    def __init__(
        self,
        cell: Cell,
        provider: Provider,
        address: str,
        directory: Path,
        *,
        scratch: Path,
        onlooker: Onlooker,
        monitored: bool = True,
    ) -> None:
        self._cell, self._provider, self._address = cell, provider, address
        self._directory, self._scratch, self._onlooker = directory, scratch, onlooker
        self._samples = DirectWriter(directory / "samples-monitor.jsonl")
        monitor = Monitor(self._samples, lambda: store_figures(provider, address))
        self._processes = Spawner(
            cell, provider, address, directory, scratch, monitor if monitored else None
        )
        self._stage: Stage | None = None
        self._storm: Storm | None = None
        self._calmed = False
        self._begun: float | None = None
        self._driver_end = DriverEnd()
        self._ended: Ended = "finished"
        self._reason = ""
        self._last_words = ""

    def run(self) -> CellEnd:
        """Run to the end, whatever happens; afterwards no process of the cell is left.

        Raises UsageError, when all is written, for what turned out to be the user's to mend.
        """
        refused: UsageError | None = None
        compressor = Compressor(self._directory)
        try:
            if movable(self._provider) and self._provider.shared:
                self._separate()
            else:
                self._embedded()
        except _UnrecordedError as error:
            self._over("unrecorded", str(error))
        except RunError as error:
            self._over("error", str(error))
        except UsageError as error:
            refused = error
            self._over("error", str(error))
        except KeyboardInterrupt:
            self._over("interrupted", "interrupted")
        finally:
            self._processes.end()
            self._samples.close()
            compressor.close()
            for log in self._directory.glob("*.log"):
                redact_file(log)
        end = CellEnd(
            ended=self._ended,
            reason=self._reason,
            driver=self._driver_end,
            lines=count_lines(self._directory),
            last_words=self._last_words,
        )
        write_json(self._directory / "end.json", end)
        if refused is not None:
            raise refused
        return end

    def _separate(self) -> None:
        driver_end, hosts_end = hint_pair()
        release = scenario_named(self._cell.scenario).workload(self._cell).release
        notes = NodeNotes(self._directory)
        with driver_end, hosts_end, closing(notes), ExitStack() as stack:
            hosts = self._host_group(notes, hosts_end.fileno())
            self._storm = self._faults(hosts, stack)
            # The first makes the tables alone: Duroxide's hosts get in each other's way there.
            for numbers in (range(1), range(1, self._cell.config.nodes)):
                for number in numbers:
                    hosts.add(f"host-{number}", FIRST_VERSION)
                self._while_hosts(hosts, lambda: not hosts.all_serving)
            driver = self._processes.spawn("driver", "driver.log", driver_end.fileno())
            handing_over = upgrade(hosts, release, self._elapsed_secs) if release else None
            self._load(driver, hosts, handing_over)
            if self._ended == "interrupted":
                return
            hosts.stop_all()
            self._while_hosts(hosts, lambda: not hosts.all_gone)
        self._processes.end()
        collector = self._processes.spawn("collector", "collector.log")
        self._await(collector, Done, COLLECT_SECS, "the copying out of the histories")

    def _host_group(self, notes: NodeNotes, hints_fd: int) -> HostGroup:
        def spawn(host: str, life: str, version: str) -> ChildProcess:
            stage = self._stage
            return self._processes.spawn(
                "host",
                "host.log" if host == FIRST_NODE else f"{host}.log",
                hints_fd,
                address="" if stage is None else stage.host_address,
                node=life,
                released=version != FIRST_VERSION,
                environment={} if stage is None else stage.host_environment.get(host),
                false_clock=stage is not None and stage.false_clocks,
            )

        return HostGroup(
            spawn,
            notes,
            self._refuse,
            tell=self._onlooker.warned,
            forgiving=lambda: self._storm is not None and self._storm.under_way,
        )

    def _faults(self, hosts: HostGroup, stack: ExitStack) -> Storm | None:
        """The faults of the cell, if it has any, with what they need set up; the stack heals them."""
        if not self._cell.faults:
            return None
        self._stage = Stage(
            self._cell,
            self._provider,
            self._address,
            hosts,
            time.monotonic,
            self._scratch,
            self._directory,
        )
        self._stage.interrupted = self._onlooker.interrupted
        records = stack.enter_context(closing(DirectWriter(self._directory / "faults.jsonl")))
        storm = brew(self._stage, records, tell=self._onlooker.happened)
        stack.enter_context(storm.set_up())
        stack.callback(storm.close)
        return storm

    def _while_hosts(self, hosts: HostGroup, pending: Callable[[], bool]) -> None:
        """Look after the hosts as long as something of them is pending; they have deadlines."""
        while pending():
            if self._onlooker.interrupted():
                raise KeyboardInterrupt
            self._processes.sample()
            try:
                hosts.step()
            except HostDiedError as died:
                if self._ended != "finished":
                    continue
                self._last_words = log_tail(died.log)
                raise RunError(str(died)) from died
            time.sleep(POLL_SECS)

    def _embedded(self) -> None:
        if movable(self._provider):
            node: NodeHandle = self._processes.spawn("embedded", "host.log")
        else:
            inner = Node(self._cell, self._provider, self._address, self._directory, self._scratch)
            node = ThreadNode(lambda control: run_embedded(inner, control))
            self._processes.keep(node, "embedded")
        self._await(node, Ready, START_SECS, "the engine's host")
        self._load(node, None, None)
        if self._ended == "finished":
            self._await(node, Done, COLLECT_SECS, "the copying out of the histories")

    def _elapsed_secs(self) -> float:
        """Since the load began; negative before."""
        return -1.0 if self._begun is None else time.monotonic() - self._begun

    def _load(
        self, driver: NodeHandle, hosts: HostGroup | None, handing_over: Play[None] | None
    ) -> None:
        """Watch the load until the driver has done with it, cannot go on, or does not obey.

        An upgrade that has begun when the driver is through is waited for; so are faults, by the driver.
        """
        deadline, driven = math.inf, False
        while time.monotonic() < deadline:
            if hosts is not None and self._ended == "finished":
                self._look_after(hosts, driver, handing_over)
            if driven and not (handing_over and _under_way(handing_over, hosts)):
                return
            code = driver.exit_code()
            message = self._pump(driver, "the driver")
            if isinstance(message, Driven):
                self._driver_end, driven = message.end, True
            if isinstance(message, Told) and self._begun is None:
                self._begun = time.monotonic() - message.progress.elapsed_secs
            if message is not None:
                continue
            if code is not None and not driven:
                self._last_words = log_tail(driver.log)
                if hosts is None:
                    words = f"the engine's host died in the middle of the cell: {death(code)}"
                    self._over(*_host_death(code, words))
                    return
                raise RunError(f"the driver died: {death(code)}")
            if self._onlooker.interrupted():
                self._over("interrupted", "interrupted")
            if self._ended != "finished" and deadline == math.inf:
                driver.say("abort")
                deadline = time.monotonic() + STOP_SECS

    def _look_after(
        self, hosts: HostGroup, driver: NodeHandle, handing_over: Play[None] | None
    ) -> None:
        """One step of the hosts, of the upgrade and of the faults."""
        try:
            hosts.step()
        except HostDiedError as died:
            self._last_words = log_tail(died.log)
            self._over(*_host_death(died.code, str(died)))
            return
        if handing_over is not None:
            next(handing_over, None)
        if self._storm is not None:
            self._storm.step(self._elapsed_secs() - self._cell.config.warmup_secs)
            if self._storm.over and not self._calmed:
                self._calmed = True
                driver.say("calm")

    def _await(self, node: NodeHandle, kind: type[Message], secs: float, what: str) -> None:
        deadline = time.monotonic() + secs
        while True:
            code = node.exit_code()
            message = self._pump(node, what)
            if isinstance(message, kind):
                return
            if message is not None:
                continue
            if code is not None:
                self._last_words = log_tail(node.log)
                raise RunError(f"{what} died: {death(code)}")
            if self._onlooker.interrupted():
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                self._last_words = log_tail(node.log)
                raise RunError(f"{what} took longer than {secs:g} s")

    def _pump(self, node: NodeHandle, what: str) -> Message | None:
        """The node's next message after its progress is told on; sleeps a little when there is none."""
        self._processes.sample()
        message = node.message()
        if message is None:
            time.sleep(POLL_SECS)
            message = node.message()
        if isinstance(message, Told):
            held = self._processes.engine_rss_bytes()
            self._onlooker.progressed(replace(message.progress, engine_rss_bytes=held))
        elif isinstance(message, Failed):
            self._refuse(message, what, node)
        return message

    @staticmethod
    def _refuse(message: Failed, what: str, node: NodeHandle) -> NoReturn:
        if message.unrecorded:
            raise _UnrecordedError(message.error)
        if message.refused:
            raise UsageError(message.error)
        where = f"; its traceback is in {node.log.name}" if node.log else ""
        raise RunError(f"{what} failed: {message.error}{where}")

    def _over(self, ended: Ended, reason: str) -> None:
        if self._ended == "finished":
            self._ended, self._reason = ended, reason


class _UnrecordedError(RunError):
    """The recording could not be kept up; what is there proves nothing."""


def _under_way(handing_over: Play[None], hosts: HostGroup | None) -> bool:
    """Whether the upgrade has begun and is not over."""
    over = getgeneratorstate(handing_over) == GEN_CLOSED
    return not over and hosts is not None and hosts.knows(SECOND_NODE)


def _host_death(code: int, sentence: str) -> tuple[Ended, str]:
    """SIGKILL and SIGTERM come from outside; whatever else ends a host is its own crash."""
    outside = code in (-signal.SIGKILL, -signal.SIGTERM)
    return "host-died" if outside else "host-crashed", sentence
