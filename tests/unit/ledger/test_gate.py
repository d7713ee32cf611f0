"""The gate on series whose noise is fixed. How often it errs is measured by its benchmark."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duroxide_stress.ledger.detector import (
    MIN_ENTRIES,
    NEWEST,
    clipped_at,
    look,
    newest,
    weight,
)
from duroxide_stress.ledger.gate import LEAST, SETTLED, Reading, read, walk
from duroxide_stress.ledger.thresholds import THRESHOLDS, threshold


def noise(seed: int, entries: int, level: float = 100.0, deviation: float = 3.0) -> list[float]:
    """Gaussian, the same for the same seed."""
    source = random.Random(seed)
    return [source.gauss(level, deviation) for _ in range(entries)]


def stepped(values: list[float], at: int, by: float) -> list[float]:
    """The series with a step at an entry."""
    return [value + by * (number >= at) for number, value in enumerate(values)]


QUIET = noise(1, 60)


def test_a_quiet_series_is_quiet() -> None:
    """And what it is like is said."""
    reading = read(QUIET)
    assert (reading.change, reading.settled, reading.missing) == (None, (), 0)
    assert reading.level == pytest.approx(100, abs=1.5)
    assert reading.noise == pytest.approx(3, abs=1)
    assert reading.visible is not None
    assert 0.05 < reading.visible < 0.2


@pytest.mark.parametrize(("by", "up"), [(20.0, True), (-20.0, False)])
def test_a_step_rings_with_its_size_and_its_first_entry(by: float, up: bool) -> None:
    """To either side."""
    change = read(stepped(QUIET, 55, by)).change
    assert change is not None
    assert (change.first, change.up) == (55, up)
    assert change.before == pytest.approx(100, abs=1.5)
    assert change.after == pytest.approx(100 + by, abs=4)
    assert change.relative == pytest.approx(by / 100, abs=0.04)
    assert change.certainty > 1


def test_it_rings_from_the_third_entry_or_the_fourth_until_it_is_the_normal() -> None:
    """Two are not enough; a level that has lasted is accepted, and named as settled from then on."""
    values = stepped(noise(2, 90), 60, 30.0)
    rings = [at for at, change, _ in walk(np.array(values)) if change is not None]
    assert rings == list(range(rings[0], 60 + SETTLED))
    assert rings[0] in (62, 63)
    reading = read(values)
    assert reading.change is None
    assert [change.first for change in reading.settled] == [60]
    assert reading.level == pytest.approx(130, abs=2)
    assert reading.entries == 30


def test_the_next_step_is_held_against_the_new_level() -> None:
    """Back to where it was is a change too."""
    values = stepped(stepped(noise(3, 120), 60, 30.0), 115, -30.0)
    change = read(values).change
    assert change is not None
    assert (change.first, change.up) == (115, False)
    assert change.before == pytest.approx(130, abs=2)


@pytest.mark.parametrize("wild", [1000.0, -1000.0, 1e9])
def test_one_wild_entry_never_rings(wild: float) -> None:
    """Nor do two: nothing counts for more than the clip."""
    for places in ((59,), (58, 59), (50,), (30,), (10, 59)):
        values = list(QUIET)
        for place in places:
            values[place] += wild
        assert read(values).change is None


def test_autocorrelation_is_allowed_for() -> None:
    """A run of high entries rings where entries are independent, not where they often come in runs."""
    source = random.Random(5)
    wander, wanders = 0.0, []
    for _ in range(100):
        wander = 0.8 * wander + 0.6 * source.gauss(0, 3)
        wanders.append(100 + wander)
    shuffled = list(wanders)
    source.shuffle(shuffled)
    high = 2.5 * float(np.std(wanders))
    correlated = read(stepped(wanders, 96, high))
    independent = read(stepped(shuffled, 96, high))
    assert correlated.correlation is not None
    assert independent.correlation is not None
    assert correlated.correlation > 0.5
    assert independent.correlation < 0.3
    assert correlated.visible is None or correlated.visible > 1.5 * (independent.visible or 9)
    assert independent.change is not None
    assert correlated.change is None


def test_a_change_too_small_to_matter_does_not_ring() -> None:
    """However sure it is; unless one asks for it."""
    values = stepped(noise(4, 60, deviation=0.05), 54, 1.5)
    assert read(values).change is None
    assert read(values, least=0.01).change is not None
    assert read(stepped(values, 54, 1.0)).change is not None
    assert LEAST == 0.02


@pytest.mark.parametrize("entries", range(MIN_ENTRIES))
def test_too_few_entries_say_nothing(entries: int) -> None:
    """But how many more it takes."""
    nothing = Reading(entries, MIN_ENTRIES - entries, None, None, None, None, None, ())
    assert read(stepped(QUIET[:entries], entries - 3, 900.0)) == nothing


def test_an_enormous_step_is_seen_as_soon_as_anything_is() -> None:
    """Four entries after eight."""
    change = read(stepped(QUIET[:12], 8, 90.0)).change
    assert change is not None
    assert change.first == 8


@settings(max_examples=40)
@given(st.floats(-1e6, 1e6), st.integers(1, 140), st.integers(0, 12))
def test_a_constant_series_never_rings(level: float, entries: int, wild: int) -> None:
    """Not with a wild entry in it either."""
    assert read([level] * entries).change is None
    values = [level] * entries
    values[wild % entries] = level * 3 + 1
    assert read(values).change is None


def test_a_step_of_a_constant_series_rings() -> None:
    """There is no noise to hide it; from nothing it has no relative size."""
    change = read([5.0] * 20 + [6.0] * 4).change
    assert change is not None
    assert (change.first, change.before, change.after) == (20, 5.0, 6.0)
    assert change.relative == pytest.approx(0.2)
    from_nothing = read([0.0] * 20 + [6.0] * 4).change
    assert from_nothing is not None
    assert from_nothing.relative is None


@settings(max_examples=40)
@given(
    st.integers(0, 10_000),
    st.integers(12, 80),
    st.sampled_from([2.0**n for n in (-20, -3, 1, 10, 30)]),
    st.sampled_from([0.0, 6.0, -25.0]),
)
def test_the_unit_does_not_matter(seed: int, entries: int, factor: float, step: float) -> None:
    """Seconds or milliseconds: the same answer; powers of two, so that no rounding interferes."""
    values = stepped(noise(seed, entries), entries - 5, step)
    one, other = read(values), read([factor * value for value in values])
    assert (one.change is None) == (other.change is None)
    assert one.visible == other.visible
    assert one.correlation == other.correlation
    if one.change is not None and other.change is not None:
        assert one.change.first == other.change.first
        assert one.change.relative == other.change.relative
        assert one.change.before * factor == other.change.before


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(12, 60), st.sampled_from([0.0, 8.0]))
def test_up_and_down_are_alike(seed: int, entries: int, step: float) -> None:
    """The mirror image says the mirror image."""
    values = stepped(noise(seed, entries, level=0.0), entries - 4, step)
    one, other = look(np.array([values])), look(-np.array([values]))
    assert one.score[0] == pytest.approx(-other.score[0])
    assert one.length[0] == other.length[0]


def test_series_are_looked_at_one_by_one() -> None:
    """What stands beside it changes nothing."""
    several = np.array([noise(seed, 70) for seed in range(6)])
    together = look(several)
    for row, values in enumerate(several):
        alone = look(values[None, :])
        assert alone.score[0] == pytest.approx(together.score[row])
        assert alone.visible[0] == pytest.approx(together.visible[row])


def test_the_score_by_hand() -> None:
    """Ten entries that alternate around 10 by 1 or 1.5, then five at 14, independent of another."""
    base = [11.0, 9.0, 11.5, 8.5] * 2 + [11.0, 9.0]
    found = look(np.array([base + [14.0] * 5]))
    deviation = math.sqrt(15 / 9)
    assert found.level[0] == 10
    assert found.noise[0] == pytest.approx(deviation)
    assert found.correlation[0] == 0, "what alternates is not taken for more than independent"
    apart = {k: 4 / deviation / math.sqrt(1 / k + 1 / 10) for k in (3, 4, 5)}
    assert found.length[0] == 5, "where it stands out most"
    weights = {3: 1.08, 4: 1.0, 5: 1.04}
    furthest = max(apart[k] / weights[k] for k in apart)
    assert found.score[0] == pytest.approx(furthest / threshold(15))


def test_the_error_of_a_correlated_mean_by_hand() -> None:
    """Against the sum over all pairs, for an AR(1) process."""
    from duroxide_stress.ledger.detector import _error

    phi, k, before = 0.6, 4, 30
    signs = [-1 / before] * before + [1 / k] * k
    pairs = enumerate(signs)
    variance = sum(a * b * phi ** abs(i - j) for i, a in pairs for j, b in enumerate(signs))
    found = _error(np.array([[phi]]), np.array([k]), before)
    assert found[0, 0] == pytest.approx(math.sqrt(variance))


def test_how_many_entries_may_be_the_changed_ones() -> None:
    """A third, twelve at most; the clip is wide where there are few before them."""
    assert [newest(n) for n in (12, 15, 36, 37, 500)] == [4, 5, NEWEST, NEWEST, NEWEST]
    assert [clipped_at(n) for n in (8, 40, 100)] == [8.0, 4.0, 2.8]
    assert weight(np.array([3, 4, 12])).tolist() == pytest.approx([1.08, 1.0, 1.32])


def test_thresholds_lie_between_those_that_were_simulated() -> None:
    """And stay as they are beyond the longest."""
    lengths = [length for length, _ in THRESHOLDS]
    assert lengths == sorted(set(lengths))
    assert (lengths[0], lengths[-1]) == (MIN_ENTRIES, 112)
    for (low, below), (high, above) in pairwise(THRESHOLDS):
        assert threshold(low) == below
        between = threshold((low + high) // 2)
        assert min(below, above) <= between <= max(below, above)
    assert threshold(5000) == threshold(112) == THRESHOLDS[-1][1]


def test_a_long_series_is_walked_as_a_short_one() -> None:
    """Beyond 112 entries all looks are taken at once, and say the same as one after another."""
    values = np.array(stepped(noise(6, 400), 250, 14.0))
    walked = [change for _, change, _ in walk(values)]
    assert [c.first for c in read(list(values)).settled] == [250]
    for end in (111, 112, 113, 180, 253, 254, 258, 261):
        alone = read(list(values[:end])).change
        assert (alone is None) == (walked[end - 1] is None)
        if alone is not None and walked[end - 1] is not None:
            assert alone.first == walked[end - 1].first
            assert alone.certainty == pytest.approx(walked[end - 1].certainty)


def test_seeded_series_stay_quiet_and_steps_are_seen() -> None:
    """A few of the benchmark's: 100 quiet series of 112 ring in at most 10 of 10,100 checks; of their
    steps of three deviations after 100 entries, at least 90 are seen within four entries."""
    quiet = np.array([noise(seed, 112) for seed in range(100)])
    looks = [look(quiet[:, :end]) for end in range(MIN_ENTRIES, 113)]
    assert sum(int((np.abs(found.score) > 1).sum()) for found in looks) <= 10
    quiet[:, 100:] += 9.0
    seen = [look(quiet[:, :end]).score > 1 for end in range(101, 105)]
    assert np.any(seen, axis=0).sum() >= 90


@pytest.mark.parametrize("ratio", [0.15, 0.25, 0.4, 0.7, 1.5])
@pytest.mark.parametrize("entries", [16, 20, 40, 60, 112])
def test_figures_that_come_in_steps_stay_quiet(ratio: float, entries: int) -> None:
    """A count in a short window is one: most entries are alike, and one step off is noise all the same.
    The deviation is so much of a step; levels lie anywhere between two."""
    source = np.random.default_rng([entries, int(100 * ratio)])
    between = source.uniform(-0.5, 0.5, (3000, 1))
    steps = np.round(33 + between + ratio * source.standard_normal((3000, entries)))
    assert (np.abs(look(steps / 2).score) > 1).sum() <= 6


def test_a_step_of_figures_that_come_in_steps_rings() -> None:
    """Two of the figure's steps, with most entries alike before it."""
    values = [16.5] * 17 + [17.0] * 6 + [16.0] * 5
    random.Random(1).shuffle(values)
    assert read(values * 3).change is None
    change = read(values * 3 + [15.0, 15.5, 15.0, 15.0, 15.5]).change
    assert change is not None
    assert change.first in (84, 85)


def test_a_wild_entry_hides_no_step_of_a_constant_series() -> None:
    """The smallest gap is the figure's step, wherever it stands."""
    values = [5.0] * 20 + [16.0] + [5.0] * 90 + [6.0] * 7
    assert read(values).change is not None


def test_the_noise_that_rounding_hides_by_hand() -> None:
    """Six tenths of the smallest gap, wherever that is; of a baseline that is all alike less, the more
    entries it has; nothing where all is alike, and what differs by how it was computed is alike."""
    two = look(np.array([[5.0] * 9 + [5.5] + [6.0, 6.0, 6.25, 6.0, 6.0]]))
    assert two.noise[0] == pytest.approx(max(0.6 * 0.25, np.std([5.0] * 9 + [5.5], ddof=1)))
    wide = look(np.array([[5.0] * 9 + [7.0] + [5.0] * 5]))
    assert wide.noise[0] == pytest.approx(0.6 * 2)
    alike = look(np.array([[0.1 + 0.2, 0.3] * 5 + [0.5] * 5]))
    assert alike.noise[0] == pytest.approx(0.2 * math.sqrt(1 / 12 * 11 / 12))
    assert look(np.array([[5.0] * 15])).noise[0] == 0
