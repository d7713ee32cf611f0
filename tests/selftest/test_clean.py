"""Where nothing is planted, nothing alarms."""

from __future__ import annotations

import pytest

from duroxide_stress.plan import Cell
from duroxide_stress.scenarios.registry import SCENARIOS
from duroxide_stress.selftest.clean import REAL, REFERENCE, STRUCK, StruckCell, label, struck_label
from duroxide_stress.selftest.running import clean_reference, clean_struck, steady


def test_the_clean_runs_are_many_and_of_every_scenario() -> None:
    """Twenty on the reference engine; every scenario on every real store but one pair."""
    assert len(set(map(str, REFERENCE))) == len(REFERENCE) == 20
    assert {cell.scenario for cell in REFERENCE} == set(SCENARIOS)
    assert len(REAL) == 2 * len(SCENARIOS) - 1


@pytest.mark.parametrize("cell", REFERENCE, ids=label)
def test_a_clean_run_is_silent(cell: Cell) -> None:
    """On the reference engine, which is correct by construction."""
    run = clean_reference(cell)
    assert (run.alarms, run.defects) == ((), ())
    assert run.instances > 2


def test_hosts_are_killed_and_paused_in_every_number_and_scenario() -> None:
    """But not in the one whose nodes come and go by themselves."""
    assert len(set(map(struck_label, STRUCK))) == len(STRUCK) == 15
    assert {one.cell.scenario for one in STRUCK} == set(SCENARIOS) - {"versions"}
    for what in ("kill", "pause"):
        struck = [one for one in STRUCK if what in {strike.name for strike in one.strikes}]
        assert {one.cell.config.nodes for one in struck} == {1, 2, 3}
    for one in STRUCK:
        config = one.cell.config
        lock_secs = config.worker_lock_timeout_ms / 1000
        assert all(s.at_secs + s.secs <= config.duration_secs for s in one.strikes)
        assert lock_secs == config.orchestrator_lock_timeout_ms / 1000 < config.duration_secs


@pytest.mark.parametrize("one", STRUCK, ids=struck_label)
def test_a_correct_engine_whose_hosts_are_struck_is_silent(one: StruckCell) -> None:
    """Work is lost, repeated and late, as at-least-once allows, and no promise is broken."""
    run = clean_struck(one)
    assert (run.alarms, run.defects) == ((), ())
    assert run.instances > 2


def test_restless_memory_is_no_leak() -> None:
    """Samples that waver alarm nobody."""
    assert steady().alarms == ()
