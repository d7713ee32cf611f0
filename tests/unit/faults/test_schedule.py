"""When faults strike and whom: drawn from the seed, the same each time."""

from itertools import pairwise

import msgspec
import pytest

from duroxide_stress.faults.registry import read_faults
from duroxide_stress.faults.schedule import schedule
from duroxide_stress.plan import StressTestConfig

CONFIG = StressTestConfig(duration_secs=30, nodes=3, seed=7)


def test_the_same_seed_gives_the_same_schedule() -> None:
    """And another seed another one."""
    faults = read_faults(["kill:every=1s", "pause:for=2s"])
    drawn = schedule(faults, CONFIG)
    assert drawn == schedule(faults, CONFIG)
    assert drawn != schedule(faults, msgspec.structs.replace(CONFIG, seed=8))
    assert [injection.number for injection in drawn] == list(range(len(drawn)))
    assert {i.target for i in drawn} == {"host-0", "host-1", "host-2"}


def test_a_fault_more_shifts_no_other() -> None:
    """Each has a stream of its own."""
    alone = schedule(read_faults(["kill:every=1s"]), CONFIG)
    both = schedule(read_faults(["kill:every=1s", "pause:every=2s"]), CONFIG)
    kills = [(i.due_ms, i.target) for i in both if i.spec.name == "kill"]
    assert kills == [(i.due_ms, i.target) for i in alone]


@pytest.mark.parametrize("seed", range(20))
def test_every_keeps_its_pace_without_a_beat(seed: int) -> None:
    """Gaps between three and five quarters of it, all within the window."""
    config = msgspec.structs.replace(CONFIG, seed=seed)
    times = [i.due_ms for i in schedule(read_faults(["kill:every=2s"]), config)]
    assert 1_000 <= times[0] <= 2_000
    gaps = [b - a for a, b in pairwise(times)]
    assert all(1_499 <= gap <= 2_501 for gap in gaps)
    assert len(set(gaps)) > len(gaps) // 2
    assert times[-1] < 30_000


@pytest.mark.parametrize("seed", range(5))
def test_once_in_the_second_quarter_unless_told_when(seed: int) -> None:
    """So that half of the window is left to recover in."""
    config = msgspec.structs.replace(CONFIG, seed=seed)
    (once,) = schedule(read_faults(["pause"]), config)
    assert 7_500 <= once.due_ms <= 15_000
    (at,) = schedule(read_faults(["pause:at=3s"]), config)
    assert at.due_ms == 3_000
