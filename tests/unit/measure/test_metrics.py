"""Figures against numbers worked out by hand."""

from math import ceil
from random import Random

import pytest

from duroxide_stress.measure import metrics
from duroxide_stress.recording.records import CANARY
from duroxide_stress.result import CATEGORIES, Latency, Window
from duroxide_stress.units import NS_PER_SEC

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


PLANNED = {"status": "Failed", "error": "planned failure at step 0.1"}


@pytest.mark.parametrize(
    ("owed", "error", "completed"),
    [
        (PLANNED, "RuntimeError: planned failure at step 0.1", 1),
        (PLANNED, "planned failure at step 0.2", 0),
        ({"canceled": "canceled: enough"}, "canceled: enough of it", 1),
        ({"canceled": "canceled: enough"}, "planned failure at step 0.1", 0),
        ({**PLANNED, "canceled": "canceled: enough"}, "canceled: enough", 1),
        ({}, "planned failure at step 0.1", 0),
    ],
)
def test_an_instance_that_fails_as_planned_counts_as_completed(
    by_hand: ByHand, owed: dict[str, str], error: str, completed: int
) -> None:
    """With the words that its program plans, or those of the cancel it was given; in all figures."""
    by_hand.owed = owed
    by_hand.fail(100, error)
    recording = by_hand.open()
    measured = metrics.window(recording)
    counted = metrics.counts(recording)
    assert (counted.completed, counted.failed) == (completed, 1 - completed)
    assert sum(counted.by_category.values()) == len(counted.words) == 1 - completed
    assert measured.completions == completed
    assert metrics.latency(recording, measured, "durable").samples == completed


def test_a_completion_where_a_failure_was_planned_is_a_failure(by_hand: ByHand) -> None:
    """It ended well, and wrongly."""
    by_hand.owed = PLANNED
    by_hand.complete(100, 150)
    counted = metrics.counts(by_hand.open())
    assert (counted.completed, counted.failed) == (0, 1)
    assert counted.by_category["application"] == 1


def test_parts_have_figures_of_their_own(by_hand: ByHand) -> None:
    """Launched, completed and failed over the cell, rates and latencies in the window; sums agree."""
    for due, latency in ((-100, 50), (0, 100), (500, 300), (9_990, 20)):
        by_hand.complete(due, due + latency)
    by_hand.fail(100, "no")
    by_hand.part, by_hand.owed = "failures", PLANNED
    by_hand.fail(200, PLANNED["error"])
    by_hand.give_up(300, "timeout")
    by_hand.give_up(300, "interrupted")
    recording = by_hand.open()
    measured = metrics.window(recording)
    failures, parallel = metrics.parts(recording, measured)
    assert (parallel.name, failures.name) == ("parallel", "failures")
    assert (parallel.launched, parallel.completed, parallel.failed) == (5, 4, 1)
    assert (failures.launched, failures.completed, failures.failed) == (3, 1, 1)
    assert parallel.orchestrations_per_sec == pytest.approx(0.2)
    assert failures.orchestrations_per_sec == pytest.approx(0.1)
    assert (parallel.latency_ms.samples, parallel.latency_ms.mean) == (3, 140.0)
    assert (failures.latency_ms.samples, failures.latency_ms.max) == (1, 5.0)
    counted = metrics.counts(recording)
    for name in ("launched", "completed", "failed"):
        assert getattr(counted, name) == getattr(parallel, name) + getattr(failures, name)


def test_one_part_alone_is_not_told_apart(by_hand: ByHand) -> None:
    """Its figures are the cell's."""
    by_hand.complete(0, 10)
    recording = by_hand.open()
    assert metrics.parts(recording, metrics.window(recording)) == ()


def test_parts_without_a_window_have_no_rate(by_hand: ByHand) -> None:
    """Null, not zero; what was counted is still told."""
    by_hand.complete(0, 10)
    by_hand.part = "timers"
    by_hand.complete(0, 10)
    by_hand.unmark("window_end")
    recording = by_hand.open()
    for part in metrics.parts(recording, metrics.window(recording)):
        assert (part.completed, part.orchestrations_per_sec) == (1, None)


def test_activities_are_counted_where_they_ended(by_hand: ByHand) -> None:
    """Ends over the whole cell, and those inside the window per second; begins are none."""
    for phase, ms in (("end", -1), ("end", 0), ("end", 9_999.9), ("end", 10_000), ("begin", 50)):
        by_hand.line("effects", phase=phase, token="t", instance="i", run=0, at_ns=by_hand.at(ms))
    recording = by_hand.open()
    assert metrics.activities(recording, metrics.window(recording)) == (4, 0.2)
    assert metrics.activities(recording, Window(None, None, None, 0)) == (4, None)


def test_time_per_completion_is_run_time_over_completions(by_hand: ByHand) -> None:
    """From the first start to the drained cell: 0.2 + 10 + 1 seconds over four."""
    for due in range(4):
        by_hand.complete(due, due + 50)
    assert metrics.time_per_completion_ms(by_hand.open()) == pytest.approx(2_800)


