"""Figures against numbers worked out by hand."""

from math import ceil
from random import Random

import pytest

from duroxide_stress.measure import metrics
from duroxide_stress.result import CATEGORIES, Latency, Window

from .by_hand import ByHand


def test_throughput_is_what_ended_inside_the_window_over_its_length(by_hand: ByHand) -> None:
    """Durable ends count from the opening (in) to the closing (out), whenever they were due."""
    for due, durable in ((-100, -1), (-100, 0), (5, 4_000), (9_000, 9_999), (9_000, 10_000)):
        by_hand.complete(due, durable)
    by_hand.complete(100, None)
    by_hand.fail(100, "no")
    recording = by_hand.open()
    window = metrics.window(recording)
    assert (window.secs, window.completions) == (10.0, 3)
    assert by_hand.recorded.judged().orchestrations_per_sec == pytest.approx(0.3)


@pytest.mark.parametrize("border", ["window_begin", "window_end"])
def test_a_window_that_never_opened_or_closed_gives_no_rate(by_hand: ByHand, border: str) -> None:
    """Null, not zero."""
    by_hand.complete(5, 50)
    by_hand.unmark(border)
    window = metrics.window(by_hand.open())
    assert (window.secs, window.completions) == (None, 0)
    cell = by_hand.recorded.judged()
    assert (cell.orchestrations_per_sec, cell.activities_per_sec, cell.cpu_cores) == (None,) * 3


def test_without_books_there_is_no_rate(by_hand: ByHand) -> None:
    """No durable end is known, which is not the same as none in the window."""
    by_hand.complete(5, None)
    recorded = by_hand.save()
    for name in ("executions", "history"):
        recorded.path(name).unlink()
    recorded.recount()
    assert recorded.judged().orchestrations_per_sec is None


def test_latency_is_over_what_was_due_in_the_window(by_hand: ByHand) -> None:
    """However late it ended; what was due before, or at the closing, is not in it."""
    for due, latency in ((-1, 500), (0, 40), (5_000, 60), (9_999, 9_001), (10_000, 500)):
        by_hand.complete(due, due + latency)
    by_hand.fail(100, "no")
    by_hand.give_up(200, "timeout")
    recording = by_hand.open()
    found = metrics.latency(recording, metrics.window(recording), "durable")
    assert (found.samples, found.mean, found.max) == (3, round((40 + 60 + 9_001) / 3, 3), 9_001)


def test_each_clock_runs_from_due(by_hand: ByHand) -> None:
    """A start call that was begun late lengthens the latency, it does not shorten it."""
    by_hand.complete(100, 160, begun_ms=150.25, seen_ms=163.5)
    recording = by_hand.open()
    window = metrics.window(recording)
    means = {c: metrics.latency(recording, window, c).mean for c in ("durable", "seen", "begun")}
    assert means == {"durable": 60.0, "seen": 63.5, "begun": 50.25}


def test_an_instance_without_books_has_only_the_clients_latency(by_hand: ByHand) -> None:
    """Its durable end is not known."""
    by_hand.complete(100, None, seen_ms=180)
    recording = by_hand.open()
    window = metrics.window(recording)
    assert metrics.latency(recording, window, "durable") == Latency()
    assert metrics.latency(recording, window, "seen").samples == 1


def test_latency_needs_an_open_window(by_hand: ByHand) -> None:
    """A window that opened and was cut off still has its latencies; one that did not has none."""
    by_hand.complete(100, 160)
    by_hand.unmark("window_end")
    recording = by_hand.open()
    opened = metrics.window(recording)
    assert metrics.latency(recording, opened, "durable").samples == 1
    assert metrics.latency(recording, Window(None, None, None, 0), "durable") == Latency()


@pytest.mark.parametrize("n", [1, 2, 3, 19, 20, 99, 100, 101, 1_000, 1_001])
def test_percentiles_are_nearest_rank(by_hand: ByHand, n: int) -> None:
    """Each is the ⌈q·n⌉-th smallest latency, which some instance really had."""
    rng = Random(n)
    latencies = [rng.randrange(1, 5_000) for _ in range(n)]
    for latency in latencies:
        by_hand.complete(0, latency)
    recording = by_hand.open()
    found = metrics.latency(recording, metrics.window(recording), "durable")
    ranked = sorted(latencies)
    # Per mille in whole numbers: 0.95 · 20 in floating point is no place to learn about ranks.
    expected = [ranked[ceil(mille * n / 1000) - 1] for mille in (500, 950, 990, 999)]
    assert [found.p50, found.p95, found.p99, found.p999] == expected
    assert found.max == ranked[-1]


