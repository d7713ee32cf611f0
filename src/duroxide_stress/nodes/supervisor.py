"""Runs one cell: starts its nodes, watches them, writes what they leave, ends them.

Two shapes. *Separate*: a host process and a driver process share a store, then a fresh process
audits it and copies the histories out. *Embedded*: one process does it all, because its store
cannot be shared.
"""

from __future__ import annotations

import math
import pickle
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.load.driver import Progress
from duroxide_stress.nodes.hints import hint_pair
from duroxide_stress.nodes.messages import (
    Done,
    Driven,
    Failed,
    Message,
    NodeSpec,
    Ready,
    Role,
    Told,
)
from duroxide_stress.nodes.monitor import Monitor
from duroxide_stress.nodes.process import ChildProcess, NodeHandle, ThreadNode, log_tail
from duroxide_stress.nodes.roles import Node, run_embedded
from duroxide_stress.nodes.upgrade import NodeNotes, Upgrade
from duroxide_stress.plan import Cell
from duroxide_stress.providers.base import Provider, store_size_bytes
from duroxide_stress.recording.records import FIRST_NODE, SECOND_NODE, CellEnd, DriverEnd, Ended
from duroxide_stress.recording.store import count_lines, write_json
from duroxide_stress.recording.writer import DirectWriter
from duroxide_stress.redaction import redact_file
from duroxide_stress.scenarios.registry import scenario_named

POLL_SECS = 0.02
START_SECS = 60.0
STOP_SECS = 20.0
COLLECT_SECS = 600.0


