"""Scenarios' own figures against numbers worked out by hand."""

import pytest

from duroxide_stress.measure import metrics
from duroxide_stress.measure.figures import figures
from duroxide_stress.result import Figure, Latency

from .by_hand import ByHand


def found(by_hand: ByHand) -> dict[str, Figure]:
    """The figures by name."""
    recording = by_hand.open()
    return {figure.name: figure for figure in figures(recording, metrics.window(recording))}


def test_without_evidence_there_is_no_figure(by_hand: ByHand) -> None:
    """A fan-out without timers, children and generations has none of its own."""
    by_hand.complete(5, 50)
    assert found(by_hand) == {}


def test_timer_lateness_is_fired_minus_due(by_hand: ByHand) -> None:
    """Of timers that fired in the window, by the engine's clock; one that never fired has none."""
    for due, fired in (
        (-20, -1),
        (-20, 0),
        (100, 103),
        (100, 100),
        (9_990, 9_999),
        (9_000, 10_000),
    ):
        by_hand.timer(due, fired)
    by_hand.timer(5_000, None)
    assert found(by_hand) == {
        "timer lateness": Figure(
            "timer lateness", "ms", 4, spread=Latency(4, 8.0, 3.0, 20.0, 20.0, 20.0, 20.0)
        )
    }


def test_an_early_timer_is_negative(by_hand: ByHand) -> None:
    """It is the check's to judge, and not hidden by the figure."""
    by_hand.timer(100, 95)
    assert found(by_hand)["timer lateness"].spread.max == -5


def test_generations_have_a_rate_a_duration_and_a_size(by_hand: ByHand) -> None:
    """Each execution of an instance that has several, where it ended in the window."""
    for number, (begun, ended, events) in enumerate(
        [(-500, -1, 9), (-1, 1_999, 4), (2_000, 6_000, 6), (6_000, 9_999, 8), (9_999, 10_000, 9)], 1
    ):
        by_hand.execution(begun, ended, number=number, events=events, current=number == 5)
    by_hand.execution(100, 200, instance="short", events=2)
    got = found(by_hand)
    assert list(got) == ["generations", "time per generation", "history of a generation"]
    assert got["generations"] == Figure("generations", "/s", 3, value=pytest.approx(0.3))
    spread = Latency(3, 3_333.0, 3_999.0, 4_000.0, 4_000.0, 4_000.0, 4_000.0)
    assert got["time per generation"].spread == spread
    events = got["history of a generation"]
    assert (events.unit, events.spread) == ("events", Latency(3, 6.0, 6.0, 8.0, 8.0, 8.0, 8.0))


@pytest.mark.parametrize("status", ["Running", "NotStarted"])
def test_a_generation_that_goes_on_is_not_counted_and_those_before_it_are(
    by_hand: ByHand, status: str
) -> None:
    """An instance that was cut off in its second generation has ended one."""
    by_hand.execution(0, 500, number=1, status="ContinuedAsNew", current=False)
    by_hand.execution(500, 900, number=2, status=status)
    assert found(by_hand)["generations"].count == 1


def test_children_have_a_rate_and_a_duration(by_hand: ByHand) -> None:
    """Whoever has a parent, however it ended; roots are not among them."""
    for n, (begun, ended, status) in enumerate(
        [(-90, -1, "Completed"), (-90, 10, "Completed"), (50, 90, "Failed"), (60, 70, "Running")]
    ):
        by_hand.execution(begun, ended, instance=f"i::sub::{n}", parent="i", status=status)
    by_hand.execution(0, 5_000, instance="i")
    got = found(by_hand)
    assert list(got) == ["sub-orchestrations", "time per sub-orchestration"]
    assert got["sub-orchestrations"].value == pytest.approx(0.2)
    spread = got["time per sub-orchestration"].spread
    assert (spread.samples, spread.mean, spread.p50, spread.max) == (2, 70.0, 40.0, 100.0)


def test_failed_attempts_are_counted_where_they_ended(by_hand: ByHand) -> None:
    """From the opening of the window (in) to its closing (out)."""
    for phase, ms in (
        ("failed", -1),
        ("failed", 0),
        ("failed", 9_999.9),
        ("failed", 10_000),
        ("end", 5),
    ):
        by_hand.line("effects", phase=phase, token="t", instance="i", run=0, at_ns=by_hand.at(ms))
    assert found(by_hand) == {
        "failed attempts": Figure("failed attempts", "/s", 2, value=pytest.approx(0.2))
    }


@pytest.mark.parametrize("border", ["window_begin", "window_end"])
def test_without_a_window_there_are_no_figures(by_hand: ByHand, border: str) -> None:
    """A cell that was cut off has nothing to hold them against."""
    by_hand.timer(100, 103)
    by_hand.unmark(border)
    assert found(by_hand) == {}
