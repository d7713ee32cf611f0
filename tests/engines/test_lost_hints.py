"""Ends whose hints are lost, on the released engine."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from duroxide_stress import StressTestConfig, run_with_provider
from duroxide_stress.engines.duroxide import session
from duroxide_stress.nodes.hints import LocalHints
from duroxide_stress.providers.sqlite import InMemorySqlite
from duroxide_stress.units import NS_PER_SEC
from duroxide_stress.verdict import Verdict

CONFIG = StressTestConfig(
    max_concurrent=4,
    duration_secs=2,
    warmup_secs=0,
    tasks_per_instance=2,
    activity_delay_ms=1,
    orch_concurrency=1,
    worker_concurrency=1,
    poll_interval_ms=10,
    wait_timeout_secs=1.5,
)


class Here(InMemorySqlite):
    """Holds what no other process can be given, so that the driver is in this one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def test_an_end_that_nobody_hints_at_is_no_hanging(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No hint arrives and no sweep comes in time: the last look finds each end, and latency is true."""
    monkeypatch.setattr(LocalHints, "listen", lambda self, hear: None)
    monkeypatch.setattr(session, "SWEEP_NS", 3600 * NS_PER_SEC)
    (cell,) = run_with_provider(CONFIG, Here(), out=tmp_path / "out").cells
    assert cell.verdict is Verdict.OK, cell.reasons
    assert cell.completed == cell.launched >= 8
    assert cell.client_latency_ms.p50 is not None
    assert cell.latency_ms.p50 is not None
    assert cell.client_latency_ms.p50 >= 1500 > cell.latency_ms.p50
