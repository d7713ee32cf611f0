"""Database: the store is sound at rest, and nothing is left over in it.

The store is audited by its provider without the engine, before the engine opens it again. Queues must
be empty: by the store's own tables where the provider audits them, else by the engine's last count of
its queue depths. That it holds everything that was acknowledged is for the durability check.
"""

from __future__ import annotations

from typing import Any

from duroxide_stress.checks.base import Check, Looked, at_rest, cut_off
from duroxide_stress.checks.causes import messages_left
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

AT_REST = ("queues_empty", "no_lock_left")
"""Questions that only a store at rest can be asked."""

LAST_LOOK_NS = 5 * NS_PER_SEC
"""Rest is four seconds without more in the queues; a poll of the engine's may add to that."""


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
            p
            for p in recording.store["problems"]
            if p["what"] not in (*too_early, "audit") and not _came_later(recording, p)
        ]
        asked = [question for question in recording.store["asked"] if question not in too_early]
        found = [_problem(problem) for problem in problems]
        questions, note = len(asked), ", ".join(asked)
    elif not undecided:
        undecided = "not audited: this store cannot be opened by anyone else"
        left = messages_left(recording) if at_rest(recording) else None
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


def _came_later(recording: Recording, problem: dict[str, Any]) -> bool:
    """Whether a message could be taken only when the host was being stopped, or after that: a timer
    that lost its race, and whose time had come by then."""
    rest_ns = recording.mark("at_rest")
    since_ns = problem.get("since_ms", 0) * NS_PER_MS
    return rest_ns is not None and since_ns > rest_ns - LAST_LOOK_NS


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
