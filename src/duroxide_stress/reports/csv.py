"""The figures of each cell as CSV (RFC 4180): a row a cell, under names that say their units.

A field without a figure is empty, never 0. Columns keep their names and order; new ones come behind.
A text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from duroxide_stress.plan import Cell
from duroxide_stress.reports.text import one_line
from duroxide_stress.result import CellResult, Latency, RunResult
from duroxide_stress.verdict import Verdict

Value: TypeAlias = str | int | float | None
FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20\t\r"
"""What a formula begins with, also in the full width that East Asian spreadsheets read."""


def _latency(prefix: str, of: Callable[[CellResult], Latency]) -> dict[str, Callable[..., Value]]:
    return {
        f"{prefix}_samples": lambda c: of(c).samples,
        f"{prefix}_mean_ms": lambda c: of(c).mean,
        f"{prefix}_p50_ms": lambda c: of(c).p50,
        f"{prefix}_p95_ms": lambda c: of(c).p95,
        f"{prefix}_p99_ms": lambda c: of(c).p99,
        f"{prefix}_p999_ms": lambda c: of(c).p999,
        f"{prefix}_max_ms": lambda c: of(c).max,
    }


def _checks(cell: CellResult, verdict: Verdict) -> str:
    """The names of the checks that count and said this."""
    asked = (c for c in cell.checks if c.verdict is verdict)
    return " ".join(c.name for c in asked if c.asked or verdict is Verdict.VIOLATED)


COLUMNS: dict[str, Callable[[CellResult], Value]] = {
    "scenario": lambda c: c.scenario,
    "provider": lambda c: c.provider,
    "provider_label": lambda c: c.provider_label,
    "engine": lambda c: c.engine,
    "config": lambda c: c.config,
    "repeat": lambda c: c.repeat,
    "seed": lambda c: c.settings.seed,
    "load": lambda c: c.settings.load,
    "max_concurrent": lambda c: c.settings.max_concurrent,
    "tasks_per_instance": lambda c: c.settings.tasks_per_instance,
    "activity_delay_ms": lambda c: c.settings.activity_delay_ms,
    "warm_up_secs": lambda c: c.settings.warmup_secs,
    "duration_secs": lambda c: c.settings.duration_secs,
    "nodes": lambda c: c.settings.nodes,
    "verdict": lambda c: c.verdict.value,
    "violated_checks": lambda c: _checks(c, Verdict.VIOLATED),
    "unknown_checks": lambda c: _checks(c, Verdict.UNKNOWN),
    "launched": lambda c: c.launched,
    "completed": lambda c: c.completed,
    "failed": lambda c: c.failed,
    "undecided": lambda c: c.undecided,
    "success_percent": lambda c: c.success_rate,
    "orchestrations_per_sec": lambda c: c.orchestrations_per_sec,
    "activities_per_sec": lambda c: c.activities_per_sec,
    **_latency("latency", lambda c: c.latency_ms),
    **_latency("client_latency", lambda c: c.client_latency_ms),
    "time_per_completion_ms": lambda c: c.time_per_completion_ms,
    "wanted_per_sec": lambda c: c.offered.wanted_per_sec,
    "dropped": lambda c: c.offered.dropped,
    "ceiling_orchestrations_per_sec": lambda c: c.ceiling.orchestrations_per_sec,
    "ceiling_share": lambda c: c.ceiling.share,
    "memory_peak_mib": lambda c: c.memory_mb.peak,
    "memory_mean_mib": lambda c: c.memory_mb.mean,
    "memory_slope_mib_per_min": lambda c: c.memory_mb.slope_per_min,
    "cpu_cores": lambda c: c.cpu_cores,
    "trustworthy": lambda c: "yes" if c.health.trustworthy else "no",
    "recording": lambda c: c.recording,
    "repeat_command": lambda c: c.command,
}
"""Each column's name and its figure."""


def render(result: RunResult, run: Path) -> str:
    """A heading and a row for each cell, with CRLF line ends; `faults` is the last column."""
    planned = {cell.key: cell for cell in result.plan.cells}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*COLUMNS, "faults"])
    for cell in result.cells:
        row = [*(of(cell) for of in COLUMNS.values()), _faults(planned.get(cell.recording))]
        writer.writerow([safe(value) for value in row])
    return out.getvalue()


def _faults(cell: Cell | None) -> str:
    return "" if cell is None else " ".join(cell.faults)


def safe(value: Value) -> Value:
    """A field that no spreadsheet computes, and that holds no control character."""
    if not isinstance(value, str):
        return value
    return one_line(f"'{value}" if value.startswith(tuple(FORMULA)) else value)
