"""Where nothing is planted, nothing alarms."""

from __future__ import annotations

import pytest

from duroxide_stress.plan import Cell
from duroxide_stress.scenarios.registry import SCENARIOS
from duroxide_stress.selftest.clean import REAL, REFERENCE, label
from duroxide_stress.selftest.running import clean_reference, steady


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


def test_restless_memory_is_no_leak() -> None:
    """Samples that waver alarm nobody."""
    assert steady().alarms == ()
