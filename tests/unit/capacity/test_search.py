"""The search against an engine whose limit is known."""

import pytest

from duroxide_stress.capacity.search import MIN_SECS, Limits, search
from duroxide_stress.capacity.slo import read_slo

from .made_up import MadeUp, limit

SLO = read_slo("p99<200ms")
PLENTY = Limits(budget_secs=36_000)


@pytest.mark.parametrize("mu", [60.0, 110.0, 250.0, 3000.0])
@pytest.mark.parametrize("estimate", [0.2, 1.0, 3.0])
def test_the_limit_is_found_within_a_tenth(mu: float, estimate: float) -> None:
    """Of the bracket, whatever the closed loop made of it; what is unsure is left below."""
    found = search(SLO, PLENTY, estimate * mu, MadeUp(mu))
    assert found.low is not None
    assert found.high is not None
    assert found.close
    assert found.low / 1.05 <= limit(mu, 200) <= found.high * 1.1
    assert found.stopped == "the bracket is within 10 %"


@pytest.mark.parametrize("mu", [60.0, 110.0, 250.0, 3000.0])
def test_with_enough_samples_the_capacity_itself_is_within_a_tenth(mu: float) -> None:
    """A P95 needs a fifth of what a P99 needs."""
    found = search(read_slo("p95<200ms"), PLENTY, mu, MadeUp(mu))
    assert found.low == pytest.approx(limit(mu, 200, 0.05), rel=0.1)


def test_too_few_instances_to_tell_are_no_reason_to_ask_for_fewer() -> None:
    """At 3/s a minute has 180 of them, and P99 takes 400."""
    found = search(SLO, PLENTY, 6, MadeUp(30))
    assert (found.low, len(found.steps)) == (None, 1)
    assert found.stopped.startswith("3/s has too few instances in 60 s to tell p99<200ms")


@pytest.mark.parametrize("budget", [5, 12, 30, 47, 60, 90, 120, 200, 400])
@pytest.mark.parametrize("mu", [30.0, 60.0, 250.0])
def test_it_never_asks_beyond_the_budget(mu: float, budget: float) -> None:
    """What an overloaded step leaves to be drained is counted in."""
    made = MadeUp(mu)
    found = search(SLO, Limits(budget_secs=budget), mu, made)
    assert made.spent_secs <= budget * 1.02
    assert all(MIN_SECS <= ask.secs <= 60 for ask in made.asks)
    if not found.close:
        assert "budget is used up" in found.stopped or "too few instances" in found.stopped


def test_noise_at_the_bound_is_unsure_and_repeated_once() -> None:
    """At the limit itself neither one run nor two can tell; a fresh seed is asked for."""
    mu = 60.0
    made = MadeUp(mu)
    found = search(SLO, PLENTY, 2 * limit(mu, 200), made)
    first = found.steps[0]
    assert first.rate == pytest.approx(limit(mu, 200), rel=0.01)
    assert (first.word, first.runs) == ("unsure", 2)
    assert [ask.attempt for ask in made.asks[:2]] == [1, 2]
    assert first.figure_low is not None
    assert first.figure_high is not None
    assert first.figure_low < 0.01 < first.figure_high
    assert found.low is not None
    assert found.low < first.rate  # it counts as not holding


def test_nothing_holds() -> None:
    """A bound below the shortest time there is: it goes down so far and no further."""
    made = MadeUp(60)
    found = search(read_slo("p50<1ms"), PLENTY, 60, made)
    assert (found.low, found.stopped) == (None, "no rate held, however low")
    assert all(step.word == "not" for step in found.steps)


def test_everything_holds_up_to_the_cap() -> None:
    """The cap is offered, and nothing beyond it."""
    made = MadeUp(1e9)
    found = search(SLO, Limits(budget_secs=3600, rate_cap=500), 100, made)
    assert (found.low, found.high, found.close) == (500, None, False)
    assert found.stopped == "500/s is the most that is offered, and it held"
    assert max(ask.rate for ask in made.asks) == 500


