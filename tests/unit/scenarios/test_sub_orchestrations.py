"""Sub-orchestrations: families of every width and depth."""

import pytest

from duroxide_stress.verdict import Verdict

from .conftest import FEW, JudgedOf


@pytest.mark.parametrize(
    ("width", "depth"), [(1, 1), (1, 2), (3, 2), (40, 1), (10, 2), (1, 6), (2, 4)]
)
def test_the_whole_family_is_there(judged: JudgedOf, width: int, depth: int) -> None:
    """Width to the power of each level, and one child that fails by plan."""
    run = judged("sub-orchestrations", {"width": width, "depth": depth}, **FEW)
    run.all_is_well()
    children = sum(width**level for level in range(1, depth + 1)) + 1
    books = run.tables.rows(
        "SELECT count(*), count(*) FILTER (WHERE status = 'Failed') FROM executions "
        "WHERE parent IS NOT NULL GROUP BY split_part(instance, '::', 1)"
    )
    assert set(books) == {(children, 1)}
    assert run.seen("children") == children * run.cell.launched


def test_the_widest_and_deepest(judged: JudgedOf) -> None:
    """Forty children with forty each: 1,641 instances under one root, every result folded upward."""
    run = judged("sub-orchestrations", {"width": 40}, **FEW)
    run.all_is_well()
    assert run.seen("children") == 1641 * run.cell.launched


def test_children_have_figures(judged: JudgedOf) -> None:
    """How many ended in the window, at which rate, and how long they took."""
    run = judged("sub-orchestrations", {"width": 2, "depth": 1}, max_concurrent=2)
    rate, time = run.figure("sub-orchestrations"), run.figure("time per sub-orchestration")
    assert rate.value == rate.count == time.count > 0
    assert time.spread is not None
    assert time.spread.p50 is not None
    # An activity of 10 ms, or the same and a planned failure; two turns of a millisecond.
    assert 11 <= time.spread.p50 <= 40


def test_twins_are_compared(judged: JudgedOf) -> None:
    """Nothing in a family depends on timing, so instances of one input are held together."""
    run = judged("sub-orchestrations", {"width": 2})
    (determinism,) = [c for c in run.cell.checks if c.name == "determinism"]
    assert determinism.verdict is Verdict.OK
    assert determinism.seen == run.cell.launched
