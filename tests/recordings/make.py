"""Complete recordings in virtual time, without a process, and ways to damage one of their cells."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.checks.base import judge
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.engines.reference.simulation import EPOCH_NS
from duroxide_stress.judge import judge_cell
from duroxide_stress.plan import Cell, Plan, StressTestConfig
from duroxide_stress.recording.records import FORMAT, RunHead
from duroxide_stress.recording.store import count_lines, read_run, write_json
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import CellResult, CheckResult
from duroxide_stress.selftest.recorder import record_cell

Line = dict[str, Any]
Which = Callable[[Line], bool]
CPUS = 4
SMALL: dict[str, Any] = {
    "duration_secs": 1,
    "warmup_secs": 0.2,
    "max_concurrent": 8,
    "tasks_per_instance": 3,
}


def small_cell(
    scenario: str = "parallel", options: Mapping[str, int] | None = None, **config: Any
) -> Cell:
    """A cell of a second; of the parallel scenario some seventy instances, several of each class."""
    given = {scenario: dict(options)} if options else {}
    return Cell(scenario, "reference", StressTestConfig(**{**SMALL, **config}), options=given)


def make_run(run: Path, *cells: Cell) -> Path:
    """Record every cell on the reference engine, as a run would, into the directory `run`."""
    run.mkdir(parents=True, exist_ok=True)
    plan = Plan("made", cells, "duroxide-stress run --seed 1")
    environment = {"duroxide_stress": "0", "host": "virtual", "cpus": CPUS}
    write_json(run / "plan.json", RunHead(FORMAT, plan, environment, EPOCH_NS))
    for cell in cells:
        record_cell(run, cell)
    return run


def where(**fields: Any) -> Which:
    """Lines that have all of these values."""
    return lambda line: all(line.get(name) == value for name, value in fields.items())


class Recorded:
    """One recorded cell. Every damage keeps the counts of end.json and metrics.json true, so that only
    it is seen."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.cell = read_run(run).plan.cells[0]
        self.directory = run / self.cell.key

    def path(self, name: str) -> Path:
        """Where the lines of this name lie."""
        return self.directory / f"{name}.jsonl"

    def lines(self, name: str, which: Which = lambda line: True) -> list[Line]:
        """The lines of a file, decoded."""
        with self.path(name).open(encoding="utf-8") as file:
            return [line for line in map(json.loads, file) if which(line)]

    def put(self, name: str, lines: Iterable[Line]) -> None:
        """Write a file anew."""
        text = "".join(json.dumps(line) + "\n" for line in lines)
        self.path(name).write_text(text, encoding="utf-8")
        self.recount()

    def add(self, name: str, *lines: Line) -> None:
        """Append lines."""
        self.put(name, [*(self.lines(name) if self.path(name).exists() else ()), *lines])

    def change(self, name: str, which: Which, **fields: Any) -> None:
        """Give every line that fits these values; there must be one."""
        lines = self.lines(name)
        hits = [line for line in lines if which(line)]
        assert hits, f"no line of {name} fits"
        for line in hits:
            line.update(fields)
        self.put(name, lines)

    def drop(self, name: str, which: Which) -> None:
        """Leave out every line that fits; there must be one."""
        lines = self.lines(name)
        kept = [line for line in lines if not which(line)]
        assert len(kept) < len(lines), f"no line of {name} fits"
        self.put(name, kept)

    def double(self, name: str, which: Which) -> None:
        """Write every line that fits twice; there must be one."""
        lines = self.lines(name)
        assert any(map(which, lines)), f"no line of {name} fits"
        self.put(name, [copy for line in lines for copy in [line] * (1 + which(line))])

    def swap(self, name: str, which: Which, old: str, new: str) -> None:
        """Replace a text within every line that fits; it must be in one."""
        lines = self.lines(name)
        changed = [json.loads(json.dumps(x).replace(old, new)) if which(x) else x for x in lines]
        assert changed != lines, f"{old} is in no line of {name} that fits"
        self.put(name, changed)

    def edit(self, document: str, **fields: Any) -> None:
        """Change top-level fields of a JSON document of the cell."""
        path = self.directory / document
        path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}))

    def configure(self, **fields: Any) -> None:
        """Make the cell's head say that it was run with this configuration."""
        head = json.loads((self.directory / "cell.json").read_bytes())
        head["cell"]["config"].update(fields)
        self.edit("cell.json", cell=head["cell"])

    def recount(self) -> None:
        """Make end.json and metrics.json, where there are, agree with the lines that are there now."""
        if (self.directory / "end.json").exists():
            self.edit("end.json", lines=count_lines(self.directory))
        if (self.directory / "metrics.json").exists() and self.path("executions").exists():
            books = self.lines("executions")
            ends = Counter(x["status"] for x in books if x["current"])
            self.edit(
                "metrics.json",
                total_instances=len({x["instance"] for x in books}),
                total_executions=len(books),
                total_events=len(self.lines("history")) if self.path("history").exists() else 0,
                running_instances=ends["Running"] + ends["NotStarted"],
                completed_instances=ends["Completed"],
                failed_instances=ends["Failed"],
            )

    def instance(self, op: int) -> str:
        """The id of the op-th instance."""
        return str(self.lines("ops", where(type="invoke", op=op))[0]["instance"])

    def mark(self, name: str) -> int:
        """When the driver passed a border, in ns."""
        return int(self.lines("ops", where(type="mark", name=name))[0]["at_ns"])

    def judged(self) -> CellResult:
        """The cell's judgement as it is now."""
        return judge_cell(self.run, self.cell, read_run(self.run))

    def checks(self, *names: str) -> dict[str, CheckResult]:
        """What the checks alone say, by their name; all of them, or only these."""
        recording = Recording(self.directory)
        try:
            return {name: judge(CHECKS[name], recording) for name in names or CHECKS}
        finally:
            recording.close()


def encoded(value: Any) -> str:
    """A value as the engines' books write it."""
    return msgspec.json.encode(value).decode()
