"""The judgement as typed values: what `--json` writes, what reports show. Schema version 1.

Times are milliseconds, rates per second, memory MiB, CPU cores (1.0 = one core kept busy), unless a
name says otherwise. A figure that could not be measured is null, never 0.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from duroxide_stress.plan import Plan, StressTestConfig
from duroxide_stress.verdict import Verdict

SCHEMA = "duroxide-stress/result/1"
CATEGORIES = ("infrastructure", "configuration", "application", "poison", "timeout", "client")

TargetState: TypeAlias = Literal["met", "missed", "out_of_reach", "untrusted", "no_figure"]


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds over instances that were due inside the measuring window and completed.

    Percentiles are nearest-rank: each is a latency that some instance really had.
    """

    samples: int = 0
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None


class Figure(msgspec.Struct, frozen=True):
    """A figure of the scenario's own: a rate (`value`) or a distribution (`spread`)."""

    name: str
    unit: str
    count: int
    """How many things it is about."""
    value: float | None = None
    spread: Latency | None = None
    """In `unit`, whatever that is."""


class Part(msgspec.Struct, frozen=True):
    """One scenario's share of a mixed workload."""

    name: str
    launched: int
    completed: int
    failed: int
    orchestrations_per_sec: float | None
    latency_ms: Latency


class Window(msgspec.Struct, frozen=True):
    """The measuring window as it was; null when the cell ended before it opened or closed."""

    begin_ns: int | None
    end_ns: int | None
    secs: float | None
    completions: int
    """Durable ends inside it."""


class Ceiling(msgspec.Struct, frozen=True):
    """What no engine could exceed at this load, and what held this one."""

    orchestrations_per_sec: float | None
    """min(W·1000/(n·d), N·1000/m): W activity workers, n activities of d ms, N in flight, m ms the
    longest chain of delays. Null when the activities take no time."""
    limit: str
    """Which of the two sets it: `activity workers` or `max_concurrent`; `none` without delays."""
    share: float | None
    """The part of the ceiling that was reached, 0 to 1."""
    bound_by: str
    """What held the rate: the ceiling's own limit, `cpu`, or `engine and store`."""


class Memory(msgspec.Struct, frozen=True):
    """Resident memory of the engine's process (the whole process when embedded), MiB."""

    peak: float | None
    mean: float | None
    slope_per_min: float | None
    """Theil-Sen slope over the window; null when the window is too short for one."""
    slope_low: float | None = None
    slope_high: float | None = None


class Finding(msgspec.Struct, frozen=True):
    """One row that proves a violation."""

    what: str
    detail: str
    instance: str | None = None
    weight: float = 0.0
    """How bad it is, in the check's own unit, where that can be said: how many ms a timer was early,
    how many runs are missing."""


class CheckResult(msgspec.Struct, frozen=True):
    """What one check found."""

    name: str
    promise: str
    verdict: Verdict
    seen: int
    """How much evidence it looked at, in the check's own unit."""
    unit: str
    asked: bool
    """Whether this cell's plan put the question. A check that was not asked cannot say ok, and its
    `unknown` does not make the cell unknown."""
    found: int = 0
    """All violations, also those not listed."""
    findings: tuple[Finding, ...] = ()
    """The first of them, by the op that started their instances."""
    worst: Finding | None = None
    """The one with the greatest weight of all; null where the check weighs none."""
    note: str = ""


class TargetResult(msgspec.Struct, frozen=True):
    """One of the spec's performance targets."""

    name: str
    bound: float
    value: float | None
    state: TargetState
    reason: str = ""


class Health(msgspec.Struct, frozen=True):
    """What would make the figures untrustworthy. Verdicts on promises do not depend on it."""

    trustworthy: bool
    reasons: tuple[str, ...]
    driver_lateness_ms: Latency
    """Client call begun minus due."""
    generator_cpu: float | None
    """Cores used by the driver and the command itself; null when embedded in the engine's process."""
    foreign_cpu: float | None
    """Cores used by processes that are not ours."""
    clock_drift_ms: float
    watch_errors: int
    notes: tuple[str, ...] = ()


class CellResult(msgspec.Struct, frozen=True):
    """One row of the table, and everything behind it."""

    scenario: str
    title: str
    provider: str
    provider_label: str
    engine: str
    config: str
    repeat: int
    settings: StressTestConfig
    verdict: Verdict
    reasons: tuple[str, ...]
    """Why the verdict is not ok, one sentence each."""
    launched: int
    completed: int
    failed: int
    undecided: int
    """Instances whose end nobody knows, because the run was cut off."""
    failed_by_category: dict[str, int]
    failure_words: dict[str, int]
    """The engine's own words for each failure, and how often, most frequent first."""
    success_rate: float | None
    """completed / (completed + failed) × 100."""
    orchestrations_per_sec: float | None
    activities_per_sec: float | None
    activities_executed: int
    latency_ms: Latency
    """From due to the engine's durable end."""
    client_latency_ms: Latency
    """From due to the moment the client saw the end."""
    time_per_completion_ms: float | None
    """Run time (warm-up to drained) over completions: what the spec's sample calls Avg Latency."""
    window: Window
    ceiling: Ceiling
    memory_mb: Memory
    cpu_cores: float | None
    """Cores the engine's process used over the window."""
    store: dict[str, int | float | str]
    """The store's own figures at rest, as its provider reports them."""
    figures: tuple[Figure, ...]
    """What this scenario is about, beside the table."""
    parts: tuple[Part, ...]
    """A mixed workload by scenario."""
    checks: tuple[CheckResult, ...]
    targets: tuple[TargetResult, ...]
    health: Health
    command: str
    recording: str
    """The cell's directory within the run."""


class RunResult(msgspec.Struct, frozen=True):
    """The whole judgement."""

    schema: str
    verdict: Verdict
    reasons: tuple[str, ...]
    plan: Plan
    environment: dict[str, Any]
    cells: tuple[CellResult, ...]

    @property
    def target_missed(self) -> bool:
        """Whether any of the spec's targets was missed (not: out of reach, or untrusted)."""
        return any(t.state == "missed" for cell in self.cells for t in cell.targets)

    @property
    def target_unproven(self) -> bool:
        """Whether a target has no figure, or none that can be trusted."""
        unproven = ("untrusted", "no_figure")
        return any(t.state in unproven for cell in self.cells for t in cell.targets)
