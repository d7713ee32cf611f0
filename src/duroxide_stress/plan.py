"""What a run will do, as frozen values: configuration, cells, plan."""

from __future__ import annotations

import re
import zlib
from typing import Any

import msgspec

from duroxide_stress.arrivals import read_arrivals
from duroxide_stress.errors import UsageError, shown
from duroxide_stress.units import format_duration

_CONCURRENCY = re.compile(r"([0-9]+)/([0-9]+)")
MAX_WORKERS = 1024

# Seconds a cell costs beyond warm-up and window, as seen on two cores: starting and stopping the
# processes, draining, copying the histories out. Used only to tell how long a plan will take.
CELL_OVERHEAD_SECS = 4.0


class Concurrency(msgspec.Struct, frozen=True, order=True):
    """Orchestration workers / activity workers, written `2/2` as the spec writes it."""

    orchestration: int
    worker: int

    def __str__(self) -> str:
        return f"{self.orchestration}/{self.worker}"

    @classmethod
    def parse(cls, text: str) -> Concurrency:
        """Read `N/M`. Raises UsageError when it is not two whole numbers of at least 1."""
        match = _CONCURRENCY.fullmatch(text.strip())
        if match is None:
            raise UsageError(
                f"config {shown(text)} is not of the form N/M: orchestration workers, a slash, "
                "activity workers, for example 2/2"
            )
        # Python refuses to read thousands of digits, and ten are too many workers anyway.
        found = cls(*(int(n) if len(n) < 10 else MAX_WORKERS + 1 for n in match.groups()))
        if not 1 <= min(found.orchestration, found.worker) <= MAX_WORKERS or (
            max(found.orchestration, found.worker) > MAX_WORKERS
        ):
            raise UsageError(
                f"config {text!r}: both numbers must be between 1 and {MAX_WORKERS} "
                "(an engine with no workers of a kind silently does nothing)"
            )
        return found


class StressTestConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The spec's fields under the spec's names and defaults, then those that honest figures need."""

    max_concurrent: int = 20
    duration_secs: float = 10
    tasks_per_instance: int = 5
    activity_delay_ms: int = 10
    orch_concurrency: int = 2
    worker_concurrency: int = 2
    wait_timeout_secs: float = 60
    """How long one instance may take before it is given up as hanging."""
    warmup_secs: float = 2
    """Load that is offered and checked before the measuring window, but not in its figures."""
    seed: int = 1
    poll_interval_ms: int = 100
    """The engine's idle sleep per worker slot; 100 is its default and its own harness's choice."""
    canary_every_ms: int = 0
    """The pace of canaries beside the load; 0: none."""
    nodes: int = 1
    """Host processes that serve the programs on one shared store."""
    worker_lock_timeout_ms: int = 30_000
    """How long a dead host keeps an activity from the others; the engine's default."""
    orchestrator_lock_timeout_ms: int = 5_000
    """How long a dead host keeps an instance from the others; the engine's default."""
    load: str = "closed"
    """When instances are due: `closed` keeps `max_concurrent` in flight; else a rate by the clock, of
    which `max_concurrent` is the limit (see `arrivals.py`)."""

    @property
    def concurrency(self) -> Concurrency:
        return Concurrency(self.orch_concurrency, self.worker_concurrency)

    @property
    def longest_lock_ms(self) -> int:
        """After this, whatever a dead host held is free."""
        return max(self.worker_lock_timeout_ms, self.orchestrator_lock_timeout_ms)

    def problems(self) -> list[str]:
        """Every field that no run could honour, one sentence each."""
        found = [
            f"{name} must be between {low} and {high}, found {_shown(getattr(self, name))}"
            for name, (low, high) in CONFIG_LIMITS.items()
            if not low <= getattr(self, name) <= high
        ]
        try:
            read_arrivals(self.load)
        except UsageError as error:
            found += error.problems
        return found


