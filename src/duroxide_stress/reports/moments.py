"""What happened to one instance, moment by moment: client, engine, activities, nodes, faults. See
`story.py` for how their clocks are brought together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import NS_PER_MS

Source: TypeAlias = Literal["client", "engine", "activity", "node", "fault"]

FROM_OUTSIDE = ("OrchestrationStarted", "QueueEventDelivered", "ExternalEvent")
"""Kinds of events that a client's call causes; a cancel's are recognized by their ending."""


class Moment(msgspec.Struct, frozen=True):
    """Something that happened, by the clock of whoever saw it."""

    at_ns: int
    at_ms: float
    """Since the story's origin; the engine's are whole milliseconds."""
    source: Source
    what: str
    """An event's kind, or what a client, an activity, a node or a fault did."""
    execution: int | None = None
    event: int | None = None
    """The id of an engine's event within its execution."""
    answers: int | None = None
    """The event that this one completes."""
    detail: str | None = None
    """Its data, error or words: whole."""
    failed: bool = False
    """Whether it tells of an error."""
    run: int | None = None
    """The number of an activity's run in its process."""
    node: str | None = None
    """The process that an activity ran in."""


class _Placed(NamedTuple):
    """A moment with its place: nanoseconds, then rank among ties, then the order of its source."""

    ns: int
    rank: int
    number: int
    moment: Moment


class Around(msgspec.Struct, frozen=True):
    """A fault that was at work at some time between an instance's beginning and its end."""

    name: str
    target: str
    detail: str
    began_ms: float
    """Since the story's origin; negative when the fault was there before it."""
    ended_ms: float | None
    """Null when it was never healed."""


FAULT, NODE, CALL, ENGINE, ACTIVITY, SEEN = range(6)
"""Ranks among moments of the same nanosecond: causes first."""
FOREVER = 2**63 - 1


class Told(NamedTuple):
    """What is told of an instance."""

    origin_ns: int
    moments: tuple[Moment, ...]
    """In order; nothing when nothing is known."""
    faults: tuple[Around, ...]


def moments(recording: Recording, instance: str, due_ns: int | None) -> Told:
    """What happened to it, and around it while it lived."""
    calls = _calls(recording, instance)
    effects = _effects(recording, instance)
    events = _events(recording, instance, [p.ns for p in calls if p.rank == CALL], effects)
    placed = [*calls, *events, *_after_their_schedule(effects, events)]
    begun = due_ns if due_ns is not None else min((p.ns for p in placed), default=0)
    origin = begun // NS_PER_MS * NS_PER_MS
    around: tuple[Around, ...] = ()
    if placed:
        first, last = _life(placed)
        placed += [*_faults(recording, first, last), *_nodes(recording, first, last)]
        around = _around(recording, origin, first, last)
    ordered = sorted(placed, key=lambda p: p[:3])
    return Told(origin, tuple(_since(origin, p.moment) for p in ordered), around)


def _life(placed: Iterable[_Placed]) -> tuple[int, int]:
    """When it began and when it ended; one that hangs lives on after the last that is known of it."""
    ends = ("OrchestrationCompleted", "OrchestrationFailed")
    over = any(p.rank == SEEN or p.moment.what in ends for p in placed)
    at = [p.ns for p in placed]
    return min(at), max(at) if over else FOREVER


def _since(origin_ns: int, moment: Moment) -> Moment:
    return msgspec.structs.replace(moment, at_ms=round((moment.at_ns - origin_ns) / NS_PER_MS, 3))


def _placed(at_ns: int | None, rank: int, number: int, **fields: Any) -> _Placed:
    at = at_ns or 0
    return _Placed(at, rank, number, Moment(at_ns=at, at_ms=0, **fields))


