"""Database: the store is sound at rest, and nothing is left over in it.

The store is audited by its provider without the engine, before the engine opens it again. Queues must
be empty: by the store's own tables where the provider audits them, else by the engine's last count of
its queue depths. That it holds everything that was acknowledged is for the durability check.
"""

from __future__ import annotations

from typing import Any

from duroxide_stress.checks.base import Check, Looked, at_rest, cut_off
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding

AT_REST = ("queues_empty", "no_lock_left")
"""Questions that only a store at rest can be asked."""

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


def asked(recording: Recording) -> bool:
    """A store that is audited; of any other only what the engine says of it can be held against it."""
    return recording.store is not None


def look(recording: Recording) -> Looked:
    """Read the audit, or the engine's last count where there is none."""
    undecided = cut_off(recording) or _audit_failed(recording)
    found: list[Finding] = []
    questions, note = 0, ""
    if recording.store is not None:
        too_early = () if at_rest(recording) else AT_REST
        problems = [
            p for p in recording.store["problems"] if p["what"] not in (*too_early, "audit")
        ]
        asked = [question for question in recording.store["asked"] if question not in too_early]
        found = [_problem(problem) for problem in problems]
        questions, note = len(asked), ", ".join(asked)
    elif not undecided:
        undecided = "not audited: this store cannot be opened by anyone else"
        left = recording.one(DEPTHS) if at_rest(recording) else None
        if left is not None:
            questions = 1
            undecided += "; queues counted by the engine"
        if left:
            found.append(Finding("queues not empty at rest", f"{left} messages left"))
    return Looked(seen=questions, findings=found, undecided=undecided, note=note)


def _audit_failed(recording: Recording) -> str:
    """What kept the audit from its answers; empty when nothing did."""
    problems = recording.store["problems"] if recording.store is not None else []
    return next((str(p["detail"]) for p in problems if p["what"] == "audit"), "")


def _problem(problem: dict[str, Any]) -> Finding:
    return Finding(problem["what"], problem["detail"], problem.get("instance"))


CHECK = Check(
    name="database",
    promise="The store is sound at rest: no corruption, no row or lock left over.",
    source="stress test spec, Success Metrics 6",
    unit="questions",
    look=look,
    asked=asked,
)