def _shown(value: float) -> str:
    """A number as its writer would know it again, also one that no float can hold."""
    return f"{value:g}" if isinstance(value, float) else shown(value)


CONFIG_LIMITS: dict[str, tuple[float, float]] = {
    "max_concurrent": (1, 100_000),
    "duration_secs": (0.1, 7 * 86_400),
    "tasks_per_instance": (1, 1_000),
    "activity_delay_ms": (0, 3_600_000),
    "orch_concurrency": (1, MAX_WORKERS),
    "worker_concurrency": (1, MAX_WORKERS),
    "wait_timeout_secs": (0.1, 86_400),
    "warmup_secs": (0, 3_600),
    "seed": (0, 2**63 - 1),
    "poll_interval_ms": (1, 60_000),
    "canary_every_ms": (0, 3_600_000),
    "nodes": (1, 64),
    "worker_lock_timeout_ms": (1_000, 3_600_000),
    "orchestrator_lock_timeout_ms": (1_000, 3_600_000),
}


class Cell(msgspec.Struct, frozen=True):
    """One scenario × provider × config × repeat: the unit that is run, recorded and judged."""

    scenario: str
    provider: str
    config: StressTestConfig
    repeat: int = 1
    options: dict[str, Any] = {}
    faults: tuple[str, ...] = ()
    """Faults as the user wrote them, for example `kill:every=2s`."""

    @property
    def work(self) -> str:
        """What names the cell's random streams: repeats are given the same work."""
        return f"{self.scenario}.{self.config.concurrency}"

    @property
    def key(self) -> str:
        """The cell's directory name, unique in its plan."""
        concurrency = str(self.config.concurrency).replace("/", "-")
        return f"{_word(self.scenario)}.{_word(self.provider)}.{concurrency}.r{self.repeat}"


def _word(name: str) -> str:
    """A name as part of a directory's; a.b:C and a-b:C must not share one."""
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    return word if word == name else f"{word}-{zlib.crc32(name.encode()):08x}"


class Plan(msgspec.Struct, frozen=True):
    """The cells in the order they run. Written into the recording before anything starts."""

    name: str
    cells: tuple[Cell, ...]
    command: str
    """The words that repeat this plan."""
    checks: tuple[str, ...] = ()
    """Files with checks of the user's own."""

    @property
    def estimated_secs(self) -> float:
        """How long the plan will take: windows and warm-ups, what each cell costs beside them, and where
        hosts are struck the locks that they leave behind."""
        return self.estimated_secs_after(0)

    def estimated_secs_after(self, done: int) -> float:
        """How long what comes behind the first cells takes."""
        return sum(
            cell.config.warmup_secs
            + cell.config.duration_secs
            + CELL_OVERHEAD_SECS
            + (cell.config.longest_lock_ms / 1000 if cell.faults else 0)
            for cell in self.cells[done:]
        )

    def describe(self) -> str:
        """What `run` would do, a line a cell, and for how long."""
        lines = [
            f"Plan {self.name}: {len(self.cells)} cells, about "
            f"{format_duration(round(self.estimated_secs))}"
        ]
        for number, cell in enumerate(self.cells, 1):
            c = cell.config
            lines.append(
                f"{number:>3}. {cell.scenario} on {cell.provider} at {c.concurrency}, repeat "
                f"{cell.repeat}: {c.max_concurrent} in flight, {c.tasks_per_instance} x "
                f"{c.activity_delay_ms} ms, {format_duration(c.warmup_secs)} warm-up + "
                f"{format_duration(c.duration_secs)} window, seed {c.seed}"
                + (f", a canary every {c.canary_every_ms} ms" if c.canary_every_ms else "")
                + (f", load {c.load}" if c.load != "closed" else "")
                + (f", {c.nodes} nodes" if c.nodes > 1 else "")
                + (f", faults {' and '.join(cell.faults)}" if cell.faults else "")
            )
        lines += [f"Check of your own: {path}" for path in self.checks]
        return "\n".join([*lines, f"Repeat it with: {self.command}"])