class CellRun:
    """One cell's life. `interrupted` is asked often; `tell` is given the driver's progress."""

    def __init__(
        self,
        cell: Cell,
        provider: Provider,
        address: str,
        directory: Path,
        *,
        interrupted: Callable[[], bool],
        tell: Callable[[Progress], None],
        monitored: bool = True,
    ) -> None:
        self._cell, self._provider, self._address = cell, provider, address
        self._directory, self._interrupted, self._tell = directory, interrupted, tell
        self._samples = DirectWriter(directory / "samples.jsonl")
        self._monitor = (
            Monitor(self._samples, lambda: store_size_bytes(provider, address))
            if monitored
            else None
        )
        self._nodes: list[NodeHandle] = []
        self._upgrade: Upgrade | None = None
        self._driver_end = DriverEnd()
        self._ended: Ended = "finished"
        self._reason = ""
        self._last_words = ""

    def run(self) -> CellEnd:
        """Run to the end, whatever happens; afterwards no process of the cell is left.

        Raises UsageError, when all is written, for what turned out to be the user's to mend.
        """
        refused: UsageError | None = None
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
            for node in self._nodes:
                node.end()
            self._samples.close()
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
        notes = NodeNotes(self._directory, release)
        with driver_end, hosts_end, closing(notes):
            host: NodeHandle = self._spawn("host", "host.log", hosts_end.fileno())
            self._await(host, Ready, START_SECS, "the engine's host")
            notes.note(FIRST_NODE, "ready")
            self._watch("engine", host, FIRST_NODE)

            def join() -> ChildProcess:
                newer = self._spawn("host", "host-1.log", hosts_end.fileno(), released=True)
                self._watch("engine", newer, SECOND_NODE)
                return newer

            if release is not None:
                self._upgrade = Upgrade(release, host, join, notes, self._refuse)
            driver = self._spawn("driver", "driver.log", driver_end.fileno())
            self._watch("driver", driver)
            host = self._load(driver, host)
        if self._ended == "interrupted":
            return
        code = host.exit_code()
        if code is None:
            host.say("stop")
            self._await(host, Done, STOP_SECS, "the engine's host, told to stop,")
        else:
            self._host_died(host, code)
        for node in self._nodes:
            node.end()
        collector = self._spawn("collector", "collector.log", None)
        self._await(collector, Done, COLLECT_SECS, "the copying out of the histories")

    def _embedded(self) -> None:
        if movable(self._provider):
            node: NodeHandle = self._spawn("embedded", "host.log", None)
        else:
            inner = Node(self._cell, self._provider, self._address, self._directory)
            node = ThreadNode(lambda control: run_embedded(inner, control))
            self._nodes.append(node)
        self._watch("embedded", node)
        self._await(node, Ready, START_SECS, "the engine's host")
        self._load(node, node)
        if self._ended == "finished":
            self._await(node, Done, COLLECT_SECS, "the copying out of the histories")

    def _load(self, driver: NodeHandle, host: NodeHandle) -> NodeHandle:
        """Watch the load until the driver has done with it, cannot go on, or does not obey.

        Returns the host that is left, which is another one after an upgrade, or the one that died.
        """
        deadline, elapsed_secs, driven = math.inf, 0.0, False
        while time.monotonic() < deadline:
            upgrade = self._upgrade if self._ended == "finished" else None
            if upgrade is not None:
                host = upgrade.step(elapsed_secs)
            if driven and (upgrade is None or not upgrade.under_way):
                return host
            host_code, driver_code = host.exit_code(), driver.exit_code()
            message = self._pump(driver, "the driver")
            if isinstance(message, Driven):
                self._driver_end, driven = message.end, True
            if isinstance(message, Told):
                elapsed_secs = message.progress.elapsed_secs
            if message is not None:
                continue
            if driver is not host and isinstance(failed := host.message(), Failed):
                self._refuse(failed, "the engine's host", host)
            if host_code is not None:
                self._host_died(host, host_code)
            if driver_code is not None and not driven:
                if driver is host:
                    return host
                self._last_words = log_tail(driver.log)
                raise RunError(f"the driver died: {_death(driver_code)}")
            if self._interrupted():
                self._over("interrupted", "interrupted")
            if self._ended != "finished" and deadline == math.inf:
                driver.say("abort")
                deadline = time.monotonic() + STOP_SECS
        return host

    def _host_died(self, host: NodeHandle, code: int) -> None:
        """Note it, unless the cell is over for another reason already."""
        if self._ended == "finished":
            self._last_words = log_tail(host.log)
        self._over(*_host_death(code))

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
                raise RunError(f"{what} died: {_death(code)}")
            if self._interrupted():
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                self._last_words = log_tail(node.log)
                raise RunError(f"{what} took longer than {secs:g} s")

    def _pump(self, node: NodeHandle, what: str) -> Message | None:
        """The node's next message after its progress is told on; sleeps a little when there is none."""
        if self._monitor is not None:
            self._monitor.sample_if_due()
        message = node.message()
        if message is None:
            time.sleep(POLL_SECS)
            message = node.message()
        if isinstance(message, Told):
            self._tell(message.progress)
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

    def _spawn(
        self, role: Role, log: str, hints_fd: int | None, *, released: bool = False
    ) -> ChildProcess:
        spec = NodeSpec(
            role=role,
            cell=self._cell,
            directory=str(self._directory),
            address=self._address,
            provider=pickle.dumps(self._provider),
            events_fd=-1,
            hints_fd=hints_fd,
            released=released,
        )
        child = ChildProcess(spec, self._directory / log)
        self._nodes.append(child)
        return child

    def _watch(self, source: str, node: NodeHandle, name: str = "") -> None:
        if self._monitor is not None:
            self._monitor.watch(source, node.pid, name)

    def _over(self, ended: Ended, reason: str) -> None:
        if self._ended == "finished":
            self._ended, self._reason = ended, reason


class _UnrecordedError(RunError):
    """The recording could not be kept up; what is there proves nothing."""


def movable(provider: Provider) -> bool:
    """Whether another process can make this provider: it pickles, and its class can be imported."""
    if type(provider).__module__ == "__main__":
        return False
    try:
        return bool(pickle.dumps(provider))
    except Exception:  # noqa: BLE001 - pickle raises almost anything for what it cannot move
        return False


def _death(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    known = {number.value: f" ({number.name})" for number in signal.Signals}
    return f"killed by signal {-code}{known.get(-code, '')}"


def _host_death(code: int) -> tuple[Ended, str]:
    """SIGKILL and SIGTERM come from outside; whatever else ends a host is its own crash."""
    outside = code in (-signal.SIGKILL, -signal.SIGTERM)
    return (
        "host-died" if outside else "host-crashed",
        f"the engine's host died in the middle of the cell: {_death(code)}",
    )
