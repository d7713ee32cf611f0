"""What a self-test has found, as values."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

SCHEMA = "duroxide-stress/self-test/1"

Kind: TypeAlias = Literal["planted", "samples", "tampered"]


class Outcome(msgspec.Struct, frozen=True):
    """One bug, and which checks alarmed."""

    name: str
    what: str
    kind: Kind
    check: str
    """The one that is meant for it."""
    alarms: dict[str, int]
    """Check → how much it found."""
    finding: str = ""
    """The first thing that the meant check found."""

    @property
    def caught(self) -> bool:
        """The meant check found it."""
        return self.check in self.alarms

    @property
    def weak(self) -> bool:
        """Found, but not by the check that is there for it."""
        return bool(self.alarms) and not self.caught


class CleanRun(msgspec.Struct, frozen=True):
    """A run in which nothing was planted."""

    name: str
    real: bool
    """On the released engine, not on the reference engine."""
    instances: int
    alarms: tuple[str, ...] = ()
    """Findings of checks, each a sentence: there must be none."""
    defects: tuple[str, ...] = ()
    """Findings that the engine's own history bears out word for word, so that they are no false
    alarms."""


class SelfTest(msgspec.Struct, frozen=True):
    """Everything that was planted, and every clean run."""

    schema: str
    outcomes: tuple[Outcome, ...]
    clean: tuple[CleanRun, ...]
    unproven: tuple[str, ...]
    """Checks that fewer than two bugs are meant for."""
    quick: bool

    @property
    def caught(self) -> int:
        """How many bugs their own check has found."""
        return sum(outcome.caught for outcome in self.outcomes)

    @property
    def false_alarms(self) -> int:
        """Clean runs in which a check alarmed without a defect of the engine."""
        return sum(bool(run.alarms) for run in self.clean)

    @property
    def passed(self) -> bool:
        """Every bug was caught by its check, and no clean run alarmed."""
        return self.caught == len(self.outcomes) and not self.false_alarms
