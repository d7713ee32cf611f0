"""The grammar of objectives."""

import pytest

from duroxide_stress.capacity.slo import read_slo
from duroxide_stress.errors import UsageError


@pytest.mark.parametrize(
    ("text", "figure", "bound_ms", "allowed"),
    [
        ("p50<2s", "p50", 2000, 0.5),
        ("p95 < 1.5s", "p95", 1500, 0.05),
        (" P99<200ms ", "p99", 200, 0.01),
        ("p999<1m", "p999", 60_000, 0.001),
        ("mean<0.5s", "mean", 500, None),
    ],
)
def test_what_is_read(text: str, figure: str, bound_ms: float, allowed: float | None) -> None:
    """And read again as it is written."""
    slo = read_slo(text)
    assert (slo.figure, slo.bound_ms, slo.allowed) == (figure, bound_ms, allowed)
    assert read_slo(str(slo)) == slo


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not an objective"),
        ("<200ms", "is not an objective"),
        ("p99", "< must stand before the duration, found none"),
        ("p99>200ms", "< must stand before the duration, found >"),
        ("p99<=200ms", "< must stand before the duration, found <="),
        ("p99<200", "'200' is no duration with a unit"),
        ("p99<fast", "'fast' is no duration with a unit"),
        ("p99<", "'' is no duration with a unit"),
        ("p99<1.2.3s", "not a duration"),
        ("p99<0ms", "the bound must be between 1ms and 1h"),
        ("p99<2h", "the bound must be between 1ms and 1h"),
        ("p98<200ms", "no figure 'p98'"),
    ],
)
def test_every_mistake_is_one_sentence(text: str, said: str) -> None:
    """Which says what would be right."""
    with pytest.raises(UsageError) as caught:
        read_slo(text)
    (problem,) = caught.value.problems
    assert said in problem
    assert "\n" not in problem


def test_two_mistakes_are_two_sentences() -> None:
    """Both at once."""
    with pytest.raises(UsageError) as caught:
        read_slo("p98<200")
    assert len(caught.value.problems) == 2
