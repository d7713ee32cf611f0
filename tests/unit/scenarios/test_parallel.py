"""The fan-out scenario: a pure value that every process of a run makes alike."""

import msgspec
import pytest

from duroxide_stress.program import Activity, Parallel
from duroxide_stress.scenarios.parallel import SCENARIO
from duroxide_stress.scenarios.tree import INPUT_CLASSES

from ..virtual import cell


@pytest.mark.parametrize(("tasks", "delay_ms"), [(1, 0), (5, 10), (1000, 3)])
def test_the_program_is_the_configured_fan_out(tasks: int, delay_ms: int) -> None:
    """N activities of the given delay, all in one join."""
    work = SCENARIO.workload(cell(tasks_per_instance=tasks, activity_delay_ms=delay_ms))
    assert work.programs == {"parallel": Parallel((Activity(delay_ms),) * tasks)}
    assert work.order(0).expect.activities == tasks


def test_two_processes_make_the_same_orders() -> None:
    """The driver and the judgement agree without talking to each other."""
    one, two = SCENARIO.workload(cell()), SCENARIO.workload(cell())
    assert [one.order(op) for op in range(50)] == [two.order(op) for op in range(50)]
    assert one.order(40) == one.order(40)


def test_every_op_is_an_instance_of_its_own() -> None:
    """Ids do not repeat, not even beyond seven digits."""
    work = SCENARIO.workload(cell())
    ops = [*range(100), 9_999_999, 10_000_000, 123_456_789]
    orders = [work.order(op) for op in ops]
    assert len({order.instance for order in orders}) == len(ops)
    assert [order.op for order in orders] == ops
    assert {order.orchestration for order in orders} == set(work.programs)


def test_each_input_goes_to_several_instances() -> None:
    """Instances called alike have the same input, others another, and the rounds are even."""
    work = SCENARIO.workload(cell())
    orders = [work.order(op) for op in range(3 * INPUT_CLASSES)]
    groups = {order.expect.alike: [] for order in orders}
    for order in orders:
        groups[order.expect.alike].append(order.input)
    assert all(len(inputs) == 3 and len(set(inputs)) == 1 for inputs in groups.values())
    assert len({inputs[0] for inputs in groups.values()}) == len(groups) == INPUT_CLASSES


@pytest.mark.parametrize("changed", [{"seed": 2}, {"worker_concurrency": 3}])
def test_another_cell_has_other_names_and_inputs(changed: dict) -> None:
    """Seed and cell decide, so two cells on one store never share an instance."""
    here, there = (SCENARIO.workload(cell(**config)) for config in ({}, changed))
    assert here.prefix != there.prefix
    assert here.values != there.values


def test_a_repeat_has_other_names_and_the_same_inputs() -> None:
    """Repeats are given the same work, so that their figures may be compared."""
    here, there = (
        SCENARIO.workload(msgspec.structs.replace(cell(), repeat=repeat)) for repeat in (1, 2)
    )
    assert here.prefix != there.prefix
    assert here.values == there.values