CALLS = """
SELECT l.type, l.at_ns, l.begun_ns, l.due_ns, l.number, l.kind, l.name, l.sender, l.data, l.input,
       l.output, l.error, l."where", l.reason, l.complaint, d.begun_ns, d.at_ns, d.error
FROM ops_lines l
LEFT JOIN (SELECT * FROM ops_lines WHERE type = 'acted') d
  ON l.type = 'act' AND d.op = l.op AND d.number = l.number
WHERE l.op IN (SELECT op FROM ops WHERE instance = $instance) AND l.type NOT IN ('acted', 'mark')
ORDER BY l.rowid
"""


def _calls(recording: Recording, instance: str) -> list[_Placed]:
    """What clients did, and what they saw."""
    found = []
    for number, row in enumerate(recording.rows(CALLS, instance=instance)):
        (kind, at, begun, due, _, act, name, sender, data, given, output, error, where, reason,
         complaint, acted_begun, acted_at, acted_error) = row  # fmt: skip
        rank, what, detail, failed = CALL, str(kind), None, False
        if kind == "invoke":
            detail = f"input {given}"
        elif kind == "acked":
            detail = f"the call took {_took(begun, at)}"
        elif kind == "act":
            at = due if acted_begun is None else acted_begun
            what = f"{act} {name}".strip()
            after = "never returned" if acted_at is None else f"took {_took(acted_begun, acted_at)}"
            detail = " ".join(filter(None, [sender, data, f"({after})", acted_error]))
            failed = acted_error is not None or acted_at is None
        elif kind == "ok":
            rank, what, detail = SEEN, "saw it completed", output
        elif kind == "fail":
            rank, failed, detail = SEEN, True, error
            what = "start refused" if where == "start" else "saw it failed"
        else:
            rank, failed, what = SEEN, True, f"gave up: {reason}"
        if complaint is not None:
            failed, detail = True, f"{complaint}; {detail}"
        found.append(
            _placed(at, rank, number, source="client", what=what, detail=detail, failed=failed)
        )
    return found


def _took(begun_ns: int | None, at_ns: int | None) -> str:
    return "?" if begun_ns is None or at_ns is None else f"{(at_ns - begun_ns) / NS_PER_MS:,.1f} ms"


EFFECTS = (
    "SELECT phase, token, run, at_ns, node FROM effects WHERE instance = $instance ORDER BY rowid"
)


def _effects(recording: Recording, instance: str) -> list[tuple[str, _Placed]]:
    """What its activities really did, each with its token."""
    words = {"begin": "activity begins", "end": "activity ends", "failed": "activity raises"}
    found = []
    for number, row in enumerate(recording.rows(EFFECTS, instance=instance)):
        phase, token, run, at, node = row
        placed = _placed(
            at, ACTIVITY, number, source="activity", what=words.get(phase, str(phase)),
            detail=token, run=run, node=node,
        )  # fmt: skip
        found.append((str(token), placed))
    return found


EVENTS = """
SELECT execution, event_id, kind, source, coalesce(ts_ms, 0), data FROM history
WHERE instance = $instance ORDER BY execution, event_id, rowid
"""


