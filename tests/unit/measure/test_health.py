"""Each reason not to trust a figure, just past its limit and just within."""

import pytest

from duroxide_stress.measure.health import health
from duroxide_stress.measure.metrics import latency, window
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Health, Offered
from recordings.make import CPUS

from .by_hand import ByHand

CLOSED = Offered("closed", None, 0, 0, None)


def judged(by_hand: ByHand, cpus: int | None = CPUS) -> Health:
    """The health of what was written by hand, the engine in a process of its own."""
    recorded = by_hand.save()
    recorded.edit("cell.json", mode="separate")
    recording = Recording(recorded.directory)
    measured = window(recording)
    found = health(recording, measured, latency(recording, measured, "durable"), CLOSED, cpus)
    recording.close()
    return found


def steady(by_hand: ByHand, count: int, late_ms: float = 0, latency_ms: float = 50) -> None:
    """Instances evenly over the window."""
    for number in range(count):
        due = number * 9_900 / count
        by_hand.complete(due, due + latency_ms, begun_ms=due + late_ms)


def test_a_steady_cell_is_trustworthy(by_hand: ByHand) -> None:
    """Nothing is wrong, and nothing is said."""
    steady(by_hand, 100)
    by_hand.cores("engine", 1.0)
    by_hand.cores("driver", 0.2)
    by_hand.cores("harness", 0.05)
    by_hand.cores("machine", 1.5)
    found = judged(by_hand)
    assert (found.trustworthy, found.reasons, found.notes) == (True, (), ())
    assert found.generator_cpu == pytest.approx(0.25)
    assert found.foreign_cpu == pytest.approx(0.25)
    assert (found.driver_lateness_ms.samples, found.driver_lateness_ms.max) == (100, 0.0)


def test_a_server_that_the_provider_started_is_not_foreign(by_hand: ByHand) -> None:
    """What it computes is the store's, and the run's own."""
    steady(by_hand, 40)
    by_hand.cores("engine", 0.2)
    by_hand.cores("store", 0.9)
    by_hand.cores("machine", 1.2)
    found = judged(by_hand)
    assert found.foreign_cpu == pytest.approx(0.1)
    assert found.trustworthy


@pytest.mark.parametrize(("count", "reasons"), [(29, 1), (30, 0)])
def test_too_few_latencies(by_hand: ByHand, count: int, reasons: int) -> None:
    """Thirty are the least."""
    steady(by_hand, count)
    found = judged(by_hand)
    assert len(found.reasons) == reasons
    assert not reasons or found.reasons == ("only 29 latencies, 30 are the least",)


@pytest.mark.parametrize(
    ("late_ms", "latency_ms", "late"),
    [(21, 50, True), (19, 50, False), (30, 350, False), (40, 350, True)],
)
def test_a_driver_that_begins_late(
    by_hand: ByHand, late_ms: float, latency_ms: float, late: bool
) -> None:
    """Later than 20 ms and than a tenth of the median latency, at the 99th percentile."""
    steady(by_hand, 60, late_ms, latency_ms)
    found = judged(by_hand)
    expected = f"the driver began its calls late: P99 {late_ms} ms after due"
    assert found.reasons == ((expected,) if late else ())


@pytest.mark.parametrize(("driver", "busy"), [(0.84, False), (0.94, True)])
def test_a_generator_near_its_one_core(by_hand: ByHand, driver: float, busy: bool) -> None:
    """Of the driver, or of the command, which are two processes; beyond 0.9 it is what is measured."""
    steady(by_hand, 40)
    by_hand.cores("driver", driver)
    by_hand.cores("harness", 0.05)
    found = judged(by_hand)
    assert found.trustworthy is not busy
    assert not busy or found.reasons == ("the load generator used 0.94 cores of the 1 it can use",)


@pytest.mark.parametrize(
    ("machine", "cpus", "reason"),
    [
        (1.9, 4, None),
        (2.1, 4, "other processes used 1.10 of 4 cores"),
        (2.1, None, None),
        (0.5, 4, None),
    ],
)
def test_others_on_the_machine(
    by_hand: ByHand, machine: float, cpus: int | None, reason: str | None
) -> None:
    """More than a quarter of the machine in others' hands makes figures theirs as well."""
    steady(by_hand, 40)
    by_hand.cores("engine", 1.0)
    by_hand.cores("machine", machine)
    found = judged(by_hand, cpus)
    assert found.reasons == (() if reason is None else (reason,))
    assert found.foreign_cpu == pytest.approx(max(0.0, machine - 1.0))


@pytest.mark.parametrize(
    ("drift_ms", "words"), [(5, None), (5.2, "+5.2"), (-5, None), (-7000, "-7000.0")]
)
def test_a_clock_that_was_set(by_hand: ByHand, drift_ms: float, words: str | None) -> None:
    """More than 5 ms either way makes latencies of two clocks."""
    steady(by_hand, 40)
    by_hand.recorded.edit("end.json", driver={"clock_drift_ns": round(drift_ms * 1e6)})
    found = judged(by_hand)
    assert found.clock_drift_ms == drift_ms
    expected = f"the wall clock moved by {words} ms during the run"
    assert found.reasons == (() if words is None else (expected,))


@pytest.mark.parametrize(
    ("first", "second", "unsteady"),
    [
        (100, 40, True),
        (40, 100, True),
        (60, 0, True),
        (100, 70, False),
        (24, 12, False),
        (600, 450, False),
    ],
)
def test_an_unsteady_rate(by_hand: ByHand, first: int, second: int, unsteady: bool) -> None:
    """Halves that differ by more than four sigmas of chance, and by more than a quarter."""
    for count, begin in ((first, 0), (second, 5_000)):
        for number in range(count):
            due = begin + number * 4_900 / count
            by_hand.complete(due, due + 50)
    expected = (
        f"unsteady: {first} completions in the first half of the window, {second} in the second"
    )
    assert judged(by_hand).reasons == ((expected,) if unsteady else ())


def test_several_reasons_are_all_told(by_hand: ByHand) -> None:
    """Each in a sentence of its own."""
    steady(by_hand, 5, late_ms=90)
    by_hand.cores("driver", 1.0)
    assert len(judged(by_hand).reasons) == 3


def test_looks_that_failed_are_a_note(by_hand: ByHand) -> None:
    """The engine's last words are kept; figures do not depend on it."""
    steady(by_hand, 40)
    driver = {"watch_errors": 3, "last_watch_error": "database is locked"}
    by_hand.recorded.edit("end.json", driver=driver)
    found = judged(by_hand)
    assert (found.trustworthy, found.watch_errors) == (True, 3)
    assert found.notes == ("3 looks at instances failed: database is locked",)


def test_an_embedded_cell_says_so(by_hand: ByHand) -> None:
    """Its generator cannot be told from its engine, so there is no figure for it."""
    steady(by_hand, 40)
    by_hand.cores("embedded", 1.8)
    cell = by_hand.save().judged()
    assert cell.health.generator_cpu is None
    assert cell.cpu_cores == pytest.approx(1.8)
    assert cell.health.notes[0].startswith("embedded: the driver shares the engine's process")


def test_a_cell_without_an_end_still_has_its_health(by_hand: ByHand) -> None:
    """What the driver knew of itself is lost, what the recording shows is not."""
    steady(by_hand, 5)
    recorded = by_hand.save()
    (recorded.directory / "end.json").unlink()
    found = judged(by_hand)
    assert (found.clock_drift_ms, found.watch_errors) == (0.0, 0)
    assert found.reasons == ("only 5 latencies, 30 are the least",)
