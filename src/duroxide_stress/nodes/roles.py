"""What each node of a cell does, from opening the store to its last record."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from duroxide_stress.engines.base import Engine, Hint, HintSource, Host, Session
from duroxide_stress.engines.reference.hosts import VirtualNodes
from duroxide_stress.engines.registry import engine_named
from duroxide_stress.errors import in_words
from duroxide_stress.faults.base import Stage
from duroxide_stress.faults.storm import Storm, brew
from duroxide_stress.load.driver import Driver
from duroxide_stress.load.progress import Progress
from duroxide_stress.nodes.hints import LocalHints
from duroxide_stress.nodes.hosts import NodeNotes
from duroxide_stress.nodes.messages import Control, Done, Driven, Failed, Ready, Told
from duroxide_stress.nodes.upgrade import EmbeddedUpgrade
from duroxide_stress.nodes.virtual import VirtualHosts
from duroxide_stress.plan import Cell
from duroxide_stress.providers.base import Provider, StoreAudit, StoreProblem, audit_store
from duroxide_stress.recording.pieces import lines_of
from duroxide_stress.recording.records import DriverEnd, Effect, Execution
from duroxide_stress.recording.store import write_json
from duroxide_stress.recording.writer import DirectWriter, LineWriter
from duroxide_stress.scenarios.base import FIRST_VERSION, Workload
from duroxide_stress.scenarios.canary import WithCanaries
from duroxide_stress.scenarios.registry import scenario_named
from duroxide_stress.units import NS_PER_SEC

SHUTDOWN_MS = 10_000


class Node:
    """What every role starts from: the cell's workload, its engine, its open store."""

    def __init__(
        self, cell: Cell, provider: Provider, address: str, directory: Path, scratch: Path
    ) -> None:
        self.cell, self.provider, self.address = cell, provider, address
        self.directory, self.scratch = directory, scratch
        load: Workload = scenario_named(cell.scenario).workload(cell)
        self.workload = WithCanaries(load, cell) if cell.config.canary_every_ms else load
        self.engine: Engine = engine_named(provider.engine)


class Effects:
    """Where activity executions are written down. A disk that is full ends the cell instead of
    failing the activity, which would look like the engine's failure."""

    def __init__(self, path: Path, control: Control, anchor_ns: int | None = None) -> None:
        """See `NodeSpec` for the anchor."""
        self._writer, self._control, self._anchor_ns = DirectWriter(path), control, anchor_ns
        self._failed = False

    def write(self, effect: Effect) -> None:
        """Append one effect, or tell the supervisor once that it cannot be."""
        if self._anchor_ns is not None:
            at_ns = self._anchor_ns + time.monotonic_ns()
            effect = msgspec.structs.replace(effect, at_ns=at_ns)
        try:
            self._writer.write(effect)
        except OSError as error:
            if not self._failed:
                self._failed = True
                words = f"activity executions cannot be written down: {error.strerror}"
                self._control.tell(Failed(words, unrecorded=True))

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class Attempts:
    """How often each step has failed by plan, over all hosts of the cell and all their lives: a file a
    step, as long as its failures are many. See `engines.base.Attempts`."""

    def __init__(self, scratch: Path) -> None:
        self._directory = scratch / "attempts"
        self._directory.mkdir(exist_ok=True)

    def failed(self, token: str) -> int:
        try:
            return self._file(token).stat().st_size
        except FileNotFoundError:
            return 0

    def fail(self, token: str) -> None:
        with self._file(token).open("ab", buffering=0) as file:
            file.write(b".")

    def _file(self, token: str) -> Path:
        return self._directory / hashlib.sha256(token.encode()).hexdigest()


def run_host(
    node: Node, control: Control, hint: Hint, *, name: str, released: bool, anchor_ns: int | None
) -> None:
    """Serve the programs until told to stop; with the newer release too, when it is that host."""
    effects = Effects(node.directory / f"effects-{name}.jsonl", control, anchor_ns)
    connection = node.engine.connect(node.provider, node.address)
    host = node.engine.host(
        connection,
        node.cell,
        node.workload,
        effects.write,
        hint,
        Attempts(node.scratch),
        node=name,
        released=released,
    )
    control.tell(Ready())
    control.wait_for_stop()
    host.stop(SHUTDOWN_MS)
    effects.close()
    control.tell(Done())


def run_driver(node: Node, control: Control, hints: HintSource) -> None:
    """Offer the load from a process of its own."""
    connection = node.engine.connect(node.provider, node.address)
    session = node.engine.session(connection, hints)
    calm = control.calm if node.cell.faults else None
    control.tell(_drive(node, session, control, calm=calm))
    session.close()
    control.tell(Done())


