"""Stress tests beside a project's other tests: the `stress` fixture comes with duroxide-stress."""

from __future__ import annotations

import pytest
from my_store import MyStore

from duroxide_stress import StressTestConfig
from duroxide_stress.testing import Stress


@pytest.mark.stress(duration_secs=2, warmup_secs=0.5, max_concurrent=18, orch_concurrency=1)
@pytest.mark.stress(worker_concurrency=1, activity_delay_ms=5)
def test_my_store_keeps_its_promises(stress: Stress) -> None:
    """One worker of each kind, so that SQLite has no locks to fight over."""
    result = stress.run(provider=MyStore(), scenario="parallel")
    stress.assert_ok(result)
    stress.assert_targets(result, success=100)


def test_a_config_of_its_own(stress: Stress) -> None:
    """A configuration made in code, and figures read from the result."""
    config = StressTestConfig(
        max_concurrent=18,
        duration_secs=1,
        warmup_secs=0.2,
        orch_concurrency=1,
        worker_concurrency=1,
    )
    result = stress.run(config, provider="sqlite-memory")
    stress.assert_ok(result)
    assert result.cells[0].completed > 0
    assert result.cells[0].latency_ms.p99 is not None


def test_the_plan(stress: Stress) -> None:
    """A plan as a file, found beside this one: several scenarios, one verdict."""
    stress.assert_ok(stress.run_plan("plan.toml"))
