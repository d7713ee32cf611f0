"""The mixture: a rotation that gives each part exactly its share, evenly spread."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.scenarios.mixed import DEFAULT_WEIGHTS, rotation
from duroxide_stress.scenarios.registry import SCENARIOS

from ..virtual import cell

WEIGHTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 100), min_size=1)
OTHERS = {"mixed": {"parallel": 1, "timers": 0, "events": 2, "cancellation": 1, "failures": 0}}


@given(WEIGHTS)
def test_each_part_has_exactly_its_weight(weights: dict[str, int]) -> None:
    """Over one rotation, and so over any number of them."""
    assert Counter(rotation(weights)) == weights


@given(WEIGHTS)
def test_no_part_waits_longer_than_its_share_allows(weights: dict[str, int]) -> None:
    """At every moment each part has had its share, give or take less than the number of parts."""
    total, dealt = sum(weights.values()), Counter()
    for turn, name in enumerate(rotation(weights), 1):
        dealt[name] += 1
        for part, weight in weights.items():
            assert abs(dealt[part] - weight * turn / total) < max(1, len(weights) - 1)


@pytest.mark.parametrize(
    ("weights", "order"),
    [
        ({"a": 1}, "a"),
        ({"a": 1, "b": 1}, "ab"),
        ({"a": 2, "b": 1}, "aba"),
        ({"a": 4, "b": 2, "c": 1, "d": 1}, "abacdaba"),
        ({"a": 3, "b": 3}, "ababab"),
    ],
)
def test_rotations_worked_out_by_hand(weights: dict[str, int], order: str) -> None:
    """The part that lags most goes next; equals in the order in which they stand."""
    assert "".join(rotation(weights)) == order


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, DEFAULT_WEIGHTS),
        (OTHERS, {"parallel": 1, "events": 2, "cancellation": 1, "sub-orchestrations": 1}),
    ],
)
def test_orders_are_dealt_by_weight(options: dict, weights: dict[str, int]) -> None:
    """Every part has its share of a hundred rotations, under the cell's own numbers."""
    work = SCENARIOS["mixed"].workload(cell("mixed", options))
    rounds = 100
    orders = [work.order(op) for op in range(rounds * sum(weights.values()))]
    assert Counter(o.part for o in orders) == {name: rounds * w for name, w in weights.items()}
    assert [o.op for o in orders] == list(range(len(orders)))
    assert len({o.instance for o in orders}) == len(orders)
    assert {o.orchestration for o in orders} <= work.programs.keys()


def test_a_part_counts_its_own_instances() -> None:
    """Its roots take turns and its inputs come round as if it were alone."""
    work = SCENARIOS["mixed"].workload(cell("mixed"))
    alone = SCENARIOS["failures"].workload(cell("failures"))
    orders = [o for o in map(work.order, range(8 * 20)) if o.part == "failures"]
    roots = [o.orchestration for o in orders]
    assert roots == [alone.order(op).orchestration for op in range(len(orders))]
    assert len({(o.orchestration, o.input) for o in orders}) == 16
    for order in orders:
        assert order.input == work.order(order.op).input


def test_what_would_outlast_the_run_is_no_part() -> None:
    """Lasting scenarios cannot be weighed in."""
    names = {option.name for option in SCENARIOS["mixed"].options}
    assert names == {n for n, s in SCENARIOS.items() if n != "mixed" and not s.lasting}
