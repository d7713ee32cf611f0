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


class Offered(msgspec.Struct, frozen=True):
    """What was offered against what the load model wanted, within the window."""

    load: str
    """The load model, as it is written."""
    wanted_per_sec: float | None
    """Instances per second that were due on average; null in a closed loop, which wants no rate."""
    started: int
    """Start calls made within the window, canaries left out."""
    dropped: int
    """Instances that were due and not started, because as many as there may be were in flight."""
    rate_error: float | None
    """(started + dropped - wanted) / wanted; null in a closed loop."""


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
    """Resident memory of the engine's processes together (the whole process when embedded), or of the
    driver, MiB."""

    peak: float | None
    mean: float | None
    slope_per_min: float | None
    """What its private part gained a minute over the window; null when the window is too short."""
    slope_low: float | None = None
    slope_high: float | None = None
    slope_reason: str = ""
    """Why there is no slope; empty when there is one."""


class Recovery(msgspec.Struct, frozen=True):
    """One injected fault that began, and what it cost. `measure/recovery.py` defines each figure."""

    number: int
    name: str
    target: str
    detail: str
    began_secs: float | None
    """Since the measuring window opened."""
    lasted_secs: float | None
    """From its beginning until it was healed; null when it never was."""
    first_progress_ms: float | None
    """From its beginning to the first completion."""
    first_progress_after_heal_ms: float | None
    stuck: bool
    """Whether nothing completed after it began, though instances were open or begun later."""
    former_rate_ms: float | None
    """From its beginning until completions came at their former rate again; 0 when they always did."""
    former_rate_reason: str
    """Why there is no such figure; empty when there is one."""
    backlog_before: int | None
    backlog_peak: int | None
    """Both queues together."""
    in_flight: int | None
    """Instances that were open when it began."""
    settled_ms: float | None
    """From its beginning until the last of these was over; null when one never was."""
    never_ended: int
    """How many of these never ended."""
    extra_executions: int | None
    """Runs of activities beyond one an attempt, begun before the next fault."""


class Spread(msgspec.Struct, frozen=True):
    """A figure over several faults. One for which it never came counts as longer than all others, and
    a percentile or maximum that falls on such a one is null."""

    samples: int = 0
    """Faults that have the figure."""
    never: int = 0
    """Faults for which what it waits for never came; those without any basis are in neither."""
    p50: float | None = None
    max: float | None = None


class RecoverySummary(msgspec.Struct, frozen=True):
    """All injections of one fault in a cell."""

    name: str
    intended: int
    count: int
    """Those that began."""
    skipped: int
    skip_reasons: dict[str, int]
    """Why, and how often."""
    never_healed: tuple[str, ...]
    """Those that began and were never healed: number and target."""
    lasted_secs: Spread
    first_progress_ms: Spread
    first_progress_after_heal_ms: Spread
    former_rate_ms: Spread
    backlog_peak: Spread
    settled_ms: Spread
    extra_executions: int | None
    """Of all of them together."""


class NodeFigures(msgspec.Struct, frozen=True):
    """One host, all its lives together."""

    host: str
    lives: int
    """How many processes it had."""
    ready_secs: float
    """How long it could serve: ready, and neither standing still nor told to stop."""
    activities: int
    """Activity executions that ended on it, over the cell."""
    activities_per_sec: float | None
    """Of the load, over the window."""
    rss_peak_mb: float | None
    """Of one life."""
    cpu_cores: float | None
    """Kept busy over the window; the hosts' add up to the cell's."""
    deaths: int
    """Lives that ended without being told to: killed by a fault, or died."""
    killed: int
    died: int
    paused: int
    """By a fault."""
    frozen: int
    """Without one: how often it gave no sign of life."""


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
    generator_memory_mb: Memory | None = None
    """Of the driver; null when embedded."""


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
    offered: Offered
    ceiling: Ceiling
    memory_mb: Memory
    cpu_cores: float | None
    """Cores the engine's processes used over the window."""
    store: dict[str, int | float | str]
    """The store's own figures at rest, as its provider reports them; with `connections_max`, the most
    sessions seen at once, and `wal_bytes_per_orchestration`, over all that completed, where known."""
    figures: tuple[Figure, ...]
    """What this scenario is about, beside the table."""
    parts: tuple[Part, ...]
    """A mixed workload by scenario."""
    recovery: tuple[Recovery, ...]
    """Every injected fault that began, in their order."""
    recovery_summary: tuple[RecoverySummary, ...]
    """The injected faults by name, also those that were skipped."""
    nodes: tuple[NodeFigures, ...]
    """The hosts that served."""
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
