"""What each host did, against numbers worked out by hand."""

from duroxide_stress.measure import metrics
from duroxide_stress.measure.nodes import node_figures
from duroxide_stress.recording.records import CANARY
from duroxide_stress.result import NodeFigures
from duroxide_stress.units import MIB, NS_PER_SEC

from .by_hand import AFTER_MS, WINDOW_SECS, ByHand

END_MS = WINDOW_SECS * 1000 + AFTER_MS


def found(by_hand: ByHand) -> dict[str, NodeFigures]:
    """The figures by host."""
    recording = by_hand.open()
    return {one.host: one for one in node_figures(recording, metrics.window(recording))}


def test_a_host_that_served_throughout(by_hand: ByHand) -> None:
    """Ready until the drain was over, one life, nothing that happened to it."""
    by_hand.node("host-0", starting=-200, ready=-100)
    for ms, phase in ((-50, "end"), (10, "begin"), (20, "end"), (30, "failed"), (10_000, "end")):
        at_ns = by_hand.at(ms)
        by_hand.line(
            "effects", phase=phase, token="t", instance="i", run=0, at_ns=at_ns, node="host-0"
        )
    for ms, mib, secs in ((1_000, 50, 1), (9_000, 70, 5), (12_000, 900, 9)):
        rss = {"rss_bytes": mib * MIB, "cpu_ns": secs * NS_PER_SEC}
        by_hand.sample(ms, "engine", node="host-0", **rss)
    assert found(by_hand) == {
        "host-0": NodeFigures(
            host="host-0",
            lives=1,
            ready_secs=(END_MS + 100) / 1000,
            activities=4,
            activities_per_sec=0.2,
            rss_peak_mb=70,
            cpu_cores=0.5,
            deaths=0,
            killed=0,
            died=0,
            paused=0,
            frozen=0,
        )
    }


def test_lives_are_put_together_by_host(by_hand: ByHand) -> None:
    """Between death and readiness it is not ready; hosts stand in the order of their numbers."""
    by_hand.node("host-10", starting=0, ready=1_000)
    by_hand.node("host-2", ready=0, killed=3_000)
    by_hand.node("host-2.2", starting=3_200, ready=4_000, died=5_000)
    by_hand.node("host-2.3", starting=6_000, ready=6_500, stopping=9_000, stopped=9_500)
    for node, ms in (("host-2", 100), ("host-2.2", 4_500), ("host-10", 7_000)):
        by_hand.line(
            "effects", phase="end", token="t", instance="i", run=0, at_ns=by_hand.at(ms), node=node
        )
    figures = found(by_hand)
    assert list(figures) == ["host-2", "host-10"]
    host = figures["host-2"]
    assert (host.lives, host.ready_secs, host.activities) == (3, 3 + 1 + 2.5, 2)
    assert (host.deaths, host.killed, host.died) == (2, 1, 1)
    assert (figures["host-10"].ready_secs, figures["host-10"].deaths) == (
        (END_MS - 1_000) / 1000,
        0,
    )


def test_a_host_that_stands_still_is_not_ready(by_hand: ByHand) -> None:
    """By a fault or by itself; it was never ready before it said so."""
    by_hand.node("host-0", starting=0, paused=100, resumed=200, ready=1_000)
    by_hand.node("host-0", paused=2_000, resumed=4_000, frozen=5_000, thawed=5_500, killed=6_000)
    host = found(by_hand)["host-0"]
    assert host.ready_secs == 1 + 1 + 0.5
    assert (host.paused, host.frozen, host.killed, host.deaths) == (2, 1, 1, 1)


def test_a_host_that_never_came_up_has_no_ready_time(by_hand: ByHand) -> None:
    """Its lives count all the same."""
    by_hand.node("host-1", starting=0, died=500)
    by_hand.node("host-1.2", starting=1_000)
    host = found(by_hand)["host-1"]
    assert (host.lives, host.ready_secs, host.died) == (2, 0, 1)
    assert (host.activities, host.rss_peak_mb, host.cpu_cores) == (0, None, None)


def test_the_hosts_cores_and_rates_add_up_to_the_cells(by_hand: ByHand) -> None:
    """Each within the time in which any was seen; canaries are no load."""
    by_hand.node("host-0", starting=-100, ready=0)
    by_hand.node("host-1", starting=-100, ready=0, killed=5_000)
    by_hand.node("host-1.2", starting=6_000, ready=6_500)
    for node, ms, secs in (
        *(("host-0", 1_000, 1), ("host-0", 9_000, 4), ("host-1", 1_000, 1), ("host-1", 5_000, 2)),
        *(("host-1.2", 7_000, 1), ("host-1.2", 8_500, 3)),
    ):
        by_hand.sample(ms, "engine", node=node, cpu_ns=secs * NS_PER_SEC)
    by_hand.part = CANARY
    _, canary = by_hand.launch(0)
    for instance, node in (("i", "host-0"), ("j", "host-1.2"), (canary, "host-1.2")):
        at_ns = by_hand.at(7_000)
        by_hand.line(
            "effects", phase="end", token="t", instance=instance, run=0, at_ns=at_ns, node=node
        )
    recording = by_hand.open()
    window = metrics.window(recording)
    first, second = node_figures(recording, window)
    assert (first.cpu_cores, second.cpu_cores) == (3 / 8, (1 + 3) / 8)
    assert metrics.cores_used(recording, window, "engine") == 7 / 8
    assert (first.activities_per_sec, second.activities_per_sec) == (0.1, 0.1)
    assert second.activities == 2


def test_a_recording_that_does_not_say_who_served_has_no_hosts(by_hand: ByHand) -> None:
    """As they were before hosts were noted."""
    by_hand.save().path("nodes").unlink()
    (by_hand.recorded.directory / "end.json").unlink()
    recording = by_hand.open_saved()
    assert node_figures(recording, metrics.window(recording)) == ()


def test_a_window_that_never_opened_leaves_what_was_seen(by_hand: ByHand) -> None:
    """Lives and ready time, and no rates; ready until the last that was seen."""
    by_hand.node("host-0", starting=-200, ready=-150)
    by_hand.sample(-50, "engine", node="host-0", rss_bytes=MIB, cpu_ns=5)
    for name in ("window_begin", "window_end", "drained"):
        by_hand.unmark(name)
    host = found(by_hand)["host-0"]
    assert (host.lives, host.ready_secs, host.rss_peak_mb) == (1, 0.1, 1)
    assert (host.activities_per_sec, host.cpu_cores) == (None, None)