def test_doubling_is_bounded() -> None:
    """A first estimate that was a thousand times too low is left as it is."""
    found = search(read_slo("p50<200ms"), PLENTY, 2, MadeUp(1e9, warmup_secs=0))
    assert found.high is None
    assert found.stopped.startswith("every rate held that was offered, up to 102")


def test_an_interrupt_keeps_what_is_known() -> None:
    """The step that was cut off counts for nothing."""
    made = MadeUp(60)
    made.interrupt_at = 2
    found = search(SLO, PLENTY, 40, made)
    assert (found.low, found.stopped, len(found.steps)) == (20, "interrupted", 1)


def test_an_interrupted_repetition_leaves_the_step_unsure() -> None:
    """What its first run said stays."""
    made = MadeUp(60)
    made.interrupt_at = 2
    found = search(SLO, PLENTY, 2 * limit(60, 200), made)
    assert [(step.word, step.runs) for step in found.steps] == [("unsure", 1)]
    assert found.stopped == "interrupted"


def test_a_broken_promise_does_not_hold_at_any_rate() -> None:
    """However fast it was."""
    made = MadeUp(60)
    made.changes = {"broken": ("effects",)}
    found = search(SLO, PLENTY, 60, made)
    assert found.low is None
    assert {step.why for step in found.steps} == {"violated: effects"}


def tiring() -> MadeUp:
    """Serves 110 a second for twenty seconds, and 60 in a longer window: a store that fills."""
    made = MadeUp(110)
    made.tires_after_secs, made.tired_mu = 20, 60
    return made


def test_what_holds_for_some_seconds_is_not_taken_for_a_capacity() -> None:
    """Long steps find the rate that lasts, beginning with what was completed."""
    made = tiring()
    found = search(SLO, PLENTY, 110, made)
    assert found.confirmed
    assert found.low is not None
    assert limit(60, 200) / 1.25 <= found.low <= limit(60, 200) * 1.05
    long = [ask for ask in made.asks if ask.attempt == 3]
    assert long[0].rate > 60
    assert all(ask.secs >= 40 for ask in long)
    held = [step.rate for step in found.steps if step.word == "holds"]
    assert max(held) > found.low  # what was only sounded


def test_without_room_for_a_long_step_nothing_is_confirmed() -> None:
    """And it says so; the rate that was sounded is still told."""
    made = tiring()
    found = search(SLO, Limits(budget_secs=90), 110, made)
    assert (found.confirmed, found.stopped) == (False, "the budget is used up")
    assert found.low is not None
    assert all(ask.attempt < 3 for ask in made.asks)
    assert made.spent_secs <= 90


def test_a_rate_that_failed_for_long_is_no_capacity_though_it_held_for_short() -> None:
    """Not even when the budget ends before a lower one is confirmed."""
    made = tiring()
    found = search(SLO, Limits(budget_secs=160), 110, made)
    failed = [ask.rate for ask in made.asks if ask.attempt == 3]
    assert failed
    assert not found.confirmed
    assert found.low is None or found.low < min(failed)


def test_an_engine_that_lasts_is_confirmed_at_once() -> None:
    """One long step, at the rate that was sounded."""
    made = MadeUp(250)
    found = search(read_slo("p95<200ms"), PLENTY, 250, made)
    assert found.confirmed
    assert [ask.rate for ask in made.asks if ask.attempt == 3] == [found.low]


@pytest.mark.parametrize("mu", [38.0, 40.0])
def test_no_step_is_cut_so_short_that_it_could_not_hold(mu: float) -> None:
    """However little the budget leaves: 381 of which none is over say that a P99 holds."""
    for budget in range(40, 1_000):
        made = MadeUp(mu)
        search(SLO, Limits(budget_secs=budget), mu, made)
        assert all(ask.rate * ask.secs >= 381 or ask.secs >= 60 for ask in made.asks), budget
        assert made.spent_secs <= budget * 1.02
        left = [ask.left_secs for ask in made.asks]
        assert left == sorted(left, reverse=True)
        assert max(left, default=0) <= budget
