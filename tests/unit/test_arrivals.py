"""When instances are due: profiles, evenly or as a Poisson process, and how they are written."""

import math
import random
from itertools import islice, pairwise, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.arrivals import FORMS, read_arrivals
from duroxide_stress.errors import UsageError
from duroxide_stress.units import NS_PER_SEC


def due_secs(text: str, until_secs: float, warmup_secs: float = 0, seed: int = 1) -> list[float]:
    """The due times of a load up to a moment after it began."""
    due = read_arrivals(text).due_ns(round(warmup_secs * NS_PER_SEC), random.Random(seed))
    return [ns / NS_PER_SEC for ns in takewhile(lambda ns: ns < until_secs * NS_PER_SEC, due)]


def test_a_constant_rate_is_exact() -> None:
    """The first is due at once, the others a gap apart, over warm-up and window alike."""
    due = due_secs("constant:50/s", 10, warmup_secs=2)
    assert len(due) == 500
    assert due[0] == 0
    assert {round(b - a, 9) for a, b in pairwise(due)} == {0.02}


def test_a_ramp_rises_evenly() -> None:
    """As many in each second as its rate says; before the window its first rate, afterwards its last."""
    due = due_secs("ramp:10..30/10s", 15, warmup_secs=2)
    per_sec = [sum(second <= at < second + 1 for at in due) for second in range(15)]
    assert per_sec[:2] == [10, 10]
    assert per_sec[12:] == [30, 30, 30]
    assert all(abs(n - (11 + 2 * second)) <= 1 for second, n in enumerate(per_sec[2:12]))
    assert len(due) == 20 + 200 + 90


def test_a_ramp_from_nothing_and_to_nothing() -> None:
    """A rate of 0 is a beginning or an end, and not an error; after the end nothing is due."""
    assert len(due_secs("ramp:0..20/10s", 10)) == 100
    falling = list(islice(read_arrivals("ramp:20..0/10s").due_ns(0, random.Random(1)), 1_000))
    assert len(falling) == 101
    assert falling[-1] == 10 * NS_PER_SEC


def test_steps_and_bursts() -> None:
    """Each step its time, the last for ever; a burst all at once."""
    due = due_secs("steps:10,20,40/5s", 20)
    counts = [sum(begin <= at < begin + 5 for at in due) for begin in (0, 5, 10, 15)]
    assert counts == [50, 100, 200, 200]
    assert due_secs("burst:3/2s", 5) == [0, 0, 0, 2, 2, 2, 4, 4, 4]


@pytest.mark.parametrize("seed", range(5))
def test_a_poisson_process_has_the_rate_and_the_spread_of_one(seed: int) -> None:
    """Gaps of mean and deviation 1/rate within five standard errors, and the same for one seed."""
    due = due_secs("constant:100/s,poisson", 100, seed=seed)
    assert due == due_secs("constant:100/s,poisson", 100, seed=seed)
    assert abs(len(due) - 10_000) < 5 * math.sqrt(10_000)
    gaps = [b - a for a, b in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert abs(deviation / mean - 1) < 0.07


@given(
    st.sampled_from(["constant:7.5/s", "ramp:0..9/4s", "ramp:9..1/4s", "steps:3,1,8/2s"]),
    st.booleans(),
    st.floats(0, 3),
)
def test_due_times_never_run_backwards_and_sum_to_what_is_wanted(
    text: str, poisson: bool, warmup_secs: float
) -> None:
    """Over the window as many as `wanted` says, evenly to within one."""
    text += ",poisson" if poisson else ""
    due = due_secs(text, warmup_secs + 10, warmup_secs)
    assert all(a <= b for a, b in pairwise(due))
    if not poisson:
        inside = sum(at >= warmup_secs for at in due)
        assert abs(inside - read_arrivals(text).wanted(0, 10)) <= 1.001


@pytest.mark.parametrize("form", FORMS.values())
def test_every_form_is_read(form: str) -> None:
    """As it stands in the messages."""
    arrivals = read_arrivals(form)
    assert arrivals.kind == form.partition(":")[0]
    assert arrivals.open == (arrivals.kind not in ("closed", "backlog"))


@pytest.mark.parametrize(
    "text",
    ["", "open", "constant", "constant:", "constant:0/s", "constant:-1/s", "constant:1e3/s",
     "constant:200000/s", "constant:50/m", "ramp:10/60s", "ramp:10..200", "ramp:0..0/5s",
     "ramp:1..2/0s", "ramp:1..2/soon", "steps:10/5s", "burst:0/5s", "burst:5,poisson", "backlog:0",
     "backlog:200000", "closed,poisson", "backlog:5,poisson", "constant:5/s,poison"],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(text: str) -> None:
    """Never anything but a UsageError, with what was found."""
    with pytest.raises(UsageError) as error:
        read_arrivals(text)
    (problem,) = error.value.problems
    assert problem.startswith("load ")
    assert "\n" not in problem


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """A load is a user's text."""
    try:
        read_arrivals(text)
    except UsageError:
        return
