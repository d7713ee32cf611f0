"""What a runtime is told: of locks only what differs from the engine's defaults, for older releases
cannot be told of them at all."""

from typing import Any

import duroxide
import pytest

from duroxide_stress.engines.duroxide.engine import _options
from duroxide_stress.plan import StressTestConfig


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The words a runtime would get for a configuration."""
    monkeypatch.setattr(duroxide, "RuntimeOptions", dict)
    return lambda **fields: _options(StressTestConfig(**fields))


def test_the_defaults_of_locks_are_the_engines(told: Any) -> None:
    """An older release takes these."""
    assert told(orch_concurrency=3, worker_concurrency=4, poll_interval_ms=50) == {
        "orchestration_concurrency": 3,
        "worker_concurrency": 4,
        "dispatcher_poll_interval_ms": 50,
        "log_level": "info",
    }


def test_other_locks_are_told(told: Any) -> None:
    """Each by itself."""
    assert told(worker_lock_timeout_ms=2_000)["worker_lock_timeout_ms"] == 2_000
    options = told(orchestrator_lock_timeout_ms=3_000)
    assert options["orchestrator_lock_timeout_ms"] == 3_000
    assert "worker_lock_timeout_ms" not in options
