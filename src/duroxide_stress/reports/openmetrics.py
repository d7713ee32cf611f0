"""The figures of a result in OpenMetrics text, which Prometheus reads too: for a textfile collector, a
push gateway, or whatever scrapes a file.

Base units: seconds, bytes, ratios from 0 to 1. Every sample has the labels scenario, provider, config
and repeat. A figure that could not be measured has no sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from duroxide_stress.reports.text import one_line
from duroxide_stress.result import CellResult, Latency, RunResult
from duroxide_stress.units import MIB
from duroxide_stress.verdict import Verdict

if TYPE_CHECKING:
    from prometheus_client import Metric

LABELS = ("scenario", "provider", "config", "repeat")
GAUGES: dict[str, tuple[str, Callable[[CellResult], float | None]]] = {
    "orchestrations_per_second": (
        "Durable ends within the measuring window.",
        lambda c: c.orchestrations_per_sec,
    ),
    "activities_per_second": (
        "Activity executions that ended within the window.",
        lambda c: c.activities_per_sec,
    ),
    "latency_max_seconds": (
        "The longest latency from due to the durable end.",
        lambda c: _scaled(c.latency_ms.max, 1e-3),
    ),
    "time_per_completion_seconds": (
        "Run time over completions.",
        lambda c: _scaled(c.time_per_completion_ms, 1e-3),
    ),
    "success_ratio": (
        "Completed over completed and failed.",
        lambda c: _scaled(c.success_rate, 1e-2),
    ),
    "dropped_instances": (
        "Instances that were due and not started.",
        lambda c: c.offered.dropped,
    ),
    "ceiling_orchestrations_per_second": (
        "What no engine could exceed at this load.",
        lambda c: c.ceiling.orchestrations_per_sec,
    ),
    "ceiling_ratio": ("The part of the ceiling that was reached.", lambda c: c.ceiling.share),
    "memory_peak_bytes": (
        "Greatest resident memory of the engine's processes.",
        lambda c: _scaled(c.memory_mb.peak, MIB),
    ),
    "memory_mean_bytes": (
        "Mean resident memory of the engine's processes.",
        lambda c: _scaled(c.memory_mb.mean, MIB),
    ),
    "cpu_cores": ("Cores that the engine's processes kept busy.", lambda c: c.cpu_cores),
    "trustworthy": (
        "1 when nothing speaks against the figures.",
        lambda c: float(c.health.trustworthy),
    ),
}
"""Name → what it is, and its figure."""


def render(result: RunResult, run: Path) -> str:
    """OpenMetrics 1.0 text, ending with `# EOF`."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.openmetrics import exposition

    class Of:
        """The result as a collector."""

        def collect(self) -> Iterator[Metric]:
            return (family for family in _families(result.cells) if family.samples)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Of())
    write: Callable[[CollectorRegistry], bytes] = exposition.generate_latest
    return write(registry).decode()


def cell_labels(scenario: str, provider: str, config: str, repeat: int) -> list[str]:
    """The values of `LABELS`."""
    return [one_line(scenario), one_line(provider), config, str(repeat)]


def _labels(cell: CellResult) -> list[str]:
    return cell_labels(cell.scenario, cell.provider, cell.config, cell.repeat)


def _families(cells: Sequence[CellResult]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    for name, (help_text, of) in GAUGES.items():
        family = GaugeMetricFamily(f"duroxide_stress_{name}", help_text, labels=LABELS)
        for cell in cells:
            if (value := of(cell)) is not None:
                family.add_metric(_labels(cell), value)
        yield family
    yield _summary(cells, "latency", "From due to the durable end.", lambda c: c.latency_ms)
    yield _summary(
        cells, "client_latency", "From due to the client's notice.", lambda c: c.client_latency_ms
    )
    yield _instances(cells)
    yield from _verdicts(cells)


def _summary(
    cells: Sequence[CellResult], name: str, help_text: str, of: Callable[[CellResult], Latency]
) -> Metric:
    """Latencies as a summary: nearest-rank quantiles, how many there are, and their sum."""
    from prometheus_client.core import SummaryMetricFamily

    full = f"duroxide_stress_{name}_seconds"
    family = SummaryMetricFamily(full, help_text, labels=LABELS)
    for cell in cells:
        found = of(cell)
        if found.mean is None:
            continue
        labels = dict(zip(LABELS, _labels(cell), strict=True))
        quantiles = {"0.5": found.p50, "0.95": found.p95, "0.99": found.p99, "0.999": found.p999}
        for quantile, value in quantiles.items():
            if (secs := _scaled(value, 1e-3)) is not None:
                family.add_sample(full, {**labels, "quantile": quantile}, secs)
        family.add_metric(_labels(cell), found.samples, found.mean * found.samples / 1000)
    return family


def _instances(cells: Sequence[CellResult]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "duroxide_stress_instances", "Instances by how they ended.", labels=[*LABELS, "end"]
    )
    for cell in cells:
        ends = {"completed": cell.completed, "failed": cell.failed, "undecided": cell.undecided}
        for end, number in ends.items():
            family.add_metric([*_labels(cell), end], number)
    return family


def _verdicts(cells: Sequence[CellResult]) -> Iterator[Metric]:
    """1 for what was said, of the cell and of each check that counts; and how many findings."""
    from prometheus_client.core import GaugeMetricFamily

    verdict = GaugeMetricFamily(
        "duroxide_stress_verdict", "1 for the cell's verdict.", labels=[*LABELS, "verdict"]
    )
    check = GaugeMetricFamily(
        "duroxide_stress_check", "1 for the check's verdict.", labels=[*LABELS, "check", "verdict"]
    )
    found = GaugeMetricFamily(
        "duroxide_stress_violations", "Violations a check found.", labels=[*LABELS, "check"]
    )
    target = GaugeMetricFamily(
        "duroxide_stress_target", "1 for what came of it.", labels=[*LABELS, "target", "state"]
    )
    for cell in cells:
        labels = _labels(cell)
        for each in Verdict:
            verdict.add_metric([*labels, each.value], float(cell.verdict is each))
        for one in cell.checks:
            if one.asked or one.verdict is Verdict.VIOLATED:
                name = one_line(one.name)
                check.add_metric([*labels, name, one.verdict.value], 1)
                found.add_metric([*labels, name], one.found)
        for goal in cell.targets:
            target.add_metric([*labels, goal.name, goal.state], 1)
    yield from (verdict, check, found, target)


def _scaled(value: float | None, factor: float) -> float | None:
    """In the base unit, without the digits that only the multiplication made."""
    return None if value is None else round(value * factor, 9)
