"""`--metrics-port`: what runs, as Prometheus metrics on a port of this machine, while it runs.

Only 127.0.0.1 is listened on: whoever is to read it from elsewhere has a scraper here, or a tunnel.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from duroxide_stress.cli.output import say
from duroxide_stress.errors import UsageError
from duroxide_stress.load.progress import Progress
from duroxide_stress.recording.records import CellEnd, CellHead
from duroxide_stress.reports.openmetrics import LABELS, cell_labels
from duroxide_stress.runner import Observer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from prometheus_client import Metric

LOOPBACK = "127.0.0.1"
PHASES = ("warm-up", "measuring", "draining", "waiting for faults to heal", "coming to rest")


class Watched:
    """An observer that passes on what it is told, and remembers it for whoever asks.

    The cell in hand and those before it keep their counters, so that a rate over them is true.
    """

    def __init__(self, display: Observer) -> None:
        self._display = display
        self._number = self._total = self._faults = self._warnings = 0
        self._labels: list[str] = []
        self._progress: dict[tuple[str, ...], Progress] = {}

    def interrupted(self) -> bool:
        return self._display.interrupted()

    def cell_began(self, number: int, total: int, head: CellHead) -> None:
        cell = head.cell
        self._number, self._total = number, total
        self._labels = cell_labels(
            cell.scenario, cell.provider, str(cell.config.concurrency), cell.repeat
        )
        self._display.cell_began(number, total, head)

    def progressed(self, progress: Progress) -> None:
        self._progress = {**self._progress, tuple(self._labels): progress}
        self._display.progressed(progress)

    def happened(self, sentence: str) -> None:
        self._faults += 1
        self._display.happened(sentence)

    def warned(self, sentence: str) -> None:
        self._warnings += 1
        self._display.warned(sentence)

    def cell_ended(self, head: CellHead, end: CellEnd) -> None:
        self._labels = []
        self._display.cell_ended(head, end)

    def store_kept(self, where: Path | str) -> None:
        self._display.store_kept(where)

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now. Asked by the server's thread."""
        known, current = self._progress, tuple(self._labels)
        yield _gauge("cell", "The cell that runs, counted from 1.", self._number)
        yield _gauge("cells", "Cells of the plan.", self._total)
        yield _counter("faults", "What was told of faults.", self._faults)
        yield _counter("warnings", "What happened that nobody ordered.", self._warnings)
        yield from _counters(known)
        if (now := known.get(current)) is not None:
            yield from _gauges(current, now)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"duroxide_stress_run_{name}", help_text, value=value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(f"duroxide_stress_run_{name}", help_text, value=value)


def _counters(known: dict[tuple[str, ...], Progress]) -> Iterator[Metric]:
    """What only grows, of every cell so far."""
    from prometheus_client.core import CounterMetricFamily

    counted: dict[str, tuple[str, Callable[[Progress], int]]] = {
        "launched": ("Instances started.", lambda p: p.launched),
        "completed": ("Instances that ended as planned.", lambda p: p.completed),
        "failed": ("Instances that failed.", lambda p: p.failed),
    }
    for name, (help_text, of) in counted.items():
        family = CounterMetricFamily(
            f"duroxide_stress_run_instances_{name}", help_text, labels=LABELS
        )
        for labels, progress in known.items():
            family.add_metric(labels, of(progress))
        yield family


def _gauges(labels: tuple[str, ...], now: Progress) -> Iterator[Metric]:
    """What is true of the cell in hand. A figure that there is not yet has no sample."""
    from prometheus_client.core import GaugeMetricFamily

    p50, p99 = now.latency_p50_ms, now.latency_p99_ms
    figures = {
        "in_flight_instances": ("Instances started and not ended.", now.in_flight),
        "orchestrations_per_second": (
            "Completions within the window so far, over its time so far.",
            now.orchestrations_per_sec,
        ),
        "elapsed_seconds": ("Since the cell's load began.", now.elapsed_secs),
        "planned_seconds": ("Warm-up and window.", now.total_secs),
        "latency_p50_seconds": (
            "Of the last completions, as the client saw them.",
            None if p50 is None else p50 / 1000,
        ),
        "latency_p99_seconds": (
            "Of the last completions, as the client saw them.",
            None if p99 is None else p99 / 1000,
        ),
        "engine_resident_bytes": (
            "Resident memory of the engine's processes.",
            now.engine_rss_bytes,
        ),
    }
    for name, (help_text, value) in figures.items():
        if value is not None:
            family = GaugeMetricFamily(f"duroxide_stress_run_{name}", help_text, labels=LABELS)
            family.add_metric(labels, value)
            yield family
    phase = GaugeMetricFamily(
        "duroxide_stress_run_phase", "1 for the cell's phase.", labels=[*LABELS, "phase"]
    )
    for each in dict.fromkeys([*PHASES, now.phase]):
        phase.add_metric([*labels, each], float(each == now.phase))
    yield phase


class Port(Protocol):
    """A port that is taken and not yet told what to serve."""

    def watching(self, display: Observer) -> Observer:
        """What is to be told of the run in the display's place."""
        ...


class _NoPort:
    """Nothing is served."""

    def watching(self, display: Observer) -> Observer:
        return display


class _Served:
    """The collector of a server: empty until there is something to watch."""

    def __init__(self) -> None:
        self._watched: Watched | None = None

    def watching(self, display: Observer) -> Observer:
        self._watched = Watched(display)
        return self._watched

    def collect(self) -> Iterator[Metric]:
        """The metrics of what is watched."""
        return iter(()) if self._watched is None else self._watched.collect()


def metrics_port(port: int | None) -> AbstractContextManager[Port]:
    """Take a port and serve on it until the end of the block; nothing for None.

    Raises UsageError when it cannot be had.
    """
    return nullcontext(_NoPort()) if port is None else _serving(port)


@contextmanager
def _serving(port: int) -> Iterator[Port]:
    from prometheus_client import CollectorRegistry, start_http_server

    served = _Served()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(served)
    try:
        server, thread = start_http_server(port, LOOPBACK, registry)
    except OSError as error:
        raise UsageError(
            f"--metrics-port {port} cannot be listened on: {error.strerror}; "
            "name a free port, or 0 for any"
        ) from error
    try:
        say(f"metrics: http://{LOOPBACK}:{server.server_port}/metrics\n", sys.stderr)
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
