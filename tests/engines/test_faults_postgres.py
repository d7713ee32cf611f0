"""A real PostgreSQL server, and the network to it, broken under the released engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulted import Struck, kept

CELLS = {
    "the server": (
        "postgres-restart:at=500ms",
        "read-only:at=3s,for=500ms",
        "postgres-restart:immediate,at=5s",
    ),
    "its sessions": ("backends-terminated:at=500ms", "connections-exhausted:at=1500ms,for=1s"),
    "a slow network": ("network:latency=10ms,jitter=5ms", "network:bandwidth=200KB/s,at=2s"),
    "a network that is gone": (
        "network:cut=1s,at=500ms",
        "network:half-open=1s,at=3s",
        "network:refuse=500ms,at=5s",
        "network:reset,at=6s",
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_what_was_acknowledged_survives(tmp_path: Path, name: str) -> None:
    """Every fault of the cell began and was healed, and the engine's work came to its right end."""
    struck = Struck(tmp_path / "run", "postgres", *CELLS[name], duration_secs=7)
    kept(struck)
    assert [fault[1:] for fault in struck.faults()] == [(True, True)] * len(CELLS[name])
    assert len(struck.cell.recovery) == len(CELLS[name])
    assert struck.moments("died") == []
    assert struck.cell.completed > 0
