"""What a replay found, as typed values: what `replay --json` writes and the report shows."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from duroxide_stress.verdict import Verdict

SCHEMA = "duroxide-stress/replay/1"

Kind: TypeAlias = Literal[
    "step",
    "waits",
    "returned",
    "raised",
    "goes on",
    "output",
    "error",
    "input",
    "missing",
    "endless",
]
"""How code and history part: `step`: both do something, but not the same; `waits`, `returned`,
`raised`: the history does something where the code does that; `goes on`: the history ends where the
code does something; `output`, `error`, `input`: both end alike, with other values (`input`: of the
next execution); `missing`: the code has no such orchestration; `endless`: it does not come back."""


class Difference(msgspec.Struct, frozen=True):
    """The first place where one instance's history and the code part, with both sides."""

    instance: str
    execution: int
    event_id: int
    """The event of the history that the code does not meet."""
    history: str
    code: str


class Place(msgspec.Struct, frozen=True):
    """Differences of the same kind between the same steps."""

    orchestration: str
    version: str
    kind: Kind
    count: int
    """Instances that differ here."""
    examples: tuple[Difference, ...]
    """The first of them."""


class CellReplay(msgspec.Struct, frozen=True):
    """One cell's histories against the code."""

    recording: str
    """The cell's directory within the run."""
    scenario: str
    """Whose code it was held against."""
    verdict: Verdict
    reasons: tuple[str, ...]
    """Why the verdict is unknown, one sentence each."""
    instances: int = 0
    executions: int = 0
    events: int = 0
    resumable: int = 0
    """Instances whose history has no end yet, and which the code can go on with so far."""
    different: int = 0
    unreadable: int = 0
    """Instances whose history could not be replayed."""
    changed_delays: int = 0
    """Timers that the code sets for another time. The engine allows it: running ones keep theirs."""
    places: tuple[Place, ...] = ()


class ReplayResult(msgspec.Struct, frozen=True):
    """All cells of a recording."""

    schema: str
    verdict: Verdict
    scenario: str | None
    """The scenario that was named instead of the recording's own."""
    cells: tuple[CellReplay, ...]
