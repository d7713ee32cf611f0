"""What no engine could exceed at a cell's load, and what held the one that was measured.

With W activity workers over all nodes and n activities of d ms an instance, at most W·1000/(n·d)
instances a second can complete; with N in flight of which each takes at least m ms, at most N·1000/m
(Little's law). An open loop bounds what completes by what it offers.
"""

from __future__ import annotations

import math

from duroxide_stress.recording.records import CellHead
from duroxide_stress.result import Ceiling, Offered

NEAR = 0.85
"""From this share on the ceiling itself is what binds."""
KEPT_UP = 0.97
"""An engine that completed this part of an open loop's rate was held by nothing but that."""
CPU_BUSY = 0.9
"""From this share of all cores on, the machine is."""


def ceiling(
    head: CellHead,
    rate: float | None,
    offer: Offered,
    machine_cores: float | None,
    cpus: int | None,
) -> Ceiling:
    """The ceiling of a cell and the share that `rate` (orchestrations/s) is of it."""
    bounds: list[tuple[float, str]] = []
    if head.lasting:  # nothing completes before the end, so there is no rate to bound
        return Ceiling(None, "none", None, "engine and store")
    if head.activity_ms_per_instance:
        workers = head.cell.config.worker_concurrency * head.cell.config.nodes
        bounds.append((workers * 1000 / head.activity_ms_per_instance, "activity workers"))
    if head.min_ms:
        bounds.append((head.cell.config.max_concurrent * 1000 / head.min_ms, "max_concurrent"))
    limit_rate, limit = min(bounds, default=(None, "none"))
    wanted = offer.wanted_per_sec
    if wanted is not None and rate is not None and rate >= KEPT_UP * wanted:
        limit_rate, limit = min((limit_rate or math.inf, limit), (wanted, "offered rate"))
    share = None if limit_rate is None or rate is None else rate / limit_rate
    bound_by = "engine and store"
    if share is not None and share >= NEAR:
        bound_by = limit
    elif machine_cores is not None and cpus and machine_cores >= CPU_BUSY * cpus:
        bound_by = "cpu"
    return Ceiling(limit_rate, limit, share, bound_by)