def run_embedded(node: Node, control: Control) -> None:
    """Host, driver and collection in one process, for stores that live inside it."""
    effects = Effects(node.directory / "effects.jsonl", control)
    hints = LocalHints()
    connection = node.engine.connect(node.provider, node.address)
    session = node.engine.session(connection, hints)
    of = (connection, node.cell, node.workload, effects.write, hints.send, Attempts(node.scratch))
    host = node.engine.host(*of)
    notes = NodeNotes(node.directory, session.now_ns)
    for number in range(node.cell.config.nodes):
        notes.note(f"host-{number}", "ready", FIRST_VERSION)
    upgrade = EmbeddedUpgrade(
        node.workload.release,
        host,
        lambda: node.engine.host(*of, released=True),
        notes,
        control,
        virtual=node.engine.virtual,
        shutdown_ms=SHUTDOWN_MS,
    )
    faults = DirectWriter(node.directory / "faults.jsonl") if node.cell.faults else None
    storm = None if faults is None else _virtual_storm(node, session, host, notes, faults)

    def at(elapsed_secs: float) -> None:
        upgrade.step(elapsed_secs)
        if storm is not None:
            storm.step(elapsed_secs - node.cell.config.warmup_secs)

    control.tell(Ready())
    try:
        calm = None if storm is None else (lambda: storm.over)
        driven = _drive(node, session, control, at, calm)
        control.tell(driven)
    finally:
        if storm is not None:
            storm.close()
        if faults is not None:
            faults.close()
        # In a thread of the user's process nobody else would end the engine.
        upgrade.stop()
        session.close()
        notes.close()
    effects.close()
    if driven.finished:
        if not node.provider.shared:
            # A shared store is audited from outside, and here the engine still has it open.
            _audit(node)
        _collect(node, connection)
    control.tell(Done())


def run_collector(node: Node, control: Control) -> None:
    """At rest, in a fresh process: audit the store, open it again, copy the histories out."""
    _audit(node)
    _collect(node, node.engine.connect(node.provider, node.address))
    control.tell(Done())


def _virtual_storm(
    node: Node, session: Session, host: Host, notes: NodeNotes, records: DirectWriter
) -> Storm:
    """The faults of a cell in virtual time, where the engine's hosts are simulated. They strike at the
    driver's ticks, four a second."""
    stage = Stage(
        node.cell,
        node.provider,
        node.address,
        VirtualHosts(cast("VirtualNodes", host), notes),
        lambda: session.now_ns() / NS_PER_SEC,
        node.scratch,
        node.directory,
    )
    return brew(stage, records, now_ns=session.now_ns)


def _drive(
    node: Node,
    session: Session,
    control: Control,
    at: Callable[[float], None] = lambda elapsed_secs: None,
    calm: Callable[[], bool] | None = None,
) -> Driven:
    """Offer the load; `at` is told often how long ago it began. For `calm` see `Driver`."""
    samples = DirectWriter(node.directory / "samples.jsonl")
    with LineWriter(node.directory / "ops.jsonl") as ops:

        def tell(progress: Progress) -> None:
            # Told at every tick, also while no line is written that would push the last ones out.
            ops.flush_if_due()
            control.tell(Told(progress))
            at(progress.elapsed_secs)

        driver = Driver(
            session,
            node.workload,
            node.cell.config,
            ops,
            samples,
            aborted=control.aborted,
            calm=calm,
            tell=tell,
        )
        finished = driver.run()
    samples.close()
    end = DriverEnd(
        launched=driver.launched,
        max_in_flight=driver.max_in_flight,
        watch_errors=session.watch_errors,
        last_watch_error=session.last_watch_error,
        clock_drift_ns=session.clock_drift_ns,
    )
    return Driven(finished, end)


def _audit(node: Node) -> None:
    try:
        found = audit_store(node.provider, node.address)
    except Exception as error:  # noqa: BLE001 - an audit that fails must not cost the histories
        failed = StoreProblem("audit", f"the audit itself failed: {in_words(error)}")
        found = StoreAudit(asked=(), problems=(failed,))
    if found is not None:
        write_json(node.directory / "store.json", found)


def _collect(node: Node, connection: object) -> None:
    launched = _launched(node.directory)
    with (
        LineWriter(node.directory / "executions.jsonl") as executions,
        LineWriter(node.directory / "history.jsonl") as history,
    ):
        for record in node.engine.collect(connection, launched):
            (executions if isinstance(record, Execution) else history).write(record)
    metrics = node.engine.metrics(connection)
    if metrics is not None:
        write_json(node.directory / "metrics.json", metrics)


class _AnyOp(msgspec.Struct):
    type: str
    instance: str = ""


def _launched(directory: Path) -> list[str]:
    decode = msgspec.json.Decoder(_AnyOp).decode
    whole = (line for line in lines_of(directory, "ops") if line.endswith(b"\n"))
    return [op.instance for line in whole if (op := decode(line)).type == "invoke"]
