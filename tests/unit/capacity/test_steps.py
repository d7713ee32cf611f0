"""When a rate holds."""

import math

import msgspec
import pytest

from duroxide_stress.capacity.slo import read_slo
from duroxide_stress.capacity.steps import Seen, judged, percentile, samples_wanted, wilson

SLO = read_slo("p99<200ms")
FINE = Seen(10.0, (50.0,) * 500, 500, 500, 0, 500, 0)


def word(seen: Seen, slo: str = "p99<200ms", success: float = 100.0) -> tuple[str, str]:
    """The judgement of one run."""
    step = judged(50.0, (seen,), read_slo(slo), success)
    return step.word, step.why


def test_the_interval_is_wilsons() -> None:
    """Against the figures of Newcombe 1998, "Two-sided confidence intervals", table I."""
    for over, samples, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(over, samples) == pytest.approx((low, high), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("slo", ["p50<1s", "p95<1s", "p99<1s", "p999<1s"])
def test_so_many_samples_that_none_over_decides(slo: str) -> None:
    """And never less than 300."""
    wanted = samples_wanted(read_slo(slo))
    seen = msgspec.structs.replace(FINE, latencies_ms=(50.0,) * wanted)
    assert wanted >= 300
    assert word(seen, slo) == ("holds", "")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"broken": ("effects", "books")}, "violated: effects, books"),
        ({"failed": 5, "succeeded": 495}, "success 99 %"),
        ({"dropped": 3}, "3 dropped"),
        ({"completed": 400}, "behind: 80 % completed"),
        ({"completed": 400, "in_flight": tuple(range(0, 400, 10))}, "behind: 80 % completed"),
        ({"unproven": "the host crashed"}, "nothing proven: the host crashed"),
        ({"latencies_ms": (50.0,) * 400 + (200.0,) * 100}, "17-24 % over 200ms"),
        ({"latencies_ms": (50.0,) * 400 + (math.inf,) * 100}, "17-24 % over 200ms"),
    ],
)
def test_what_does_not_hold(changes: dict[str, object], why: str) -> None:
    """One reason each."""
    assert word(FINE) == ("holds", "")
    assert word(msgspec.structs.replace(FINE, **changes)) == ("not", why)


def test_long_instances_are_not_behind_while_the_queue_is_level() -> None:
    """Those that began before the window's end and last long are no backlog."""
    seen = msgspec.structs.replace(
        FINE, completed=400, in_flight=(0, 40, 100, 101, 99, 102, 98, 100)
    )
    assert word(seen) == ("holds", "")


def test_allowed_failures_are_allowed() -> None:
    """Where the objective says so."""
    assert word(msgspec.structs.replace(FINE, failed=5, succeeded=495), success=99)[0] == "holds"


def test_near_the_bound_it_says_so() -> None:
    """One in a hundred is what is allowed."""
    seen = msgspec.structs.replace(FINE, latencies_ms=(50.0,) * 495 + (300.0,) * 5)
    assert word(seen) == ("unsure", "0.43-2.3 % over 200ms")


def test_runs_of_one_rate_are_merged() -> None:
    """Counts add up, and a queue that grew in one of them is not forgotten."""
    near = msgspec.structs.replace(FINE, latencies_ms=(50.0,) * 495 + (300.0,) * 5)
    step = judged(50.0, (near, FINE), SLO, 100.0)
    assert (step.word, step.samples, step.runs, step.secs) == ("unsure", 1000, 2, 20.0)
    behind = msgspec.structs.replace(FINE, completed=300)
    assert judged(50.0, (behind, FINE), SLO, 100.0).word == "not"


def test_a_mean_has_its_own_interval() -> None:
    """Normal, and never one where something did not complete."""
    spread = tuple(sorted([50.0, 150.0] * 250))
    seen = msgspec.structs.replace(FINE, latencies_ms=spread)
    assert word(seen, "mean<110ms") == ("holds", "")
    assert word(seen, "mean<101ms")[0] == "unsure"
    assert word(seen, "mean<90ms")[0] == "not"
    never = msgspec.structs.replace(FINE, latencies_ms=(50.0, math.inf))
    assert word(never, "mean<90ms") == ("not", "mean never")


def test_percentiles_are_nearest_rank() -> None:
    """Each a latency that some instance had; none where it would be one that never ended."""
    hundred = [float(n) for n in range(1, 101)]
    assert [percentile(hundred, q) for q in (0.5, 0.95, 0.99, 0.999)] == [50, 95, 99, 100]
    assert percentile([1.0, math.inf], 0.99) is None
    assert percentile([], 0.5) is None