def test_failures_are_split_by_category(by_hand: ByHand) -> None:
    """Books first; a timeout and a refused start have categories of their own."""
    by_hand.complete(0, 10)
    for category in ("infrastructure", "configuration", "poison", "poison", "canceled", None):
        by_hand.fail(0, "no", category)
    by_hand.refuse(0, "read-only")
    by_hand.give_up(0, "timeout")
    by_hand.give_up(0, "interrupted")
    by_hand.launch(0)
    found = metrics.counts(by_hand.open())
    assert list(found.by_category) == list(CATEGORIES)
    assert found.by_category == {
        "infrastructure": 1,
        "configuration": 1,
        "application": 2,
        "poison": 2,
        "timeout": 1,
        "client": 1,
    }
    assert (found.launched, found.completed, found.failed, found.undecided) == (11, 1, 8, 2)
    assert found.success_rate == pytest.approx(100 / 9)


def test_success_rate_of_nothing_is_no_figure(by_hand: ByHand) -> None:
    """Instances that nobody saw end are neither successes nor failures."""
    by_hand.launch(0)
    assert metrics.counts(by_hand.open()).success_rate is None


def test_failure_words_are_the_engines_most_frequent_first(by_hand: ByHand) -> None:
    """At most five, equal counts in the order of the alphabet."""
    for times, words in ((1, "f"), (3, "busy"), (1, "b"), (2, "locked"), (1, "c"), (1, "a")):
        for _ in range(times):
            by_hand.fail(0, words)
    words = metrics.counts(by_hand.open()).words
    assert list(words.items()) == [("busy", 3), ("locked", 2), ("a", 1), ("b", 1), ("c", 1)]


def test_activities_are_counted_where_they_ended(by_hand: ByHand) -> None:
    """Ends over the whole cell, and those inside the window per second; begins are none."""
    for phase, ms in (("end", -1), ("end", 0), ("end", 9_999.9), ("end", 10_000), ("begin", 50)):
        by_hand.line("effects", phase=phase, token="t", instance="i", run=0, at_ns=by_hand.at(ms))
    recording = by_hand.open()
    assert metrics.activities(recording, metrics.window(recording)) == (4, 0.2)
    assert metrics.activities(recording, Window(None, None, None, 0)) == (4, None)


def test_time_per_completion_is_run_time_over_completions(by_hand: ByHand) -> None:
    """From the first start to the drained cell: 0.2 + 10 + 1 seconds over four."""
    recording = by_hand.open()
    assert metrics.time_per_completion_ms(recording, 4) == pytest.approx(2_800)
    assert metrics.time_per_completion_ms(recording, 0) is None


def test_time_per_completion_needs_a_drained_cell(by_hand: ByHand) -> None:
    """A cell that was cut off has none."""
    by_hand.unmark("drained")
    assert metrics.time_per_completion_ms(by_hand.open(), 4) is None


def test_cores_are_cpu_time_over_time_summed(by_hand: ByHand) -> None:
    """Between the first and the last sample inside the window, for each source on its own."""
    by_hand.cores("engine", 1.5)
    by_hand.cores("driver", 0.25)
    by_hand.sample(-50, "engine", cpu_ns=0)
    recording = by_hand.open()
    window = metrics.window(recording)
    assert metrics.cores_used(recording, window, "engine") == pytest.approx(1.5)
    assert metrics.cores_used(recording, window, "engine", "driver") == pytest.approx(1.75)
    assert metrics.cores_used(recording, window, "machine") is None


@pytest.mark.parametrize("moments", [(), (1_000,), (1_000, 1_000)])
def test_cores_need_two_moments(by_hand: ByHand, moments: tuple[float, ...]) -> None:
    """Without two there is no figure, and no error."""
    for ms in moments:
        by_hand.sample(ms, "engine", cpu_ns=5)
    recording = by_hand.open()
    assert metrics.cores_used(recording, metrics.window(recording), "engine") is None
