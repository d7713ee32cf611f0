"""A mixture under load: every part goes on to the end, and has figures that sum up to the total."""

import pytest

from duroxide_stress.scenarios.mixed import DEFAULT_WEIGHTS

from .conftest import JudgedOf

ALL = {"events": 1, "large-payload": 1, "cancellation": 1}


@pytest.mark.parametrize("options", [{}, ALL, {"parallel": 100}, {"parallel": 0}])
@pytest.mark.parametrize("max_concurrent", [3, 20])
def test_no_part_is_starved(judged: JudgedOf, options: dict[str, int], max_concurrent: int) -> None:
    """Launches follow the weights to within an instance, also while slow parts hold slots."""
    run = judged("mixed", options, max_concurrent=max_concurrent, duration_secs=3)
    run.all_is_well("cancellation", "children", "messages")
    weights = {name: w for name, w in {**DEFAULT_WEIGHTS, **options}.items() if w}
    launched = {part.name: part.launched for part in run.cell.parts}
    assert sum(launched.values()) == run.cell.launched
    for name, weight in weights.items():
        due = run.cell.launched * weight / sum(weights.values())
        assert abs(launched.get(name, 0) - due) < len(weights)


def test_parts_sum_up(judged: JudgedOf) -> None:
    """Completions, rates and latencies of the parts are those of the whole, dealt out."""
    run = judged("mixed", ALL, duration_secs=3)
    parts = run.cell.parts
    assert [part.name for part in parts] == sorted({*DEFAULT_WEIGHTS, *ALL})
    assert sum(part.completed for part in parts) == run.cell.completed
    assert sum(part.failed for part in parts) == run.cell.failed == 0
    rates = [part.orchestrations_per_sec for part in parts]
    assert all(rate is not None and rate > 0 for rate in rates)
    assert sum(filter(None, rates)) == pytest.approx(run.cell.orchestrations_per_sec)
    assert sum(part.latency_ms.samples for part in parts) == run.cell.latency_ms.samples
