"""The metrics of a run while it runs, and the port they are served on."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families as read

from duroxide_stress.cli.metrics_port import LOOPBACK, Watched, metrics_port
from duroxide_stress.errors import UsageError
from duroxide_stress.load.progress import Progress
from duroxide_stress.recording.records import CellEnd, CellHead, DriverEnd
from duroxide_stress.recording.store import read_cell_head

BUSY = Progress("measuring", 6.25, 12.0, 420, 400, 1, 19, 23.64, 832.4, 1050.0, 1024)
QUIET = Progress("warm-up", 0.25, 12.0, 20, 0, 0, 20, 0.0)
END = CellEnd("finished", "", DriverEnd(launched=420), {})


class Display:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.asked = False

    def interrupted(self) -> bool:
        return self.asked

    def cell_began(self, *what: object) -> None:
        self.told.append(("began", *what))

    def progressed(self, progress: Progress) -> None:
        self.told.append(("progressed", progress))

    def happened(self, sentence: str) -> None:
        self.told.append(("happened", sentence))

    def warned(self, sentence: str) -> None:
        self.told.append(("warned", sentence))

    def cell_ended(self, *what: object) -> None:
        self.told.append(("ended", *what))

    def store_kept(self, where: Path | str) -> None:
        self.told.append(("kept", where))


@pytest.fixture
def heads(pristine: Path) -> list[CellHead]:
    """Two cells' heads, of two repeats."""
    (directory,) = (path for path in pristine.iterdir() if path.is_dir())
    head = read_cell_head(directory)
    again = msgspec.structs.replace(head.cell, repeat=2)
    return [head, msgspec.structs.replace(head, cell=again)]


def values(watched: Watched, name: str) -> dict[str, float]:
    """Every sample with this name, by its repeat."""
    return {
        sample.labels.get("repeat", ""): sample.value
        for family in watched.collect()
        for sample in family.samples
        if sample.name == f"duroxide_stress_run_{name}"
    }


def test_everything_is_passed_on(heads: list[CellHead]) -> None:
    """In its order, and the question whether to stop is the display's to answer."""
    display = Display()
    watched = Watched(display)
    watched.cell_began(1, 2, heads[0])
    watched.progressed(BUSY)
    watched.happened("a fault")
    watched.warned("a warning")
    watched.cell_ended(heads[0], END)
    watched.store_kept("there")
    assert display.told == [
        ("began", 1, 2, heads[0]),
        ("progressed", BUSY),
        ("happened", "a fault"),
        ("warned", "a warning"),
        ("ended", heads[0], END),
        ("kept", "there"),
    ]
    assert not watched.interrupted()
    display.asked = True
    assert watched.interrupted()


def test_counters_stay_and_gauges_go(heads: list[CellHead]) -> None:
    """A cell that is over keeps what it counted; only the one in hand has a rate."""
    watched = Watched(Display())
    assert values(watched, "cell") == {"": 0}
    assert values(watched, "instances_completed_total") == {}
    watched.cell_began(1, 2, heads[0])
    watched.progressed(BUSY)
    watched.happened("a fault")
    assert values(watched, "in_flight_instances") == {"1": 19}
    assert values(watched, "latency_p99_seconds") == {"1": 1.05}
    assert values(watched, "engine_resident_bytes") == {"1": 1024}
    watched.cell_ended(heads[0], END)
    assert values(watched, "in_flight_instances") == {}
    watched.cell_began(2, 2, heads[1])
    watched.progressed(QUIET)
    assert values(watched, "instances_completed_total") == {"1": 400, "2": 0}
    assert values(watched, "instances_launched_total") == {"1": 420, "2": 20}
    assert values(watched, "orchestrations_per_second") == {"2": 0.0}
    assert values(watched, "latency_p99_seconds") == {}
    assert values(watched, "engine_resident_bytes") == {}
    assert values(watched, "cell") == {"": 2}
    assert values(watched, "faults_total") == {"": 1}


def test_the_phase_is_one_of_all(heads: list[CellHead]) -> None:
    """1 for it and 0 for the others, so that a graph has them all from the beginning."""
    watched = Watched(Display())
    watched.cell_began(1, 1, heads[0])
    watched.progressed(BUSY)
    phases = {
        sample.labels["phase"]: sample.value
        for family in watched.collect()
        for sample in family.samples
        if sample.name == "duroxide_stress_run_phase"
    }
    assert phases.pop("measuring") == 1
    assert "warm-up" in phases
    assert set(phases.values()) == {0}


@pytest.fixture
def port() -> Iterator[int]:
    """A port that was free a moment ago."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        number: int = probe.getsockname()[1]
    yield number


def test_it_is_served_on_loopback_until_the_end(
    heads: list[CellHead], port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real request gets what is true now; other addresses of this machine get nothing."""
    url = f"http://{LOOPBACK}:{port}/metrics"
    with metrics_port(port) as served:
        assert capsys.readouterr().err == f"metrics: {url}\n"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.status == 200
        observer = served.watching(Display())
        observer.cell_began(1, 1, heads[0])
        observer.progressed(BUSY)
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        (family,) = (f for f in read(text) if f.name == "duroxide_stress_run_instances_completed")
        assert [sample.value for sample in family.samples] == [400]
        with pytest.raises(OSError, match="refused"):
            # The whole of 127/8 is this machine: a server on all addresses would answer here.
            socket.create_connection(("127.0.0.2", port), timeout=10)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((LOOPBACK, port), timeout=10)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    """Before anything starts."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(UsageError) as refused, metrics_port(number):
            pytest.fail("it was served all the same")
    assert refused.value.problems == (
        f"--metrics-port {number} cannot be listened on: Address already in use; "
        "name a free port, or 0 for any",
    )


def test_no_port_serves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """And the display hears of the run directly."""
    display = Display()
    with metrics_port(None) as served:
        assert served.watching(display) is display
    assert capsys.readouterr().err == ""
