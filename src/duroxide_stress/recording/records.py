"""The records of a recording, format 2. One JSON object a line; all times are wall-clock
nanoseconds since the epoch (`_ns`) unless the engine's own milliseconds are meant (`_ms`).

Format history
- 1: the first.
- 2: effects of each life of a host, and samples of each sampler, in a file of their own; files in
  pieces, full ones compressed. The records are the same.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from duroxide_stress.oracle import Expectation
from duroxide_stress.plan import Cell, Plan

FORMAT = 2
CANARY = "canary"
"""The part that canaries belong to, and their orchestration."""
AGED_PREFIX = "aged-"
"""Instances of the long life that a fault gave the store begin so, and go on with a number."""
AGED_FIRST = f"{AGED_PREFIX}0"
"""The one that the engine has run; the others are its copies, up to `aged-<n-1>`."""
FIRST_NODE = "host-0"
SECOND_NODE = "host-1"
"""The node that brings newer code, where a scenario has any."""

EffectPhase: TypeAlias = Literal["begin", "end", "failed"]
ActionKind: TypeAlias = Literal["enqueue", "raise", "cancel"]
InfoReason: TypeAlias = Literal["timeout", "interrupted"]
Ended: TypeAlias = Literal[
    "finished", "interrupted", "host-died", "host-crashed", "error", "unrecorded"
]
NodeMoment: TypeAlias = Literal[
    "starting", "ready", "stopping", "stopped", "killed", "died", "failed", "paused", "resumed",
    "frozen", "thawed",
]  # fmt: skip
FaultMoment: TypeAlias = Literal["intended", "began", "ended", "skipped"]
MarkName: TypeAlias = Literal["begin", "window_begin", "window_end", "calm", "drained", "at_rest"]


class Invoke(msgspec.Struct, frozen=True, gc=False, tag="invoke", tag_field="type"):
    """The driver wants an instance. The op then ends in exactly one Ok, Fail or Info."""

    op: int
    instance: str
    part: str
    """The scenario it belongs to."""
    input: Any
    due_ns: int
    at_ns: int
    expect: Expectation


class Acked(msgspec.Struct, frozen=True, gc=False, tag="acked", tag_field="type"):
    """The engine accepted the start: from here on the instance must never be lost."""

    op: int
    begun_ns: int
    at_ns: int


class Ok(msgspec.Struct, frozen=True, gc=False, tag="ok", tag_field="type"):
    """The client saw the instance completed; `output` is what it was given."""

    op: int
    at_ns: int
    output: Any
    complaint: str | None = None
    """What a user's predicate had against this end."""


class Fail(msgspec.Struct, frozen=True, gc=False, tag="fail", tag_field="type"):
    """The client saw the instance failed, or its start was refused (`where`)."""

    op: int
    at_ns: int
    where: Literal["start", "end"]
    error: str
    complaint: str | None = None


class Info(msgspec.Struct, frozen=True, tag="info", tag_field="type"):
    """Nobody knows how the instance ended: it took too long, or the run was cut off."""

    op: int
    at_ns: int
    reason: InfoReason


class Dropped(msgspec.Struct, frozen=True, tag="dropped", tag_field="type"):
    """An instance that was due and not started: as many as there may be were in flight."""

    due_ns: int
    at_ns: int


class Act(msgspec.Struct, frozen=True, tag="act", tag_field="type"):
    """A client call to a running instance: a message, an event, a cancel."""

    op: int
    number: int
    """Position among the op's actions."""
    kind: ActionKind
    name: str
    """The queue or event; empty for a cancel."""
    sender: str
    data: Any
    due_ns: int


class Acted(msgspec.Struct, frozen=True, tag="acted", tag_field="type"):
    """The client call of an `Act` returned, or raised."""

    op: int
    number: int
    begun_ns: int
    at_ns: int
    error: str | None = None


class Mark(msgspec.Struct, frozen=True, tag="mark", tag_field="type"):
    """A border in time: the measuring window and the drain."""

    name: MarkName
    at_ns: int


class Effect(msgspec.Struct, frozen=True):
    """One end of one real activity execution, written by the host as it happens."""

    phase: EffectPhase
    """`end`: it returned; `failed`: it raised, as its program plans."""
    token: str
    """The step as the activity's input names it: `instance|execution|path`."""
    instance: str
    """The instance as the engine's activity context names it."""
    run: int
    """Number of this execution within its process, pairs begin with end."""
    at_ns: int
    node: str


class NodeEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened to a node that serves the programs.

    `killed`, `paused`, `resumed`: by a fault of ours. `died`, `failed` (it said why it could not go on),
    `frozen` (no sign of life), `thawed`: it came to be so without us.
    """

    at_ns: int
    node: str
    """The host, and from its second process on the number of its life: `host-0`, `host-0.2`."""
    what: NodeMoment
    version: str
    """The newest version of the code that it has."""
    detail: str = ""


class FaultEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One moment of one injected fault: all are `intended` at the cell's beginning, then each has
    `began` and `ended` (when it was healed), or was `skipped` because it could not be done."""

    at_ns: int
    number: int
    """Of the injection within the cell, from 0 in the order of `due_ms`."""
    name: str
    """The fault, for example `kill`."""
    what: FaultMoment
    spec: str = ""
    """As it was written, for example `kill:every=2s`."""
    due_ms: int = 0
    """When it was meant to begin, since the measuring window opened."""
    target: str = ""
    """What it meant to hit or hit: a host, the store, the network."""
    detail: str = ""
    """What exactly was done, or why it was not."""
    refuses: bool = False
    """Whether clients' calls may be refused while it lasts."""
    harmless: bool = False
    """Whether it delays nothing."""
    skew_ms: int = 0
    """By how much it makes a clock wrong at most."""


def is_aged(instance: str) -> bool:
    """Whether an instance belongs to the store's long life and not to the cell's load."""
    return instance.startswith(AGED_PREFIX) and instance.removeprefix(AGED_PREFIX).isdecimal()


def host_of(node: str) -> str:
    """The host a node's life belongs to: `host-0.2` is the second life of `host-0`."""
    return node.partition(".")[0]


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One look at a process, the store, the queues or the machine; absent means not asked."""

    at_ns: int
    source: str
    """`engine`, `driver`, `embedded`, `harness`, `machine`, `store` or `queues`. Of a store the CPU
    time is that of a server that its provider started, all its processes together."""
    node: str = ""
    """Which of several processes of that kind."""
    rss_bytes: int | None = None
    """Resident memory."""
    shared_bytes: int | None = None
    """How much of that is mapped from files or shared with others: code, and a store's index of its
    write-ahead log. Only Linux tells it."""
    cpu_ns: int | None = None
    """CPU time used since the process (or machine) started."""
    bytes: int | None = None
    connections: int | None = None
    """Sessions that the store's server holds open for the engine and its clients."""
    orchestrator_queue: int | None = None
    worker_queue: int | None = None


class HistoryEvent(msgspec.Struct, frozen=True):
    """One event of the engine's own history."""

    instance: str
    execution: int
    event_id: int
    kind: str
    source: int | None
    ts_ms: int
    data: str | None


class Execution(msgspec.Struct, frozen=True):
    """One execution as the engine's books have it at rest."""

    instance: str
    execution: int
    status: str
    output: str | None
    events: int
    current: bool
    listed: bool = True
    """Whether the engine's list of instances has it."""
    instance_status: str | None = None
    """Of a listed instance's current execution: what the engine says of the instance itself."""
    parent: str | None = None
    orchestration: str | None = None
    category: str | None = None
    """For a failure: infrastructure, configuration, application, poison or canceled."""
    retryable: bool | None = None
    """Whether the engine itself called the failure's cause retryable."""
    error: str | None = None


class SystemMetrics(msgspec.Struct, frozen=True, omit_defaults=True):
    """`metrics.json`: the engine's own totals over its whole store at rest."""

    total_instances: int
    total_executions: int
    total_events: int
    running_instances: int
    completed_instances: int
    failed_instances: int
    aged_instances: int = 0
    """Of these totals, what the store was aged with and nobody copied out: instances, all completed."""
    aged_executions: int = 0
    aged_events: int = 0


class CellHead(msgspec.Struct, frozen=True):
    """`cell.json`: what was about to be run, written before anything starts."""

    format: int
    cell: Cell
    title: str
    provider_label: str
    engine: str
    engine_version: str
    mode: Literal["separate", "embedded"]
    activity_ms_per_instance: float
    """Worker time one instance needs, averaged over the mixture."""
    min_ms: float
    """The least time one instance takes, averaged over the mixture."""
    instance_pattern: str
    """Regular expression that finds any root instance id of this cell within a text."""
    command: str
    """The words that repeat this cell."""
    lasting: bool = False
    """Whether instances live through the whole run, so that it is not they that are counted."""
    cache_bytes: int | None = None
    """How much reads of its store may leave in a host's memory; None in recordings from before that."""


class DriverEnd(msgspec.Struct, frozen=True):
    """What the driver knows of its own work."""

    launched: int = 0
    max_in_flight: int = 0
    watch_errors: int = 0
    last_watch_error: str | None = None
    clock_drift_ns: int = 0
    """How far the wall clock moved against the monotonic one; large means it was set."""


class CellEnd(msgspec.Struct, frozen=True):
    """`end.json`: written last and atomically. Without it the cell was cut off."""

    ended: Ended
    reason: str
    """One sentence when `ended` is not `finished`."""
    driver: DriverEnd
    lines: dict[str, int]
    """Complete lines per file: a later count that differs means the recording was damaged."""
    last_words: str = ""
    """The end of the log of the node that died, if one did."""


class Writer(msgspec.Struct, frozen=True):
    """`running.json`: who is writing the recording; removed when the run is over."""

    host: str
    pid: int


class RunHead(msgspec.Struct, frozen=True):
    """`plan.json`: the plan and where it was run, written first."""

    format: int
    plan: Plan
    environment: dict[str, Any]
    started_ns: int