def test_time_per_completion_needs_completions(by_hand: ByHand) -> None:
    """Nothing over nothing is nothing."""
    by_hand.fail(5, "no")
    assert metrics.time_per_completion_ms(by_hand.open()) is None


def test_time_per_completion_needs_a_drained_cell(by_hand: ByHand) -> None:
    """A cell that was cut off has none."""
    by_hand.complete(5, 50)
    by_hand.unmark("drained")
    assert metrics.time_per_completion_ms(by_hand.open()) is None


def test_canaries_are_counted_but_are_no_load(by_hand: ByHand) -> None:
    """No rate, latency or target is better or worse for them; they have a part of their own."""
    for due in (0, 10, 20, 30):
        by_hand.complete(due, due + 50)
    by_hand.part = CANARY
    for due in range(6):
        by_hand.complete(due, due + 900)
    recording = by_hand.open()
    measured = metrics.window(recording)
    assert (metrics.counts(recording).completed, measured.completions) == (10, 4)
    assert metrics.time_per_completion_ms(recording) == pytest.approx(2_800)
    for clock in ("durable", "seen", "begun"):
        assert metrics.latency(recording, measured, clock).samples == 4
    parts = metrics.parts(recording, measured)
    assert [(p.name, p.completed, p.latency_ms.max) for p in parts] == [
        (CANARY, 6, 900),
        ("parallel", 4, 50),
    ]


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


def test_a_figure_does_not_depend_on_the_order_of_the_lines(by_hand: ByHand) -> None:
    """Sums of fractions do (0.1 + 0.2 + 0.3 against 0.3 + 0.2 + 0.1), and a table has no order."""
    for source, cores in (("engine", 0.1), ("embedded", 0.2), ("driver", 0.3)):
        by_hand.cores(source, cores)
    for number in range(300):
        by_hand.complete(number, number + 0.1 * (number % 7), seen_ms=number + 1 / (number + 3))
    recorded = by_hand.save()
    found = []
    for _ in range(2):
        recording = by_hand.open_saved()
        window = metrics.window(recording)
        cores = metrics.cores_used(recording, window, "engine", "embedded", "driver")
        found.append((cores, metrics.latency(recording, window, "seen")))
        for name in ("ops", "samples"):
            recorded.put(name, reversed(recorded.lines(name)))
    assert found[0] == found[1]


def test_cores_of_one_process_after_another(by_hand: ByHand) -> None:
    """Each used its own time: 2 s of CPU by the first, 4 s by the second, within 8 s."""
    for node, begin_ms, end_ms, used_ns in (
        ("host-0", 1_000, 5_000, 2 * NS_PER_SEC),
        ("host-1", 4_000, 9_000, 4 * NS_PER_SEC),
    ):
        by_hand.sample(begin_ms, "engine", node=node, cpu_ns=7)
        by_hand.sample(end_ms, "engine", node=node, cpu_ns=7 + used_ns)
    recording = by_hand.open()
    assert metrics.cores_used(recording, metrics.window(recording), "engine") == 6 / 8


@pytest.mark.parametrize("moments", [(), (1_000,), (1_000, 1_000)])
def test_cores_need_two_moments(by_hand: ByHand, moments: tuple[float, ...]) -> None:
    """Without two there is no figure, and no error."""
    for ms in moments:
        by_hand.sample(ms, "engine", cpu_ns=5)
    recording = by_hand.open()
    assert metrics.cores_used(recording, metrics.window(recording), "engine") is None


def test_a_process_that_started_inside_the_window_used_all_of_its_time(by_hand: ByHand) -> None:
    """One that was there before used what it used since; each life counts for itself."""
    used = {"host-0": (9, 10), "host-0.2": (2, 6), "host-1": (1, 4)}
    for node, born_ms, first_ms, last_ms in (
        ("host-0", -500, 1_000, 3_000),
        ("host-0.2", 3_500, 4_000, 9_000),
        ("host-1", 3_000, 3_500, 9_000),
    ):
        by_hand.node(node, starting=born_ms, ready=born_ms + 100)
        for ms, secs in zip((first_ms, last_ms), used[node], strict=True):
            by_hand.sample(ms, "engine", node=node, cpu_ns=secs * NS_PER_SEC)
    recording = by_hand.open()
    found = metrics.cores_used(recording, metrics.window(recording), "engine")
    assert found == pytest.approx((1 + 6 + 4) / 8)


def test_a_process_that_was_seen_once_counts_where_it_began(by_hand: ByHand) -> None:
    """Killed before the next look: what it had used by then."""
    by_hand.cores("engine", 1)
    by_hand.node("host-7", starting=2_000, killed=2_300)
    by_hand.sample(2_200, "engine", node="host-7", cpu_ns=NS_PER_SEC)
    recording = by_hand.open()
    found = metrics.cores_used(recording, metrics.window(recording), "engine")
    assert found == pytest.approx((8 + 1) / 8)
