"""The slope of resident memory and its interval, on series whose slope is known."""

from collections.abc import Callable, Iterable
from itertools import accumulate
from random import Random

import pytest
from scipy.stats import theilslopes

from duroxide_stress.measure.memory import (
    ENGINE,
    Block,
    ProcessMemory,
    in_rounds,
    process_memory,
    trend,
)
from duroxide_stress.units import MIB, NS_PER_SEC
from recordings.make import where

from .by_hand import ByHand

Series = Callable[[float], float]


def together(
    by_hand: ByHand, secs: float = 120, **nodes: tuple[Series, float, float]
) -> ProcessMemory:
    """What is made of processes that each live from one second to another, looked at in turn."""
    for n in range(int(secs * 4)):
        for place, (node, (mib, born, gone)) in enumerate(nodes.items()):
            if born <= n / 4 < gone:
                ms = n * 250 + place * 20
                by_hand.sample(ms, "engine", node=node, rss_bytes=round(mib(n / 4) * MIB))
    recorded = by_hand.save()
    end_ns = by_hand.begin_ns + round(secs * NS_PER_SEC)
    recorded.change("ops", where(name="window_end"), at_ns=end_ns)
    recorded.change("ops", where(name="drained"), at_ns=end_ns + NS_PER_SEC)
    return process_memory(by_hand.open_saved(), *ENGINE)


def measured(
    by_hand: ByHand,
    mib: Callable[[float], float],
    *,
    secs: float = 120,
    at: Iterable[float] | None = None,
    source: str = "engine",
) -> ProcessMemory:
    """What is made of a window of `secs` with samples of `mib(second)` every quarter second."""
    for second in at if at is not None else [n / 4 for n in range(int(secs * 4))]:
        by_hand.sample(second * 1000, source, rss_bytes=round(mib(second) * MIB))
    recorded = by_hand.save()
    end_ns = by_hand.begin_ns + round(secs * NS_PER_SEC)
    recorded.change("ops", where(name="window_end"), at_ns=end_ns)
    recorded.change("ops", where(name="drained"), at_ns=end_ns + NS_PER_SEC)
    return process_memory(by_hand.open_saved(), *ENGINE)


@pytest.mark.parametrize("per_min", [-4.0, 0.0, 0.5, 6.0])
@pytest.mark.parametrize("source", ["engine", "embedded"])
def test_a_straight_line_has_its_own_slope(by_hand: ByHand, per_min: float, source: str) -> None:
    """Slope, both ends of the interval and the second half agree with the line."""
    found = measured(by_hand, lambda s: 100 + per_min * s / 60, source=source)
    for slope in (found.slope, found.slope_low, found.slope_high, found.late_slope):
        assert slope == pytest.approx(per_min, abs=1e-3)
    assert found.samples == 480


def test_the_interval_holds_the_slope_of_a_noisy_line(by_hand: ByHand) -> None:
    """Noise widens the interval, and the truth stays within."""
    rng = Random(3)
    found = measured(by_hand, lambda s: 100 + 3 * s / 60 + rng.gauss(0, 1))
    assert found.slope_low < 3 < found.slope_high
    assert 0.1 < found.slope_high - found.slope_low < 5


def test_spikes_do_not_move_the_slope(by_hand: ByHand) -> None:
    """Seconds of ten times the memory change the peak and the mean, and the trend hardly."""
    found = measured(by_hand, lambda s: 1_000 if 90 <= s < 93 else 100 + s / 60)
    assert found.peak == pytest.approx(1_000)
    assert found.slope == pytest.approx(1, abs=0.05)


def test_one_sample_in_each_block_moves_nothing(by_hand: ByHand) -> None:
    """Peaks that grow by the minute over a floor that does not: blocks are medians."""
    found = measured(by_hand, lambda s: 100 + 10 * s if s % 5 == 0 else 100)
    assert (found.slope, found.slope_low, found.slope_high) == (0, 0, 0)


def test_a_half_that_stays_has_no_late_slope(by_hand: ByHand) -> None:
    """What filled up in the first half shows in the slope and not in the second half's."""
    found = measured(by_hand, lambda s: 100 + min(s, 60))
    assert found.slope > 20
    assert found.late_slope == pytest.approx(0)


def test_mapped_files_are_resident_and_have_no_slope(by_hand: ByHand) -> None:
    """A store's index that grows by 6 MiB a minute is in peak and mean; the heap's own slope is told."""
    for second in range(120):
        mapped, private = second / 10, 50 + second / 60
        held = {"rss_bytes": round((mapped + private) * MIB), "shared_bytes": round(mapped * MIB)}
        by_hand.sample(second * 1000, "engine", **held)
    found = measured(by_hand, lambda s: 0, secs=120, at=[])
    assert found.slope == pytest.approx(1, abs=1e-3)
    assert found.late_slope == pytest.approx(1, abs=1e-3)
    assert found.peak == pytest.approx(50 + 119 / 60 + 11.9, abs=1e-3)
    assert found.mean == pytest.approx(50 + 59.5 / 60 + 5.95, abs=1e-3)


def test_peak_is_over_the_cell_and_mean_over_the_window(by_hand: ByHand) -> None:
    """Warm-up and drain can hold the peak; what copying the books out takes is not the engine's."""
    for ms, mib in ((-100, 500), (20_500, 700), (21_500, 900)):
        by_hand.sample(ms, "engine", rss_bytes=mib * MIB)
    found = measured(by_hand, lambda s: 100 if s < 10 else 200, secs=20)
    assert (found.peak, found.mean, found.samples) == (700, 150, 80)
    assert (found.slope, found.slope_low, found.slope_high) == (None, None, None)


