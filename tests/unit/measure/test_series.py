"""A cell over time, held against recordings whose buckets can be worked out on paper."""

from __future__ import annotations

import pytest

from duroxide_stress.measure.series import FAULTS, MOST, Series, series
from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import MIB

from .by_hand import ByHand

NOTHING = (None,) * 12


def over(recording: Recording) -> Series:
    """The series of a recording that has one."""
    found = series(recording)
    assert found is not None
    return found


def at(values: tuple[float | None, ...], **known: float | None) -> tuple[float | None, ...]:
    """`values` with some buckets changed: `b3=1.0` is the fourth."""
    changed = list(values)
    for name, value in known.items():
        changed[int(name.removeprefix("b"))] = value
    return tuple(changed)


def test_buckets_are_counted_from_the_opening_of_the_window(by_hand: ByHand) -> None:
    """Warm-up 0.2 s, window 10 s, drain 1 s: twelve buckets of a second, the first before 0."""
    found = over(by_hand.open())
    assert found.width == 1
    assert found.secs == tuple(n + 0.5 for n in range(-1, 11))
    assert (found.begin, found.window, found.end) == (-0.2, 10.0, 11.0)


def test_rates_latencies_and_instances_in_flight(by_hand: ByHand) -> None:
    """Ends are counted where they came, latency where the instance was due, open ones as buckets end."""
    by_hand.complete(100, 1_500)
    by_hand.complete(100, 1_700)
    by_hand.complete(2_100, 2_600)
    by_hand.complete(-100, 50, seen_ms=60)
    by_hand.fail(3_000, "no")
    found = over(by_hand.open())
    zeros = (0.0,) * 12
    assert found.completions_per_sec == at(zeros, b1=1.0, b2=2.0, b3=1.0)
    assert found.failures_per_sec == at(zeros, b4=1.0)
    assert found.latency_p50_ms == at(NOTHING, b0=150.0, b1=1_400.0, b3=500.0)
    assert found.latency_p95_ms == at(NOTHING, b0=150.0, b1=1_600.0, b3=500.0)
    assert found.latency_p99_ms == found.latency_p95_ms
    assert found.in_flight == at(zeros, b0=1.0, b1=2.0)
    assert (found.clock, found.generations) == ("durable", False)


def test_a_bucket_that_is_cut_off_is_divided_by_what_there_is_of_it(by_hand: ByHand) -> None:
    """One end within the 0.2 s of the warm-up is five a second."""
    by_hand.complete(-150, -50)
    assert over(by_hand.open()).completions_per_sec[0] == 5.0


def test_memory_and_queues_are_the_highest_look(by_hand: ByHand) -> None:
    """Processes of one look are added up; a bucket nobody looked in has no figure, not 0."""
    for ms, one, other in ((1_100, 10, 20), (1_600, 15, 20), (4_000, 5, 5)):
        by_hand.sample(ms, "engine", node="host-0", rss_bytes=one * MIB)
        by_hand.sample(ms + 10, "engine", node="host-1", rss_bytes=other * MIB)
    by_hand.queues(1_000, 3, 1)
    by_hand.queues(1_900, 2, 7)
    by_hand.queues(6_000, 0, 0)
    found = over(by_hand.open())
    assert found.memory_mib == at(NOTHING, b2=35.0, b5=10.0)
    assert found.orchestrator_queue == at(NOTHING, b2=3, b7=0)
    assert found.worker_queue == at(NOTHING, b2=7, b7=0)


def test_faults_are_intervals(by_hand: ByHand) -> None:
    """Those that began, with their end where they were healed; a skipped one is none."""
    by_hand.fault(0, 2_000, 2_500)
    by_hand.fault(1, None, skipped="host-1 was not serving")
    by_hand.fault(2, 8_000, name="pause", target="host-0")
    found = over(by_hand.open()).faults
    assert [(f.name, f.target, f.begin, f.end, f.count) for f in found] == [
        ("kill", "host-1", 2.0, 2.5, 1),
        ("pause", "host-0", 8.0, None, 1),
    ]


def test_more_faults_than_can_be_drawn_are_joined(by_hand: ByHand) -> None:
    """None of them is lost, and no more are left than a picture holds."""
    for number in range(1_000):
        by_hand.fault(number, number * 10, number * 10 + 2)
    found = over(by_hand.open()).faults
    assert len(found) <= FAULTS
    assert sum(fault.count for fault in found) == 1_000
    assert (found[0].begin, found[-1].end) == (0.0, 9.992)


def test_many_completions_make_many_buckets_but_no_more_than_a_picture_shows(
    by_hand: ByHand,
) -> None:
    """Buckets get narrower the more there is in them, down to 240 of them."""
    for number in range(3_000):
        by_hand.complete(number * 3, number * 3 + 5)
    found = over(by_hand.open())
    assert found.width == 0.05
    assert 200 < len(found.secs) <= MOST
    assert sum(v or 0 for v in found.completions_per_sec) * found.width == pytest.approx(3_000)


def test_a_recording_without_books_has_the_ends_that_the_client_saw(by_hand: ByHand) -> None:
    """A cell that was cut off: no histories, no end of the window, and yet its load is to be seen."""
    by_hand.complete(100, 1_500, seen_ms=2_100)
    by_hand.unmark("window_end")
    by_hand.unmark("drained")
    recorded = by_hand.save()
    for name in ("executions", "history", "samples"):
        recorded.path(name).unlink()
    (recorded.directory / "end.json").unlink()
    found = over(by_hand.open_saved())
    assert (found.clock, found.window, found.end) == ("seen", None, 2.1)
    assert max(v or 0 for v in found.completions_per_sec) > 0
    assert [v for v in found.latency_p50_ms if v is not None] == [2_000.0]


def test_without_any_load_there_is_no_series(by_hand: ByHand) -> None:
    """Nothing was marked and nothing started: nothing can be drawn."""
    for name in ("begin", "window_begin", "window_end", "drained"):
        by_hand.unmark(name)
    assert series(by_hand.open()) is None
