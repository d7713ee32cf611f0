"""The story of one instance: everything a recording has of it, in the order in which it happened.

Two clocks meet. Clients and activities are stamped in nanoseconds, the engine's events in whole
milliseconds, so an event may belong anywhere into its millisecond. Within one, causes come before what
they cause: a client's call before what the engine books of it, a schedule before its activity begins,
an activity's end before its completion. Events of a history always keep the history's own order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec

from duroxide_stress.checks.base import Check, cut_off, examine, judgeable
from duroxide_stress.errors import RecordingError
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.recording.records import Execution, RunHead
from duroxide_stress.recording.tables import Recording
from duroxide_stress.reports.logs import LogLine, lines_about, names
from duroxide_stress.reports.moments import Around, Moment, moments
from duroxide_stress.result import Finding
from duroxide_stress.units import NS_PER_MS

SCHEMA = "duroxide-stress/story/1"

Ended: TypeAlias = Literal["ok", "fail", "info"]


class Named(msgspec.Struct, frozen=True):
    """A finding that names the instance, and how many like it the check has in the cell."""

    check: str
    finding: Finding
    found: int
    seen: int
    unit: str


class Relative(msgspec.Struct, frozen=True):
    """A parent or child; it has a story of its own."""

    instance: str
    status: str | None
    """As the engine's books have it at rest; null when they have no execution of it."""


class Owed(msgspec.Struct, frozen=True):
    """What must come out of it, and what the client saw."""

    op: int
    part: str
    input: str
    status: str
    output: str | None
    error: str
    canceled: str
    activities: int
    events: str | None
    by_predicate: bool
    """Whether its scenario looks at each end by itself; then `status` and `output` say nothing."""
    ended: Ended | None
    """Null when the run was cut off before anything was seen."""
    seen_ms: float | None
    """From due until the client saw the end."""


class Story(msgspec.Struct, frozen=True):
    """One instance. Texts are whole, as they were recorded; they are shortened when they are shown."""

    schema: str
    instance: str
    run: str
    cell: str
    """The cell's directory within the run."""
    scenario: str
    provider: str
    provider_label: str
    engine: str
    mode: str
    """`embedded` when engine and client shared one process, else `separate`."""
    settings: StressTestConfig
    command: str
    """The words that repeat the cell."""
    environment: dict[str, Any]
    due_ns: int | None
    """When it was due, or for a child its root; null when nobody ordered either."""
    origin_ns: int
    """What `at_ms` counts from: the millisecond in which it was due, else the first that is known."""
    owed: Owed | None
    """Null for a child: it was not ordered by a client."""
    root: str
    parent: Relative | None
    children: tuple[Relative, ...]
    findings: tuple[Named, ...]
    books: tuple[Execution, ...]
    """Its executions as the engine has them at rest."""
    no_books: str
    """Why nobody knows what the engine has; empty when its books were copied out."""
    moments: tuple[Moment, ...]
    planned_faults: tuple[str, ...]
    """The faults that the cell was given, as they were written."""
    faults: tuple[Around, ...]
    """Those that were at work while it lived."""
    log: tuple[LogLine, ...]
    """What the processes' logs say of it."""


def tell(
    recording: Recording, instance: str, run: str, head: RunHead, checks: Iterable[Check]
) -> Story:
    """The story of an instance of this recording. Raises RecordingError when it is not in it."""
    root = _root(recording, instance)
    due_ns = recording.one("SELECT due_ns FROM ops WHERE instance = $root", root=root)
    told = moments(recording, instance, due_ns)
    books = _books(recording, instance)
    if not told.moments and not books:
        raise RecordingError(f"{recording.directory.name} has no instance {instance!r}")
    cell = recording.head.cell
    parent = next((book.parent for book in books if book.parent), None)
    return Story(
        schema=SCHEMA,
        instance=instance,
        run=run,
        cell=recording.directory.name,
        scenario=cell.scenario,
        provider=cell.provider,
        provider_label=recording.head.provider_label,
        engine=recording.head.engine_version,
        mode=recording.head.mode,
        settings=cell.config,
        command=recording.head.command,
        environment=head.environment,
        due_ns=due_ns,
        origin_ns=told.origin_ns,
        owed=_owed(recording, instance),
        root=root,
        parent=None if parent is None else Relative(parent, _status(recording, parent)),
        children=_children(recording, instance),
        findings=_named(recording, instance, checks),
        books=books,
        no_books=cut_off(recording),
        moments=told.moments,
        planned_faults=cell.faults,
        faults=told.faults,
        log=lines_about(recording.directory, instance),
    )


def _root(recording: Recording, instance: str) -> str:
    """The instance above it that has no parent: itself, when it is no child."""
    found = instance
    seen = {found}
    while (parent := _parent(recording, found)) is not None and parent not in seen:
        found = parent
        seen.add(found)
    return found


def _parent(recording: Recording, instance: str) -> str | None:
    sql = "SELECT max(parent) FROM executions WHERE instance = $instance"
    found: str | None = recording.one(sql, instance=instance)
    return found


def _status(recording: Recording, instance: str) -> str | None:
    sql = "SELECT status FROM ends WHERE instance = $instance"
    found: str | None = recording.one(sql, instance=instance)
    return found


def _children(recording: Recording, instance: str) -> tuple[Relative, ...]:
    sql = (
        "SELECT instance, any_value(status) FROM executions WHERE current AND parent = $instance "
        "GROUP BY instance ORDER BY length(instance), instance"
    )
    return tuple(Relative(*row) for row in recording.rows(sql, instance=instance))


def _books(recording: Recording, instance: str) -> tuple[Execution, ...]:
    fields = ", ".join(f'"{field}"' for field in Execution.__struct_fields__)
    sql = f"SELECT {fields} FROM executions WHERE instance = $instance ORDER BY execution"
    return tuple(Execution(*row) for row in recording.rows(sql, instance=instance))


def _owed(recording: Recording, instance: str) -> Owed | None:
    sql = f"""
        SELECT op, part, input, expect_status, expect_output, expect_error, expect_canceled,
               coalesce(expect_activities, 0), expect_events, by_predicate, ended,
               (seen_ns - due_ns) / {NS_PER_MS}
        FROM ops WHERE instance = $instance LIMIT 1
    """
    return next((Owed(*row) for row in recording.rows(sql, instance=instance)), None)


def _named(recording: Recording, instance: str, checks: Iterable[Check]) -> tuple[Named, ...]:
    """Findings about the instance, and those about others that name it."""
    if not judgeable(recording):
        return ()
    found = []
    for check in checks:
        _, looked = examine(check, recording)
        found += [
            Named(check.name, finding, len(looked.findings), looked.seen, check.unit)
            for finding in looked.findings
            if finding.instance == instance or names(instance, finding.detail)
        ]
    return tuple(found)