@pytest.mark.parametrize(("secs", "told"), [(59, False), (60, True)])
def test_a_slope_needs_a_minute(by_hand: ByHand, secs: float, told: bool) -> None:
    """Less cannot tell a trend from a start."""
    assert (measured(by_hand, lambda s: 100, secs=secs).slope is not None) == told


@pytest.mark.parametrize(
    "gain",
    [
        lambda rng: rng.gauss(0, 1),
        lambda rng: rng.choice([0.0, 0.0, 0.0, -4.0, 4.0]),
        lambda rng: rng.choice([0.1, -0.1]),
    ],
    ids=["by the pages", "in rare steps", "to and fro"],
)
def test_walks_without_a_trend_have_none(gain: Callable[[Random], float]) -> None:
    """In 99 of 100 the interval includes 0, where that of a line through what is held is wrong in every
    other."""
    sure, sure_of_a_line, walks = 0, 0, 500
    for seed in range(walks):
        rng, held = Random(seed), [0.0]
        held += accumulate(gain(rng) for _ in range(59))
        blocks = [Block(float(minute), mib) for minute, mib in enumerate(held)]
        _, low, high, _ = trend(blocks)
        sure += not low <= 0 <= high
        line = theilslopes(held, range(60), 0.99)
        sure_of_a_line += not line.low_slope <= 0 <= line.high_slope
    assert sure <= 0.02 * walks
    assert sure_of_a_line > 0.5 * walks


def test_one_step_is_no_trend_and_steady_steps_are() -> None:
    """A peak that was kept moved memory once; a leak does so again and again."""
    once = [Block(float(minute), 10.0 if minute > 4 else 0.0) for minute in range(30)]
    often = [Block(float(minute), float(minute // 2)) for minute in range(30)]
    for blocks, sure in ((once, False), (often, True)):
        slope, low, high, _ = trend(blocks)
        assert low < slope < high
        assert (low > 0) == sure


@pytest.mark.parametrize(
    ("secs", "samples", "told"), [(120, 9, False), (120, 10, True), (3600, 49, False)]
)
def test_a_slope_needs_five_sixths_of_the_parts(
    by_hand: ByHand, secs: int, samples: int, told: bool
) -> None:
    """What was not looked at for a fifth of the time has no trend; an hour has sixty parts."""
    part = max(10, secs // 60)
    found = measured(by_hand, lambda s: 100 + s, secs=secs, at=[n * part for n in range(samples)])
    assert (found.samples, found.slope is not None) == (samples, told)
    assert ("five sixths" in found.slope_reason) != told


@pytest.mark.parametrize("source", ["driver", "harness", "machine"])
def test_other_processes_are_not_the_engine(by_hand: ByHand, source: str) -> None:
    """Without a sample of the engine there is no figure at all."""
    assert measured(by_hand, lambda s: 100, source=source) == ProcessMemory(
        slope_reason="no samples"
    )


def test_without_a_window_there_is_only_a_peak(by_hand: ByHand) -> None:
    """A cell cut off in its warm-up."""
    by_hand.sample(-50, "engine", rss_bytes=90 * MIB)
    by_hand.unmark("window_begin")
    by_hand.unmark("window_end")
    assert process_memory(by_hand.open(), *ENGINE) == ProcessMemory(
        peak=90, slope_reason="no window"
    )


def test_hosts_that_live_at_a_time_are_added_up(by_hand: ByHand) -> None:
    """Peak, mean and slope are those of the sum; a round that takes its time is one round."""
    found = together(
        by_hand,
        one=(lambda s: 100 + 2 * s / 60, 0, 999),
        two=(lambda s: 50 + s / 60, 0, 999),
        three=(lambda s: 25, 0, 999),
    )
    assert (found.samples, found.slope_reason) == (480, "")
    assert found.slope == pytest.approx(3, abs=1e-3)
    assert found.peak == pytest.approx(175 + 3 * 119.75 / 60, abs=1e-3)
    assert found.mean == pytest.approx(175 + 3 * 119.75 / 120, abs=1e-3)


@pytest.mark.parametrize(("born", "gone"), [(0, 60), (60, 999), (30, 40)])
def test_a_life_that_begins_or_ends_inside_the_window_leaves_no_slope(
    by_hand: ByHand, born: float, gone: float
) -> None:
    """A step is no trend; peak and mean are those of all that lived at the time."""
    found = together(by_hand, one=(lambda s: 100, 0, 999), two=(lambda s: 60, born, gone))
    assert (found.slope, found.slope_low, found.late_slope) == (None, None, None)
    assert found.slope_reason == "a process began or ended inside the window"
    share = (min(gone, 120) - born) / 120
    assert found.peak == pytest.approx(160)
    assert found.mean == pytest.approx(100 + 60 * share, abs=0.5)


def test_a_host_and_its_next_life_are_not_added_up(by_hand: ByHand) -> None:
    """The second began when the first was gone."""
    found = together(by_hand, one=(lambda s: 100, 0, 60), two=(lambda s: 60, 60, 999))
    assert (found.peak, found.mean) == (100, pytest.approx(80))
    assert found.slope is None


def test_a_round_ends_where_a_process_is_seen_again() -> None:
    """Or where too much time has gone by for one round."""
    ms = NS_PER_SEC // 1000
    rows = [
        (0, "a", 1),
        (90 * ms, "b", 2),
        (240 * ms, "a", 3),
        (330 * ms, "b", 4),
        (580 * ms, "b", 5),
    ]
    rows += [(900 * ms, "a", 6)]
    assert [(one.at_ns // ms, one.held_bytes) for one in in_rounds(rows)] == [
        *((0, 3), (240, 7), (580, 5), (900, 6))
    ]
