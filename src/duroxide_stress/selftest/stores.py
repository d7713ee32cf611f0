"""One real run whose store is kept, and its histories copied out anew after something was done to it."""

from __future__ import annotations

import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from duroxide_stress.errors import RunError
from duroxide_stress.nodes.messages import Done, Failed, NodeSpec
from duroxide_stress.nodes.process import ChildProcess
from duroxide_stress.plan import Cell, Plan, StressTestConfig
from duroxide_stress.providers.sqlite import FileSqlite
from duroxide_stress.recording.records import CellEnd, DriverEnd, Ended
from duroxide_stress.recording.store import count_lines, read_cell_end, write_json
from duroxide_stress.runner import SilentObserver, run_plan

COLLECT_SECS = 60.0
BY_COLLECTOR = ("executions.jsonl", "history.jsonl", "store.json", "metrics.json", "end.json")
CELL = Cell(
    "mixed",
    FileSqlite.name,
    StressTestConfig(
        max_concurrent=8,
        duration_secs=0.4,
        warmup_secs=0.1,
        tasks_per_instance=3,
        activity_delay_ms=1,
        orch_concurrency=1,
        worker_concurrency=1,
        poll_interval_ms=10,
    ),
    options={
        "mixed": {"parallel": 2, "timers": 0, "sub-orchestrations": 1, "failures": 0},
        "sub-orchestrations": {"width": 2, "depth": 1},
    },
)


class Kept(SilentObserver):
    """Remembers where a store was left."""

    def __init__(self, interrupted: Callable[[], bool]) -> None:
        self.home: Path | None = None
        self._interrupted = interrupted

    def store_kept(self, where: Path | str) -> None:
        self.home = Path(where)

    def interrupted(self) -> bool:
        return self._interrupted()


def real_run(run: Path, interrupted: Callable[[], bool]) -> tuple[Path, Path]:
    """Run the cell on the released engine. Returns the cell's directory and its store, beside it.

    Raises RunError when it does not come to its end.
    """
    run.mkdir(parents=True)
    kept, store, directory = Kept(interrupted), run / "store", run / CELL.key
    try:
        run_plan(Plan("self-test", (CELL,), ""), run, observer=kept, keep_store=True)
    finally:
        if kept.home is not None:
            shutil.move(kept.home, store)
    end = read_cell_end(directory)
    if end is None or end.ended != "finished":
        reason = "it was cut off" if end is None else end.reason
        raise RunError(f"the run whose store was to be tampered with did not finish: {reason}")
    return directory, store


def collect_again(
    recorded: Path, store: Path, directory: Path, patience_secs: float = COLLECT_SECS
) -> None:
    """Audit a store and copy its histories out, as a run does at its end, in a process of its own.

    `recorded` is the cell as it was recorded; `directory`, which must not exist, is made like it but
    for what the collector finds now. A collector that fails leaves the reason in end.json.
    """
    shutil.copytree(recorded, directory, ignore=shutil.ignore_patterns(*BY_COLLECTOR, "*.log"))
    spec = NodeSpec(
        role="collector",
        cell=CELL,
        directory=str(directory),
        address=str(store / "store.db"),
        provider=pickle.dumps(FileSqlite()),
        scratch=str(directory),
        events_fd=-1,
        hints_fd=None,
    )
    collector = ChildProcess(spec, directory / "collector.log")
    try:
        reason = _awaited(collector, patience_secs)
    finally:
        collector.end()
    ended: Ended = "error" if reason else "finished"
    end = CellEnd(ended, reason, DriverEnd(), count_lines(directory))
    write_json(directory / "end.json", end)


def _awaited(collector: ChildProcess, patience_secs: float) -> str:
    """What kept the collector from its work; empty when nothing did."""
    deadline = time.monotonic() + patience_secs
    while time.monotonic() < deadline:
        code, message = collector.exit_code(), collector.message()
        if isinstance(message, Done):
            return ""
        if isinstance(message, Failed):
            return f"the histories cannot be copied out: {message.error}"
        if code is not None and message is None:
            return f"the copying out of the histories died: exit code {code}"
        time.sleep(0.01)
    return f"the copying out of the histories took longer than {patience_secs:g} s"
