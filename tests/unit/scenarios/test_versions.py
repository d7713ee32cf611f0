"""Versions: two programs with the same work in another order, and a node that brings the second."""

from collections import Counter

import pytest

from duroxide_stress.scenarios.versions import SCENARIO

from ..virtual import cell
from .conftest import JudgedOf


@pytest.mark.parametrize("turns", [1, 2, 7])
def test_the_two_versions_owe_the_same_work_and_other_outputs(turns: int) -> None:
    """As many activities and timers, which is why the counts are owed whoever wins."""
    work = SCENARIO.workload(cell("versions", {"versions": {"turns": turns, "pause_ms": 30}}))
    order = work.order(0)
    versions = order.expect.versions
    assert list(versions) == ["1.0.0", "2.0.0"]
    assert order.expect.output == {"$any": list(versions.values())}
    (old, new) = versions.values()
    assert [x is None for x in old] == [True, False] * turns
    assert [x is None for x in new] == [False, True] * turns
    assert order.expect.activities == turns
    assert order.expect.events["TimerFired"] == order.expect.events["ActivityCompleted"] == turns
    assert order.expect.min_ms == 30 * turns + 10 * turns


def test_the_release_comes_in_the_middle_of_the_window() -> None:
    """Warm-up and half the measuring window."""
    work = SCENARIO.workload(cell("versions", warmup_secs=3, duration_secs=10))
    assert work.release is not None
    assert (work.release.version, work.release.after_secs) == ("2.0.0", 8)
    assert work.release.programs.keys() == work.programs.keys()


@pytest.mark.parametrize("mixed", [False, True])
def test_an_upgrade_in_virtual_time(judged: JudgedOf, mixed: bool) -> None:
    """Half a minute of load: what crosses keeps its version, what begins later has the new one."""
    config = {"duration_secs": 30, "warmup_secs": 1, "max_concurrent": 10}
    name = "mixed" if mixed else "versions"
    run = judged(name, {"versions": 3} if mixed else {"pause_ms": 100}, **config)
    run.all_is_well(*(() if mixed else ("determinism",)))
    begun = run.tables.rows(
        "SELECT h.data ->> '$.version', h.ts_ms * 1000000 < n.at_ns FROM history h "
        "JOIN ops USING (instance), nodes n WHERE n.what = 'stopped' "
        "AND h.kind = 'OrchestrationStarted' AND expect_versions IS NOT NULL"
    )
    counted = Counter(begun)
    assert counted["1.0.0", True] > 100
    assert counted["2.0.0", False] > 100
    assert counted["1.0.0", False] == 0
    assert run.seen("versions") >= 3
    names = {figure.name for figure in run.cell.figures}
    assert "pause at the hand-over" in names
