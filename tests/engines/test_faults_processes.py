"""Hosts of the released engine that are killed, stand still, leave and come again, under load."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulted import Struck, kept


@pytest.mark.parametrize("provider", ["sqlite-file", "postgres"])
def test_killed_again_and_again(tmp_path: Path, provider: str) -> None:
    """What was acknowledged ends right, on the hosts that are left and on those that come again; work
    that a dead host held is repeated, and counted."""
    struck = Struck(tmp_path / "run", provider, "kill:every=1s", nodes=2, duration_secs=4)
    kept(struck)
    began = [fault for fault in struck.faults() if fault[1]]
    assert began
    assert all(healed for _, _, healed in began)
    killed = struck.moments("killed")
    assert len(killed) == len(began)
    assert len(struck.moments("ready")) == 2 + len(began)
    assert len(struck.cell.recovery) == len(began)
    lives = struck.recording.one("SELECT count(DISTINCT node) FROM effects")
    assert lives > 2
    assert {node.host for node in struck.cell.nodes} == {"host-0", "host-1"}
    assert sum(node.killed for node in struck.cell.nodes) == len(began)


def test_a_host_that_stands_still_longer_than_its_locks(tmp_path: Path) -> None:
    """The other one takes its work over; what it does when it goes on is not taken for an answer."""
    fault = "pause:longer-than-lock,at=1s"
    struck = Struck(
        tmp_path / "run", "sqlite-file", fault, nodes=2, duration_secs=5, activity_delay_ms=200
    )
    kept(struck)
    assert struck.faults() == [("pause", True, True)]
    (paused, resumed) = struck.moments("paused", "resumed")
    assert (paused[1], resumed[1]) == ("paused", "resumed")
    (recovery,) = struck.cell.recovery
    assert recovery.lasted_secs is not None
    assert recovery.lasted_secs >= 4  # two seconds beyond the lock of two


def test_hosts_that_leave_and_come_again(tmp_path: Path) -> None:
    """All of them one after another, then one once more: nothing is killed, nothing is lost."""
    faults = ("rolling-restart:at=500ms,down=200ms", "shutdown:at=4s,down=200ms")
    struck = Struck(tmp_path / "run", "sqlite-file", *faults, nodes=2, duration_secs=6)
    kept(struck)
    names = [name for name, began, _ in struck.faults() if began]
    assert names[0] == "rolling-restart"
    assert struck.moments("killed", "died", "failed") == []
    # Each is stopped by its faults, and once more at the end.
    assert len(struck.moments("stopped")) == 2 * ("rolling-restart" in names) + len(names) + 1
