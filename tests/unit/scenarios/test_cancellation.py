"""Cancellation: cancels at every moment of an instance's life, and around it."""

from collections import Counter

import pytest

from duroxide_stress.scenarios.cancellation import REASON, SCENARIO

from ..virtual import cell
from .conftest import JudgedOf


@pytest.mark.parametrize(
    ("options", "ends"),
    [
        ({"within_ms": 0}, {"canceled"}),
        ({"within_ms": 300}, {"canceled", "completed"}),
        ({"within_ms": 1_500}, {"canceled", "completed"}),
        ({"within_ms": 300, "pause_ms": 0}, {"canceled", "completed"}),
        ({"within_ms": 1_000, "pause_ms": 60_000}, {"canceled"}),
    ],
)
def test_the_end_is_one_or_the_other(
    judged: JudgedOf, options: dict[str, int], ends: set[str]
) -> None:
    """At once, on the way, or too late to matter: never both, never neither."""
    run = judged("cancellation", options, max_concurrent=10)
    run.all_is_well(*({"outputs", "effects", "timers", "children"} if len(ends) == 1 else ()))
    found = run.tables.rows(
        "SELECT CASE ended WHEN 'ok' THEN 'completed' ELSE split_part(error, ':', 1) END, count(*) "
        "FROM ops GROUP BY 1"
    )
    assert {end for end, _ in found} == ends
    assert sum(count for _, count in found) == run.cell.launched
    assert run.seen("cancellation") >= dict(found).get("canceled", 0)


def test_children_follow(judged: JudgedOf) -> None:
    """A child that ran when its parent was cancelled ended cancelled, with the engine's reason."""
    run = judged("cancellation", {"within_ms": 400}, max_concurrent=10)
    children = run.tables.rows(
        "SELECT c.category, c.error FROM executions c JOIN executions p ON p.instance = c.parent "
        "WHERE p.category = 'canceled' AND c.status = 'Failed'"
    )
    assert set(children) == {("canceled", "canceled: parent canceled")}


@pytest.mark.parametrize("within_ms", [0, 1, 1_500, 600_000])
def test_the_moments_are_drawn_from_the_seed(within_ms: int) -> None:
    """One cancel each, spread over the whole time, the same whenever it is asked."""
    work = SCENARIO.workload(cell("cancellation", {"cancellation": {"within_ms": within_ms}}))
    orders = [work.order(op) for op in range(200)]
    assert orders == [work.order(op) for op in range(200)]
    calls = [order.actions for order in orders]
    assert {(len(actions), actions[0].kind, actions[0].data) for actions in calls} == {
        (1, "cancel", REASON)
    }
    moments = Counter(actions[0].after_ms for actions in calls)
    assert 0 <= min(moments) <= max(moments) <= within_ms
    assert max(moments) >= within_ms * 0.9
    assert {order.expect.canceled for order in orders} == {f"canceled: {REASON}"}
