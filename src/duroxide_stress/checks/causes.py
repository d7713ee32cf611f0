"""Why an instance does not go on: what the books and the store say of one that is stuck.

In this order, the first that holds:

- slow: it is not stuck, its end came after the client had given it up
- poison: a message for it was taken as often as the engine ever takes one
- expired lock: a message or the instance is locked by a holder whose time is over
- locked: the holder's time is not over yet
- unserved work: a message lies in a queue, visible, and nobody takes it
- waiting for a child: the child it called has not ended; the cause is the child's
- waiting for an event: it has asked for a message or event that nobody has sent, or one that was sent
  and is in no history
- lost wake-up: what it waits for has happened (an activity ran, a child ended, a timer's time has
  come) and nothing in the store says that it will ever be told
- timer not due yet
- never began: acknowledged, and the store has nothing of it

Where nobody could look into the queues and the engine counts messages in them, none of this says that
no queue has it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import NS_PER_MS

MAX_ATTEMPTS = 10
"""The engine's own default: what is taken out of a queue more often is poison."""

UNKNOWN = "unknown: no open step, no message, no lock"

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
ENDED = f"""
SELECT e.instance, e.ended_ms - o.due_ns // {NS_PER_MS} FROM ends e JOIN ops o USING (instance)
WHERE list_contains($instances, e.instance) AND e.status IN ('Completed', 'Failed')
"""
# A subscription that lost its race is not waited for any more.
ASKED = """
WITH given_up AS (
  SELECT instance, execution, source AS event_id FROM history
  WHERE kind IN ('QueueSubscribedCancelled', 'ExternalSubscribedCancelled')),
counted AS (
  SELECT instance, execution, TRY(data ->> '$.name') AS name,
         count(*) FILTER (WHERE kind IN ('QueueSubscribed', 'ExternalSubscribed')) AS asked,
         count(*) FILTER (WHERE kind IN ('QueueEventDelivered', 'ExternalEvent')) AS came
  FROM history ANTI JOIN given_up USING (instance, execution, event_id)
  WHERE list_contains($instances, instance)
   AND kind IN ('QueueSubscribed', 'ExternalSubscribed', 'QueueEventDelivered', 'ExternalEvent')
  GROUP BY ALL)
SELECT instance, name, (SELECT count(*) FROM acts a WHERE a.instance = counted.instance
                         AND a.name = counted.name AND a.at_ns IS NOT NULL AND a.error IS NULL),
       came
FROM counted WHERE asked > came
"""

# A timer that lost its race stays in Duroxide's orchestrator queue until it is due.
DEPTHS = """
WITH unfired AS (
  SELECT count(*) AS timers FROM history c ANTI JOIN history f
    ON f.instance = c.instance AND f.execution = c.execution AND f.source = c.event_id
  WHERE c.kind = 'TimerCreated')
SELECT worker_queue + greatest(0, orchestrator_queue - timers) FROM samples, unfired
WHERE source = 'queues' AND at_ns >= (SELECT at_ns FROM marks WHERE name = 'drained')
ORDER BY at_ns DESC LIMIT 1
"""


def left_over(recording: Recording) -> dict[str, list[dict[str, Any]]]:
    """Rows that the audit found in queues and locks, by instance; empty where nobody could look."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for problem in (recording.store or {}).get("problems", ()):
        if problem["what"] in ("queues_empty", "no_lock_left") and problem.get("instance"):
            found[problem["instance"]].append(problem)
    return found


def unseen(recording: Recording) -> bool:
    """Whether messages may lie in a queue: nobody could list them, and the engine counts some."""
    listed = "queues_empty" in (recording.store or {}).get("asked", ())
    return not listed and messages_left(recording) != 0


def messages_left(recording: Recording) -> int | None:
    """Messages in the queues after the drain by the engine's last count; None when it never counted."""
    found: int | None = recording.one(DEPTHS)
    return found


def causes(recording: Recording, instances: list[str]) -> dict[str, str]:
    """A cause in words for each of these instances."""
    left = left_over(recording)
    open_steps: dict[str, list[tuple[str, int, int, str | None]]] = defaultdict(list)
    for instance, *step in recording.rows(OPEN, instances=instances):
        open_steps[instance].append(tuple(step))
    asked = {row[0]: row[1:] for row in recording.rows(ASKED, instances=instances)}
    ended = dict(recording.rows(ENDED, instances=instances))
    return {
        instance: _slow(ended, instance)
        or _queued(left.get(instance, []))
        or _waiting(recording, instance, open_steps[instance], left)
        or _listening(asked.get(instance))
        or _not_due(recording, open_steps[instance])
        or _never_began(recording, instance)
        or UNKNOWN
        for instance in instances
    }


def _slow(ended: dict[str, int | None], instance: str) -> str:
    if instance not in ended:
        return ""
    after_ms = ended[instance]
    when = "" if after_ms is None else f" {after_ms / 1000:.1f} s after it was due"
    return f"slow, not stuck: it ended{when}"


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
            return f"{_of_activity(recording, data)} ({step})"
        due_ms, now_ms = _due_ms(recording, data), _last_moment(recording) // NS_PER_MS
        if due_ms is not None and due_ms <= now_ms:
            return f"lost wake-up: its timer was due {(now_ms - due_ms) / 1000:.1f} s ago ({step})"
    return ""


def _of_activity(recording: Recording, data: str | None) -> str:
    """What is known of an activity without a completion. Only programs name it by a token."""
    token = recording.one("SELECT TRY($data ->> '$.input.token')", data=data)
    ran = token is not None and recording.one(
        "SELECT count(*) FROM effects WHERE token = $token AND phase <> 'begin'", token=token
    )
    if unseen(recording):
        known = "its activity ran" if ran else "no end of its activity is known"
        return f"not told: {known}, and this store's queues cannot be looked into"
    if ran:
        return "lost wake-up: its activity ran, and nobody told it"
    if token is None:
        return "lost wake-up: its activity has no end, and no queue has it"
    return "lost wake-up: its activity never ran, and no queue has it"


def _not_due(recording: Recording, steps: list[tuple[str, int, int, str | None]]) -> str:
    """The latest timer whose time has not come. One that lost its race stands here too, so last."""
    now_ms = _last_moment(recording) // NS_PER_MS
    for kind, event_id, execution, data in steps:
        due_ms = _due_ms(recording, data) if kind == "TimerCreated" else None
        if due_ms is not None and due_ms > now_ms:
            step = f"event {event_id} of execution {execution}"
            return f"timer not due for another {(due_ms - now_ms) / 1000:.1f} s ({step})"
    return ""


def _due_ms(recording: Recording, data: str | None) -> int | None:
    found: int | None = recording.one("SELECT TRY(($data ->> '$.fireAtMs')::BIGINT)", data=data)
    return found


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
    if status is None:
        of_child = _queued(left.get(child, [])) or "it never began"
    else:
        why = causes(recording, [child])[child]
        of_child = "it runs" if why == UNKNOWN else why
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
    if events:
        return ""
    no_queue = "" if unseen(recording) else ", and no queue its start"
    return f"never began: the store has nothing of it{no_queue}"


def _last_moment(recording: Recording) -> int:
    """When the recording last knew what time it was, in ns."""
    found: int = recording.one(
        "SELECT greatest((SELECT max(at_ns) FROM samples), (SELECT max(at_ns) FROM marks), "
        "(SELECT max(seen_ns) FROM ops), 0)"
    )
    return found
