"""Duroxide in its three roles: host, client, and histories read back at rest."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import duroxide
import msgspec

from duroxide_stress.engines.base import Attempts, EffectSink, Hint, HintSource
from duroxide_stress.engines.duroxide.crash import WatchedRuntime, armed, watched_effects
from duroxide_stress.engines.duroxide.interpreter import ACTIVITY, activity, orchestration
from duroxide_stress.engines.duroxide.own import RecordedRuntime
from duroxide_stress.engines.duroxide.session import DuroxideSession
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.providers.base import Provider
from duroxide_stress.recording.records import (
    AGED_FIRST,
    FIRST_NODE,
    Execution,
    HistoryEvent,
    SystemMetrics,
    is_aged,
)
from duroxide_stress.scenarios.base import Release, Workload


class DuroxideEngine:
    """See `engines.base.Engine`."""

    name = "duroxide"
    virtual = False

    def version(self) -> str:
        return f"duroxide {version('duroxide')}"

    def connect(self, provider: Provider, address: str) -> Any:
        return provider.connect(address)

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
    ) -> DuroxideHost:
        release = workload.release if released else None
        runtime: Any = duroxide.Runtime(connection, _options(cell.config))
        if (moments := armed()) is not None:
            runtime = WatchedRuntime(runtime, moments)
            effects = watched_effects(effects, moments, cell.config.activity_delay_ms)
        if workload.programs:
            runtime.register_activity(ACTIVITY, activity(effects, attempts, node))
        return DuroxideHost(runtime, workload, release, effects, hint, node)

    def session(self, connection: Any, hints: HintSource) -> DuroxideSession:
        sqlite = isinstance(connection, duroxide.SqliteProvider)
        return DuroxideSession(duroxide.Client(connection), hints, sqlite=sqlite)

    def collect(self, connection: Any, instances: list[str]) -> Iterator[Execution | HistoryEvent]:
        """Executions and events of every instance in the store but those it was aged with, then of
        those that only the driver knows (of which nothing is yielded when the store has never heard
        of them)."""
        client = duroxide.Client(connection)
        stored = [i for i in client.list_all_instances() if not is_aged(i)]
        known = set(stored)
        for instance in [*stored, *(i for i in instances if i not in known)]:
            yield from _instance(client, instance, listed=instance in known)

    def metrics(self, connection: Any) -> SystemMetrics:
        client = duroxide.Client(connection)
        found = client.get_system_metrics()
        count, executions, events = _aged(client)
        return SystemMetrics(
            found.total_instances,
            found.total_executions,
            found.total_events,
            found.running_instances,
            found.completed_instances,
            found.failed_instances,
            aged_instances=count,
            aged_executions=executions,
            aged_events=events,
        )


class DuroxideHost:
    """A runtime that serves the workload's programs and a release's."""

    def __init__(
        self,
        runtime: Any,
        workload: Workload,
        release: Release | None,
        effects: EffectSink,
        hint: Hint,
        node: str,
    ) -> None:
        self._runtime = runtime
        for name, program in workload.programs.items():
            self._runtime.register_orchestration(name, orchestration(program, hint))
        if release is not None:
            for name, program in release.programs.items():
                newer = orchestration(program, hint)
                self._runtime.register_orchestration_versioned(name, release.version, newer)
        if workload.register is not None:
            taken = frozenset((ACTIVITY, *workload.programs) if workload.programs else ())
            workload.register(RecordedRuntime(self._runtime, effects, hint, node, taken))
        self._runtime.start()

    def stop(self, timeout_ms: int) -> None:
        self._runtime.shutdown(timeout_ms)


def _options(config: StressTestConfig) -> Any:
    # Older releases (0.1.28) cannot be told how long a lock lasts, so what is the default is left out.
    default = StressTestConfig()
    locks = {
        name: value
        for name in ("worker_lock_timeout_ms", "orchestrator_lock_timeout_ms")
        if (value := getattr(config, name)) != getattr(default, name)
    }
    return duroxide.RuntimeOptions(
        orchestration_concurrency=config.orch_concurrency,
        worker_concurrency=config.worker_concurrency,
        dispatcher_poll_interval_ms=config.poll_interval_ms,
        log_level="info",
        **locks,
    )


def _aged(client: Any) -> tuple[int, int, int]:
    """Instances, executions and events that the store was aged with: each is a copy of the first."""
    count = sum(map(is_aged, client.list_all_instances()))
    executions = client.list_executions(AGED_FIRST) if count else []
    events = sum(len(client.read_execution_history(AGED_FIRST, one)) for one in executions)
    return count, count * len(executions), count * events


def _instance(client: Any, instance: str, *, listed: bool) -> Iterator[Execution | HistoryEvent]:
    executions = client.list_executions(instance)
    if not executions:
        # A start that was acknowledged but never turned into a first turn has no execution yet.
        if listed:
            yield Execution(instance, 1, "NotStarted", None, 0, current=True)
        return
    # The engine can end an instance in its first turn without ever making its instance row: it then
    # has an execution and a status, but is listed nowhere. That is for the checks to find.
    info = client.get_instance_info(instance) if listed else None
    for number in executions:
        execution = client.get_execution_info(instance, number)
        events = list(client.read_execution_history(instance, number))
        failure = _failure(_failed_data(events)) if execution.status == "Failed" else {}
        yield Execution(
            instance=instance,
            execution=number,
            status=execution.status,
            output=execution.output,
            events=len(events),
            current=number == (info.current_execution_id if info else max(executions)),
            parent=info.parent_instance_id if info else None,
            orchestration=info.orchestration_name if info else None,
            listed=listed,
            instance_status=info.status if info and number == info.current_execution_id else None,
            **failure,
        )
        for event in events:
            yield HistoryEvent(
                instance,
                number,
                event.event_id,
                event.kind,
                event.source_event_id,
                event.timestamp_ms,
                event.data,
            )


def _failed_data(events: list[Any]) -> str | None:
    """What the terminal event says; cancel requests for open activities may follow it."""
    failed = (event.data for event in events if event.kind == "OrchestrationFailed")
    return next(failed, None)


def _failure(data: str | None) -> dict[str, Any]:
    """The engine's error details (`{"Infrastructure": {...}}`) in the recording's words."""
    try:
        details = msgspec.json.decode(data or "")
        (kind, body), *_ = details.items()
    except (msgspec.DecodeError, AttributeError, ValueError):
        return {"category": "application", "retryable": None, "error": data}
    if not isinstance(body, dict):
        return {"category": kind.lower(), "retryable": None, "error": str(body)}
    canceled = "Cancelled" in str(body.get("kind", ""))
    words = [str(body[key]) for key in ("operation", "message") if body.get(key)]
    return {
        "category": "canceled" if canceled else str(kind).lower(),
        "retryable": body.get("retryable"),
        "error": _last_line(": ".join(words)) or data,
    }


def _last_line(text: str) -> str:
    """An error's own words: a Python traceback has them in its last line."""
    lines = text.strip().splitlines()
    return lines[-1] if lines and lines[0].startswith("Traceback") else text
