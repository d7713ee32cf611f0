"""The contract between the driver and an engine.

An engine is met in three roles, each possibly in a process of its own: a `Host` runs programs, a
`Session` offers instances and sees them end, `collect` copies the engine's own histories out at
rest. `connect` gives what the three share within one process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

import msgspec

from duroxide_stress.plan import Cell
from duroxide_stress.providers.base import Provider
from duroxide_stress.recording.records import (
    FIRST_NODE,
    Effect,
    Execution,
    HistoryEvent,
    SystemMetrics,
)
from duroxide_stress.scenarios.base import Action, Order, Workload

Hint: TypeAlias = Callable[[str], None]
"""Told the id of an instance whose code has just returned: a reason to look, never a fact."""

EffectSink: TypeAlias = Callable[[Effect], None]


class Attempts(Protocol):
    """How often each step has failed by plan so far, over all hosts of the cell and all their lives.

    The SDK tells an activity nothing about its attempts, and a host's memory dies with it.
    """

    def failed(self, token: str) -> int:
        """Failures of this step."""
        ...

    def fail(self, token: str) -> None:
        """Count one more, durably."""
        ...


class Acknowledged(msgspec.Struct, frozen=True, gc=False):
    """The client call that starts an instance returned: the engine owes it from now on."""

    op: int
    begun_ns: int
    at_ns: int


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The client call that starts an instance raised."""

    op: int
    begun_ns: int
    at_ns: int
    error: str


class Acted(msgspec.Struct, frozen=True, gc=False):
    """A client call to an instance returned, or raised."""

    op: int
    number: int
    begun_ns: int
    at_ns: int
    error: str | None = None


class Finished(msgspec.Struct, frozen=True, gc=False):
    """The client saw an instance in a terminal state."""

    op: int
    at_ns: int
    status: str
    output: Any = None
    error: str | None = None


class Unfinished(msgspec.Struct, frozen=True, gc=False):
    """The time of an instance is up: the last look at it found it not over, or was not answered."""

    op: int
    at_ns: int


Event: TypeAlias = Acknowledged | Refused | Acted | Finished | Unfinished


class Depths(msgspec.Struct, frozen=True):
    """Messages waiting in the engine's queues."""

    orchestrator: int
    worker: int
    at_ns: int | None = None
    """When the engine had told them; None: at the moment they were asked for."""


class Session(Protocol):
    """The client side of an engine under load. Owns the clock, so that time can be virtual."""

    @property
    def watch_errors(self) -> int:
        """How often the client could not look at an instance and looked again later."""
        ...

    @property
    def last_watch_error(self) -> str | None:
        """The engine's words the last time."""
        ...

    @property
    def clock_drift_ns(self) -> int:
        """How far the wall clock has moved against the monotonic one since the session began."""
        ...

    def now_ns(self) -> int:
        """Wall-clock nanoseconds since the epoch that never run backwards."""
        ...

    def submit(self, order: Order) -> None:
        """Ask for an instance; returns at once. Acknowledged or Refused follows from `wait`."""
        ...

    def act(self, order: Order, number: int, action: Action) -> None:
        """Make a client call to an instance; returns at once. Acted follows from `wait`."""
        ...

    def wait(self, until_ns: int) -> list[Event]:
        """What happened, in order; returns at the first events or at `until_ns` with none."""
        ...

    def depths(self, *, wait: bool) -> Depths | None:
        """Queue depths by the engine's own count; None when it cannot say now. Without `wait` it returns
        at once, with the answer to the question before."""
        ...

    def look_last(self, op: int) -> None:
        """The time of an instance is up: look once more; returns at once. Finished or Unfinished follows
        from `wait`, and nothing after that."""
        ...

    def forget(self, op: int) -> None:
        """Stop watching an instance that the driver has given up."""
        ...

    def close(self) -> None:
        """Release threads and connections."""
        ...


class Host(Protocol):
    """A running engine that serves the workload's programs."""

    def stop(self, timeout_ms: int) -> None:
        """Shut down gracefully within `timeout_ms`."""
        ...


class Engine(Protocol):
    """One durable-execution engine."""

    @property
    def name(self) -> str:
        """The word providers use."""
        ...

    @property
    def virtual(self) -> bool:
        """Whether its time is simulated, so that no process figure means anything."""
        ...

    def version(self) -> str:
        """The engine's package and version, for the record."""
        ...

    def connect(self, provider: Provider, address: str) -> Any:
        """Open the store in this process."""
        ...

    def host(
        self,
        connection: Any,
        cell: Cell,
        workload: Workload,
        effects: EffectSink,
        hint: Hint,
        attempts: Attempts,
        *,
        node: str = FIRST_NODE,
        released: bool = False,
    ) -> Host:
        """Start serving the workload's programs with the cell's concurrency; when `released`, with
        the newer code of the workload's release beside the old. Effects are recorded as `node`'s.
        """
        ...

    def session(self, connection: Any, hints: HintSource) -> Session:
        """Open the client side."""
        ...

    def collect(self, connection: Any, instances: list[str]) -> Iterator[Execution | HistoryEvent]:
        """Every execution and history event of these instances and all others in the store."""
        ...

    def metrics(self, connection: Any) -> SystemMetrics | None:
        """The engine's own totals over the store; None when it keeps none."""
        ...


class HintSource(Protocol):
    """Where a session gets its hints from: another thread of this process, or another process."""

    local: bool
    """Whether they come from hosts in this process."""

    def listen(self, hear: Hint) -> None:
        """Begin to pass hints to `hear`, from a thread of the source's own."""
        ...

    def close(self) -> None:
        """Stop passing hints."""
        ...
