"""A cell recorded within this process, without a supervisor: for engines in virtual time."""

from __future__ import annotations

import tempfile
from pathlib import Path

from duroxide_stress.engines.base import Engine
from duroxide_stress.nodes.messages import Driven, Message
from duroxide_stress.nodes.roles import Node, run_embedded
from duroxide_stress.plan import Cell
from duroxide_stress.providers.registry import provider_named
from duroxide_stress.recording.records import CellEnd
from duroxide_stress.recording.store import count_lines, write_json
from duroxide_stress.runner import cell_head
from duroxide_stress.selftest.struck import Struck


class InProcess:
    """A node's line to a supervisor that is not there."""

    def __init__(self) -> None:
        self.driven: Driven | None = None

    def tell(self, message: Message) -> None:
        """Keep what the driver says of itself."""
        if isinstance(message, Driven):
            self.driven = message

    def aborted(self) -> bool:
        """Never."""
        return False

    def calm(self) -> bool:
        """Always: whoever gives it faults ends them itself."""
        return True

    def wait_for_stop(self) -> None:
        """At once."""


def record_cell(run: Path, cell: Cell, engine: Engine | None = None) -> Path:
    """Record one cell as a run would, into a directory of its own below `run`, which is returned.

    `engine` takes the place of the provider's own.
    """
    provider, control = provider_named(cell.provider), InProcess()
    directory = run / cell.key
    directory.mkdir(parents=True)
    write_json(directory / "cell.json", cell_head(cell, provider))
    with tempfile.TemporaryDirectory(prefix="duroxide-stress-") as scratch:
        node = Node(cell, provider, provider.create(directory), directory, Path(scratch))
        if engine is not None:
            node.engine = engine
        run_embedded(node, control)
    if isinstance(engine, Struck):
        engine.write(directory)
    assert control.driven is not None
    end = CellEnd("finished", "", control.driven.end, count_lines(directory))
    write_json(directory / "end.json", end)
    return directory