def _events(
    recording: Recording,
    instance: str,
    calls: Iterable[int],
    effects: Iterable[tuple[str, _Placed]],
) -> list[_Placed]:
    """The histories of all its executions, each event no earlier than the one before it."""
    call_ends: dict[int, int] = {}
    for ns in calls:
        call_ends[ns // NS_PER_MS] = max(ns, call_ends.get(ns // NS_PER_MS, 0))
    ends: dict[tuple[str, int], int] = {}
    for token, placed in effects:
        if placed.moment.what != "activity begins":
            key = (token, placed.ns // NS_PER_MS)
            ends[key] = max(placed.ns, ends.get(key, 0))
    tokens: dict[tuple[int, int], str] = {}
    scheduled: dict[str, int] = {}
    found: list[_Placed] = []
    latest = 0
    for number, row in enumerate(recording.rows(EVENTS, instance=instance)):
        execution, event, kind, source, ts_ms, data = row
        if kind == "ActivityScheduled":
            tokens[execution, event] = _token(data)
        ns = ts_ms * NS_PER_MS
        if kind in FROM_OUTSIDE or str(kind).endswith("CancelRequested"):
            ns = max(ns, call_ends.get(ts_ms, 0))
        elif kind in ("ActivityCompleted", "ActivityFailed"):
            token = tokens.get((execution, source), "")
            if (ended := ends.get((token, ts_ms))) is not None:
                ns = max(ns, ended, scheduled.get(token, 0)) + 1
        latest = max(latest, ns)
        if kind == "ActivityScheduled":
            scheduled[tokens[execution, event]] = latest
        moment = Moment(
            at_ns=ts_ms * NS_PER_MS, at_ms=0, source="engine", what=str(kind), execution=execution,
            event=event, answers=source, detail=data, failed=str(kind).endswith("Failed"),
        )  # fmt: skip
        found.append(_Placed(latest, ENGINE, number, moment))
    return found


def _after_their_schedule(
    effects: Iterable[tuple[str, _Placed]], events: Iterable[_Placed]
) -> list[_Placed]:
    """Activities, none of them before its schedule where both fell into one millisecond."""
    scheduled: dict[str, _Placed] = {}
    for event in events:
        if event.moment.what == "ActivityScheduled":
            scheduled.setdefault(_token(event.moment.detail), event)
    found = []
    for token, placed in effects:
        schedule = scheduled.get(token)
        if schedule is None or schedule.moment.at_ns != placed.ns // NS_PER_MS * NS_PER_MS:
            found.append(placed)
        else:
            found.append(placed._replace(ns=max(placed.ns, schedule.ns)))
    return found


def _token(data: str | None) -> str:
    """The step that a scheduled activity's input names; empty where it names none."""
    try:
        found = json.loads(data or "")["input"]["token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return str(found)


NODES = """
SELECT at_ns, node, what, version, coalesce(detail, '') FROM nodes
WHERE at_ns > $first AND at_ns < $last ORDER BY at_ns, rowid
"""


def _nodes(recording: Recording, first_ns: int, last_ns: int) -> list[_Placed]:
    """What happened to the processes that serve, while it lived."""
    return [
        _placed(
            at, NODE, number, source="node", what=f"{node} {what}", failed=what == "died",
            detail=", ".join(filter(None, [f"code {version}", detail])),
        )
        for number, (at, node, what, version, detail) in enumerate(
            recording.rows(NODES, first=first_ns, last=last_ns)
        )
    ]  # fmt: skip


FAULTS = """
SELECT at_ns, name, target, what, coalesce(detail, '') FROM fault_lines
WHERE what IN ('began', 'ended') AND at_ns > $first AND at_ns < $last ORDER BY at_ns, rowid
"""


def _faults(recording: Recording, first_ns: int, last_ns: int) -> list[_Placed]:
    """What was broken on purpose while it lived, and mended."""
    words = {"began": "", "ended": ", healed"}
    return [
        _placed(
            at, FAULT, number, source="fault", detail=detail or None,
            what=f"{name} {target or ''}".strip() + words[what],
        )
        for number, (at, name, target, what, detail) in enumerate(
            recording.rows(FAULTS, first=first_ns, last=last_ns)
        )
    ]  # fmt: skip


AROUND = """
SELECT name, target, detail, began_ns, ended_ns FROM faults
WHERE began_ns < $last AND (ended_ns IS NULL OR ended_ns > $first) ORDER BY began_ns, number
"""


def _around(
    recording: Recording, origin_ns: int, first_ns: int, last_ns: int
) -> tuple[Around, ...]:
    """The faults that were at work while it lived."""

    def since(ns: int) -> float:
        return round((ns - origin_ns) / NS_PER_MS, 3)

    return tuple(
        Around(name, target, detail, since(began), None if ended is None else since(ended))
        for name, target, detail, began, ended in recording.rows(
            AROUND, first=first_ns, last=last_ns
        )
    )
