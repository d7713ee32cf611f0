"""A host whose wall clock jumps, under the released engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulted import Struck

from duroxide_stress.faults.clock import CLOCK, _prove, library
from duroxide_stress.verdict import Verdict

pytestmark = pytest.mark.skipif(bool(CLOCK.unavailable()), reason=CLOCK.unavailable() or "-")


def test_the_library_works_here(tmp_path: Path) -> None:
    """The one that is found moves the clock of a Python like this."""
    found = library()
    assert found is not None
    _prove(found, tmp_path / "probe")


def test_a_clock_jumps_ahead(tmp_path: Path) -> None:
    """The engine stamps what it does with the wrong time, effects keep the true one. Locks of the other
    host look expired, so that work may be done twice at once (docs/faults.md); everything ends."""
    fault = "clock:at=500ms,jump=4s,for=2s"
    struck = Struck(
        tmp_path / "run", "sqlite-file", fault, nodes=2, duration_secs=4, poll_interval_ms=10
    )
    assert struck.faults() == [("clock", True, True)]
    assert struck.recording.one("SELECT skew_ms FROM faults") == 4000
    checks = {check.name: check for check in struck.cell.checks}
    # SQLite's lock error may fail an instance, whatever the fault: docs/findings.md.
    failed = {f.instance for f in checks["success"].findings if f.what == "infrastructure failure"}
    broken = {
        (c.name, f.what) for c in struck.cell.checks for f in c.findings if f.instance not in failed
    }
    assert broken <= {("effects", "ran twice at once")}
    assert {checks[name].verdict for name in ("completion", "durability")} == {Verdict.OK}
    stamped = """SELECT count(*) FROM ops JOIN ends USING (instance)
                 WHERE ended_ms * 1000000 > seen_ns + 1000000000"""
    assert struck.recording.one(stamped) > 0
    # Of each step, some run had begun by the time at which its instance was seen to have ended.
    begun = """SELECT count(*) FROM (SELECT token, instance, min(at_ns) AS at_ns FROM effects
                                     WHERE phase = 'begin' GROUP BY ALL) JOIN ops USING (instance)
               WHERE at_ns > seen_ns"""
    assert struck.recording.one(begun) == 0
