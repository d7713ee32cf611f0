"""Bugs that have nothing to do with faults are found under them too: what excuses the engine in the
wake of a fault must not excuse everything."""

from __future__ import annotations

import msgspec
import pytest

from duroxide_stress.selftest.catalogue import BUGS
from duroxide_stress.selftest.recorder import record_cell
from duroxide_stress.selftest.running import Scratch, observe
from duroxide_stress.selftest.struck import Strike, Struck

KILLED = (Strike("kill", 0.3, 0.1, "host-1"),)
FOUND = {
    "cancel that does not stop": "cancellation",
    "cancel that is lost": "cancellation",
    "work of a cancelled instance run": "cancellation",
    "early timer": "timers",
    "timer set too short": "timers",
    "doubled effect": "effects",
    "effect repeated when done": "effects",
    "race won by the wrong side": "races",
    "winner cancelled": "races",
    "dropped effect": "effects",
    "corrupted payload": "outputs",
}


@pytest.mark.parametrize("name", FOUND)
def test_it_is_found_although_a_host_was_killed(name: str) -> None:
    """By the check meant for it, with the engine's own locks of 30 s and 5 s."""
    bug = next(bug for bug in BUGS if bug.name == name and not bug.strikes)
    struck = msgspec.structs.replace(bug, config={**bug.config, "nodes": 2}, strikes=KILLED)
    with Scratch() as home:
        seen = observe(record_cell(home, struck.cell, Struck(struck.strikes, struck.plant)))
    assert seen.found[FOUND[name]]
