"""Why an instance does not go on: what the books and the store say of one that is stuck.

In this order, the first that holds:

- poison: a message for it was taken as often as the engine ever takes one
- expired lock: a message or the instance is locked by a holder whose time is over
- locked: the holder's time is not over yet
- unserved work: a message lies in a queue, visible, and nobody takes it
- waiting for a child: the child it called has not ended; the cause is the child's
- waiting for an event: it has asked for a message or event that nobody has sent, or one that was sent
  and is in no history
- timer not due yet
- lost wake-up: what it waits for has happened (an activity ran, a child ended, a timer's time has
  come) and nothing in the store says that it will ever be told
- never began: acknowledged, and the store has nothing of it
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import NS_PER_MS

MAX_ATTEMPTS = 10
"""The engine's own default: what is taken out of a queue more often is poison."""

OPEN = """
SELECT s.instance, s.kind, s.event_id, s.execution, s.data
FROM history s
WHERE list_contains($instances, s.instance)
  AND s.kind IN ('ActivityScheduled', 'TimerCreated', 'SubOrchestrationScheduled')
  AND s.execution = (SELECT max(execution) FROM history h WHERE h.instance = s.instance)
  AND NOT EXISTS (FROM history c WHERE c.instance = s.instance AND c.execution = s.execution
                  AND c.source = s.event_id)
ORDER BY s.instance, s.event_id DESC
"""
ASKED = """
WITH counted AS (
  SELECT instance, execution, TRY(data ->> '$.name') AS name,
         count(*) FILTER (WHERE kind IN ('QueueSubscribed', 'ExternalSubscribed')) AS asked,
         count(*) FILTER (WHERE kind IN ('QueueEventDelivered', 'ExternalEvent')) AS came
  FROM history WHERE list_contains($instances, instance)
   AND kind IN ('QueueSubscribed', 'ExternalSubscribed', 'QueueEventDelivered', 'ExternalEvent')
  GROUP BY ALL)
SELECT instance, name, (SELECT count(*) FROM acts a WHERE a.instance = counted.instance
                         AND a.name = counted.name AND a.at_ns IS NOT NULL AND a.error IS NULL),
       came
FROM counted WHERE asked > came
"""


def left_over(recording: Recording) -> dict[str, list[dict[str, Any]]]:
    """Rows that the audit found in queues and locks, by instance; empty where nobody could look."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for problem in (recording.store or {}).get("problems", ()):
        if problem["what"] in ("queues_empty", "no_lock_left") and problem.get("instance"):
            found[problem["instance"]].append(problem)
    return found


def causes(recording: Recording, instances: list[str]) -> dict[str, str]:
    """A cause in words for each of these instances."""
    left = left_over(recording)
    open_steps: dict[str, list[tuple[str, int, int, str | None]]] = defaultdict(list)
    for instance, *step in recording.rows(OPEN, instances=instances):
        open_steps[instance].append(tuple(step))
    asked = {row[0]: row[1:] for row in recording.rows(ASKED, instances=instances)}
    return {
        instance: _queued(left.get(instance, []))
        or _waiting(recording, instance, open_steps[instance], left)
        or _listening(asked.get(instance))
        or _never_began(recording, instance)
        or "unknown: no open step, no message, no lock"
        for instance in instances
    }


def _queued(rows: list[dict[str, Any]]) -> str:
    """What messages and locks of its own say."""
    if any(row.get("attempts", 0) >= MAX_ATTEMPTS for row in rows):
        return f"poison: a message was taken {max(row['attempts'] for row in rows)} times"
    for state, words in (
        ("lock expired", "expired lock: its holder has gone and nobody else took over"),
        ("locked", "locked: somebody holds it still"),
        ("unserved", "unserved work: a message lies in its queue and nobody takes it"),
        ("", "unserved work: a message or a lock is left"),
    ):
        row = next((row for row in rows if row.get("state", "") == state), None)
        if row is not None:
            return f"{words} ({row['detail'][:80]})"
    return ""


def _waiting(
    recording: Recording,
    instance: str,
    steps: list[tuple[str, int, int, str | None]],
    left: dict[str, list[dict[str, Any]]],
) -> str:
    """What the latest open step of its history waits for."""
    for kind, event_id, execution, data in steps:
        step = f"event {event_id} of execution {execution}"
        if kind == "SubOrchestrationScheduled":
            return _child(recording, instance, data, step, left)
        if kind == "ActivityScheduled":
            token = recording.one("SELECT TRY($data ->> '$.input.token')", data=data)
            ran = recording.one(
                "SELECT count(*) FROM effects WHERE token = $token AND phase <> 'begin'",
                token=token,
            )
            if ran:
                return f"lost wake-up: its activity ran, and nobody told it ({step})"
            return f"lost wake-up: its activity never ran, and no queue has it ({step})"
        due_ms = recording.one("SELECT TRY(($data ->> '$.fireAtMs')::BIGINT)", data=data)
        now_ms = _last_moment(recording) // NS_PER_MS
        if due_ms is not None and due_ms > now_ms:
            return f"timer not due for another {(due_ms - now_ms) / 1000:.1f} s ({step})"
        if due_ms is not None:
            return f"lost wake-up: its timer was due {(now_ms - due_ms) / 1000:.1f} s ago ({step})"
    return ""


def _child(
    recording: Recording,
    instance: str,
    data: str | None,
    step: str,
    left: dict[str, list[dict[str, Any]]],
) -> str:
    called = recording.one("SELECT TRY($data ->> '$.instance')", data=data) or ""
    child = f"{instance}::{called}" if called.startswith("sub::") else called
    status = recording.one("SELECT status FROM ends WHERE instance = $child", child=child)
    if status in ("Completed", "Failed"):
        return f"lost wake-up: its child {child} is {status}, and nobody told it ({step})"
    of_child = _queued(left.get(child, [])) or ("it never began" if status is None else "it runs")
    return f"waiting for its child {child}: {of_child}"


def _listening(asked: tuple[str, int, int] | None) -> str:
    if asked is None:
        return ""
    name, sent, came = asked
    if sent > came:
        return f"waiting for an event: {name} was sent {sent} times, {came} are in its history"
    return f"waiting for an event: nobody has sent {name} once more"


def _never_began(recording: Recording, instance: str) -> str:
    events = recording.one(
        "SELECT count(*) FROM history WHERE instance = $instance", instance=instance
    )
    return "" if events else "never began: the store has nothing of it, and no queue its start"


def _last_moment(recording: Recording) -> int:
    """When the recording last knew what time it was, in ns."""
    found: int = recording.one(
        "SELECT greatest((SELECT max(at_ns) FROM samples), (SELECT max(at_ns) FROM marks), "
        "(SELECT max(seen_ns) FROM ops), 0)"
    )
    return found
