"""Intervals whose right value is known."""

from math import exp, log

import numpy as np
import pytest

from duroxide_stress.ledger.compare_series import Series
from duroxide_stress.ledger.compare_statistics import (
    QUANTILES,
    Sample,
    Spread,
    blocks_of,
    holm,
    judged,
    t_quantile,
    within,
)


def values(*given: float) -> list[Sample]:
    """Runs without time structure."""
    return [Sample(log(value), None) for value in given]


def independent(rng: np.random.Generator, count: int = 2000) -> Series:
    """Latencies that know nothing of each other."""
    due = np.sort(rng.uniform(0, 100, count))
    return Series(100.0, due, due, np.exp(rng.normal(5, 0.3, count)))


def test_the_interval_of_pairs_is_students() -> None:
    """By hand: differences 1, 2 and 3 per cent of logarithm."""
    base, candidate = values(1, 1, 1), values(exp(0.01), exp(0.02), exp(0.03))
    found = judged(base, candidate, paired=True, noise=0.05)
    assert found.change == pytest.approx(0.02)
    assert found.half == pytest.approx(4.3027 * 0.01 / 3**0.5, rel=1e-4)
    assert found.smallest == pytest.approx((4.3027 + 1.0607) * 0.01 / 3**0.5, rel=1e-3)
    assert found.p == pytest.approx(0.0742, rel=1e-2)


def test_the_interval_of_unpaired_runs_is_welchs() -> None:
    """Held against scipy."""
    from scipy.stats import ttest_ind

    base, candidate = values(1, 1.1, 1.3, 1.2), values(1.5, 1.4, 2.2)
    found = judged(base, candidate, paired=False, noise=0.05)
    right = ttest_ind([s.value for s in candidate], [s.value for s in base], equal_var=False)
    interval = right.confidence_interval(0.95)
    assert found.half == pytest.approx((interval.high - interval.low) / 2)
    assert found.p == pytest.approx(right.pvalue)


def test_a_single_run_varies_as_the_others_do() -> None:
    """One against three: two degrees of freedom."""
    found = judged(values(1.0), values(1.1, 1.2, 1.3), paired=False, noise=0.05)
    spread = np.std(np.log([1.1, 1.2, 1.3]), ddof=1)
    assert found.half == pytest.approx(4.3027 * spread * (4 / 3) ** 0.5, rel=1e-4)


def test_one_run_a_side_without_time_structure_has_no_interval() -> None:
    """Nothing says how much it varies."""
    found = judged(values(1.0), values(2.0), paired=False, noise=0.05)
    assert (found.half, found.smallest, found.p) == (None, None, None)


def test_runs_that_agree_by_rounding_are_not_certain() -> None:
    """No interval is narrower than one standard error of what varies within the runs."""
    inner = Spread(0.04, 10)
    same = [Sample(0.0, inner)] * 3
    found = judged(same, [Sample(0.01, inner)] * 3, paired=False, noise=0.05)
    assert found.half == pytest.approx(0.04 * (2 / 3) ** 0.5)
    assert judged(values(1, 1), values(1, 1), paired=False, noise=0.05).half is None


@pytest.mark.parametrize("metric", ["throughput", "mean", *QUANTILES])
def test_the_error_of_independent_latencies_is_the_textbooks(metric: str) -> None:
    """Of 200 windows, the mean error is that of the figure's own spread over windows."""
    rng = np.random.default_rng(1)
    errors, figures = [], []
    for _ in range(200):
        series = independent(rng, int(rng.poisson(2000)))
        spread = within(series, metric)
        assert spread is not None
        errors.append(spread.error)
        share = QUANTILES.get(metric)
        latencies = series.latency_ms
        value = latencies.mean() if share is None else np.quantile(latencies, share)
        figures.append(log(latencies.size if metric == "throughput" else value))
    assert 0.9 <= np.mean(errors) / np.std(figures) <= 1.5


def test_autocorrelation_widens() -> None:
    """A speed that wanders over seconds makes the mean less sure than as many independent ones."""
    rng = np.random.default_rng(2)
    due = np.linspace(0, 100, 4000, endpoint=False)
    wander = np.repeat(rng.normal(0, 0.3, 100), 40)
    noise = rng.normal(0, 0.1, 4000)
    slow = within(Series(100.0, due, due, np.exp(5 + wander + noise)), "mean")
    mixed = within(Series(100.0, due, due, np.exp(5 + rng.permutation(wander) + noise)), "mean")
    assert slow is not None
    assert mixed is not None
    assert slow.error > 3 * mixed.error


def test_a_window_too_short_has_no_blocks() -> None:
    """Fewer than five latencies long."""
    assert blocks_of(1.0, 201.0) == 0
    assert blocks_of(1.0, 200.0) == 5
    assert blocks_of(10.0, 400.0) == 8
    assert blocks_of(1000.0, 1.0) == 20


def test_a_tail_too_thin_has_no_interval() -> None:
    """A P99 of 120 latencies is one of them."""
    rng = np.random.default_rng(3)
    assert within(independent(rng, 120), "p99") is None
    assert within(independent(rng, 120), "p50") is not None


def test_what_has_no_time_structure() -> None:
    """Memory is one figure a run; no latencies are none."""
    rng = np.random.default_rng(4)
    assert within(independent(rng), "memory") is None
    assert within(Series(10.0, np.array([]), np.array([]), np.array([])), "mean") is None


def test_holm_allows_for_all() -> None:
    """By hand: 0.01 of four stands (0.0125), 0.02 does not (0.0167), and what follows neither."""
    assert holm([0.02, 0.01, None, 0.6, 0.021]) == [False, True, False, False, False]
    assert holm([]) == []


def test_a_quantile_of_student() -> None:
    """As in the tables."""
    assert t_quantile(0.975, 4) == pytest.approx(2.7764, rel=1e-4)
