"""What each node of a cell does, from opening the store to its last record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from duroxide_stress.engines.base import (
    Engine,
    Hint,
    HintSource,
    Session,
)
from duroxide_stress.engines.registry import engine_named
from duroxide_stress.errors import in_words
from duroxide_stress.load.driver import Driver, Progress
from duroxide_stress.nodes.hints import LocalHints
from duroxide_stress.nodes.messages import Control, Done, Driven, Failed, Ready, Told
from duroxide_stress.nodes.upgrade import EmbeddedUpgrade, NodeNotes
from duroxide_stress.plan import Cell
from duroxide_stress.providers.base import Provider, StoreAudit, StoreProblem, audit_store
from duroxide_stress.recording.records import FIRST_NODE, SECOND_NODE, DriverEnd, Effect, Execution
from duroxide_stress.recording.store import write_json
from duroxide_stress.recording.writer import DirectWriter, LineWriter
from duroxide_stress.scenarios.base import Workload
from duroxide_stress.scenarios.canary import WithCanaries
from duroxide_stress.scenarios.registry import scenario_named

SHUTDOWN_MS = 10_000


class Node:
    """What every role starts from: the cell's workload, its engine, its open store."""

    def __init__(self, cell: Cell, provider: Provider, address: str, directory: Path) -> None:
        self.cell, self.provider, self.address, self.directory = cell, provider, address, directory
        load: Workload = scenario_named(cell.scenario).workload(cell)
        self.workload = WithCanaries(load, cell) if cell.config.canary_every_ms else load
        self.engine: Engine = engine_named(provider.engine)


class Effects:
    """Where activity executions are written down. A disk that is full ends the cell instead of
    failing the activity, which would look like the engine's failure."""

    def __init__(self, path: Path, control: Control) -> None:
        self._writer, self._control = DirectWriter(path), control
        self._failed = False

    def write(self, effect: Effect) -> None:
        """Append one effect, or tell the supervisor once that it cannot be."""
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


def run_host(node: Node, control: Control, hint: Hint, *, released: bool) -> None:
    """Serve the programs until told to stop; with the newer release too, when it is that host."""
    effects = Effects(node.directory / "effects.jsonl", control)
    connection = node.engine.connect(node.provider, node.address)
    host = node.engine.host(
        connection,
        node.cell,
        node.workload,
        effects.write,
        hint,
        node=SECOND_NODE if released else FIRST_NODE,
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
    control.tell(_drive(node, session, control))
    session.close()
    control.tell(Done())


def run_embedded(node: Node, control: Control) -> None:
    """Host, driver and collection in one process, for stores that live inside it."""
    effects = Effects(node.directory / "effects.jsonl", control)
    hints = LocalHints()
    connection = node.engine.connect(node.provider, node.address)
    session = node.engine.session(connection, hints)
    of = (connection, node.cell, node.workload, effects.write, hints.send)
    host = node.engine.host(*of)
    notes = NodeNotes(node.directory, node.workload.release, session.now_ns)
    notes.note(FIRST_NODE, "ready")
    upgrade = EmbeddedUpgrade(
        node.workload.release,
        host,
        lambda: node.engine.host(*of, released=True),
        notes,
        control,
        virtual=node.engine.virtual,
        shutdown_ms=SHUTDOWN_MS,
    )
    control.tell(Ready())
    try:
        driven = _drive(node, session, control, upgrade.step)
        control.tell(driven)
    finally:
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


def _drive(
    node: Node,
    session: Session,
    control: Control,
    at: Callable[[float], None] = lambda elapsed_secs: None,
) -> Driven:
    """Offer the load; `at` is told often how long ago it began."""
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
    launched = _launched(node.directory / "ops.jsonl")
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


def _launched(ops: Path) -> list[str]:
    decoder = msgspec.json.Decoder(_AnyOp)
    instances = []
    with ops.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n") and (op := decoder.decode(line)).type == "invoke":
                instances.append(op.instance)
    return instances
