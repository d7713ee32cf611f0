"""How far a cell is, for whoever looks on while it runs. Nothing is judged by it."""

from __future__ import annotations

import math
from collections import deque

import msgspec

from duroxide_stress.units import NS_PER_MS

RECENT = 512
"""Completions whose latency is looked at: enough for a P99, few enough to sort four times a second."""


class Progress(msgspec.Struct, frozen=True):
    """What a display needs to know, counted from the beginning of the cell."""

    phase: str
    elapsed_secs: float
    total_secs: float
    launched: int
    completed: int
    failed: int
    in_flight: int
    orchestrations_per_sec: float
    """Completions the client saw within the window, over the time the window has been open."""
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    """From due to the end as the client saw it, of the load's last `RECENT` completions."""
    engine_rss_bytes: int | None = None
    """Resident memory of the engine's processes together, where they are sampled."""


class Recent:
    """The latencies of the load's last completions."""

    def __init__(self) -> None:
        self._last_ns: deque[int] = deque(maxlen=RECENT)

    def add(self, latency_ns: int) -> None:
        """One instance has completed."""
        self._last_ns.append(latency_ns)

    def percentiles_ms(self) -> tuple[float | None, float | None]:
        """P50 and P99, nearest-rank; None before the first completion."""
        values = sorted(self._last_ns)
        if not values:
            return None, None
        p50, p99 = (values[math.ceil(share * len(values)) - 1] for share in (0.5, 0.99))
        return p50 / NS_PER_MS, p99 / NS_PER_MS
