"""A store in a file whose lock a stranger holds, and on a full disk, under the released engine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from faulted import Struck, kept


def test_a_stranger_holds_the_lock(tmp_path: Path) -> None:
    """No start is acknowledged meanwhile; then everything goes on and ends."""
    struck = Struck(
        tmp_path / "run", "sqlite-file", "lock:at=500ms,for=1500ms", nodes=2, duration_secs=3
    )
    assert struck.faults() == [("lock", True, True)]
    kept(struck)
    acknowledged = """SELECT count(*) FROM ops o, faults f
                      WHERE o.begun_ns > f.began_ns AND o.acked_ns < f.began_ns + 1490000000"""
    assert struck.recording.one(acknowledged) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process's files")
def test_the_disk_is_full(tmp_path: Path) -> None:
    """What could not be written may keep the store's lock until its process is killed, and may fail an
    instance (docs/faults.md). Then everything ends, and the store is intact."""
    faults = ("disk-full:at=1500ms,for=1s", "kill:at=3s")
    struck = Struck(tmp_path / "run", "sqlite-file", *faults, duration_secs=4, poll_interval_ms=10)
    assert struck.faults() == [("disk-full", True, True), ("kill", True, True)]
    logs = "".join(log.read_text() for log in struck.recording.directory.glob("host*.log"))
    assert "(code: 778) disk I/O error" in logs
    kept(struck)
    failed = struck.recording.rows("SELECT error FROM ends WHERE category = 'infrastructure'")
    known = ("Invalid lock token", "database is locked", "disk I/O error")
    assert [error for (error,) in failed if not any(words in error for words in known)] == []
    database = next(check for check in struck.cell.checks if check.name == "database")
    assert "integrity_check" in database.note
    assert "integrity_check" not in {finding.what for finding in database.findings}
