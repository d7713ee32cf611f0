"""Every bug that is planted in the reference engine, and a table of them all for the docs."""

from __future__ import annotations

from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.selftest.bugs import (
    children,
    crashes,
    histories,
    messages,
    races,
    recovery,
    starts,
    timers,
    work,
)
from duroxide_stress.selftest.planted import Bug
from duroxide_stress.selftest.streams import LEAKS, Stream
from duroxide_stress.selftest.tampering import TAMPERINGS, Tampering

BUGS: tuple[Bug, ...] = (
    *starts.BUGS,
    *work.BUGS,
    *histories.BUGS,
    *timers.BUGS,
    *messages.BUGS,
    *children.BUGS,
    *races.BUGS,
    *crashes.BUGS,
    *recovery.BUGS,
)


def table() -> str:
    """Every bug, what it does and which check is meant for it, as Markdown by check."""
    everything: tuple[Bug | Stream | Tampering, ...] = (*BUGS, *LEAKS, *TAMPERINGS)
    rows = [
        f"| {bug.name} | {bug.what} | {bug.check} |"
        for check in CHECKS
        for bug in everything
        if bug.check == check
    ]
    return "\n".join(["| bug | what it does | check |", "|---|---|---|", *rows]) + "\n"
