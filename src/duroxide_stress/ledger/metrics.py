"""The figures that results are compared by: what each is called, its unit, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from duroxide_stress.result import CellResult

Better: TypeAlias = Literal["higher", "lower"]


class Metric(msgspec.Struct, frozen=True):
    """One figure of a cell."""

    name: str
    """The word on the command line."""
    unit: str
    better: Better
    title: str
    """As a heading."""
    of: Callable[[CellResult], float | None]
    """None where the cell has no such figure."""


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("throughput", "/s", "higher", "Orch/sec", lambda c: c.orchestrations_per_sec),
        Metric("activity-rate", "/s", "higher", "Activity/sec", lambda c: c.activities_per_sec),
        Metric("mean", "ms", "lower", "Avg latency", lambda c: c.latency_ms.mean),
        Metric("p50", "ms", "lower", "P50", lambda c: c.latency_ms.p50),
        Metric("p95", "ms", "lower", "P95", lambda c: c.latency_ms.p95),
        Metric("p99", "ms", "lower", "P99", lambda c: c.latency_ms.p99),
        Metric("memory", "MiB", "lower", "Peak memory", lambda c: c.memory_mb.peak),
        Metric("cpu", "cores", "lower", "CPU", lambda c: c.cpu_cores),
        Metric("success", "%", "higher", "Success %", lambda c: c.success_rate),
    )
}
"""Every metric by its name, in the order in which reports show them."""

DEFAULT = ("throughput", "p50", "p99")
"""Those that are looked at when nobody says which."""
