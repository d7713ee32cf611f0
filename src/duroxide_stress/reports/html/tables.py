"""The tables of the page, as text in cells; what stands in them is worked out elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from duroxide_stress.ledger.metrics import METRICS, Metric
from duroxide_stress.measure.percentiles import Percentiles
from duroxide_stress.reports import console
from duroxide_stress.reports.faults import FAULT_COLUMNS, NODE_COLUMNS, fault_row, node_rows
from duroxide_stress.reports.promises import short_verdict
from duroxide_stress.result import CellResult, CheckResult, Recovery, RunResult
from duroxide_stress.units import MIB, format_ms
from duroxide_stress.verdict import Verdict

RECOVERIES = 40
"""Faults that are listed one by one."""
ASKED_FOR = (0.5, 0.9, 0.99, 0.999, 0.9999)


class Table(msgspec.Struct, frozen=True):
    """Headings and rows of text."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)
    """Which columns are words; the others are figures."""
    under: str = ""
    """A line below it."""


FORMS = {"/s": "{:,.2f}", "MiB": "{:,.0f} MiB", "cores": "{:.2f}", "%": "{:.1f}%"}


def shown(metric: Metric, cell: CellResult) -> str:
    """A cell's figure with its unit; `-` where there is none."""
    value = metric.of(cell)
    if metric.unit == "ms":
        return format_ms(value)
    return "-" if value is None else FORMS[metric.unit].format(value)


RESULT_HEADINGS = (
    *("Scenario", "Provider", "Config", "Verdict", "Completed", "Failed"),
    *(metric.title for metric in METRICS.values()),
    *("Of ceiling", "Figures"),
)


def result_row(cell: CellResult) -> tuple[str, ...]:
    """A cell's row of the matrix, after its verdict."""
    share = cell.ceiling.share
    return (
        f"{cell.completed:,}",
        f"{cell.failed:,}",
        *(shown(metric, cell) for metric in METRICS.values()),
        "-" if share is None else f"{share:.0%}",
        "trustworthy" if cell.health.trustworthy else "doubtful",
    )


def promises(result: RunResult) -> Table:
    """Every promise, and in how many cells it held."""
    found: dict[str, list[CheckResult]] = {}
    for cell in result.cells:
        for check in cell.checks:
            found.setdefault(check.name, []).append(check)
    rows, silent = [], []
    for name, checks in found.items():
        words = [short_verdict(check) for check in checks]
        if set(words) == {"(-)"}:
            silent.append(name)
            continue
        counts = (words.count(word) for word in ("ok", "VIOLATED", "unknown", "(-)"))
        rows.append((name, *(str(count) if count else "" for count in counts), checks[0].promise))
    return Table(
        "Promises by the number of cells",
        ("Promise", "ok", "violated", "unknown", "not asked", "What it says"),
        tuple(rows),
        words=(0, 5),
        under=_silent(silent),
    )


def _silent(names: Sequence[str]) -> str:
    words = f"Not asked, for it could not have been shown: {', '.join(names)}"
    return words if names else ""


def cell_promises(cell: CellResult) -> Table:
    """What came of each promise in a cell; those it was not asked about in a line below."""
    asked = [check for check in cell.checks if short_verdict(check) != "(-)"]
    silent = [check.name for check in cell.checks if short_verdict(check) == "(-)"]
    rows = tuple(
        (
            check.name,
            short_verdict(check),
            f"{check.found:,} found in {check.seen:,} {check.unit}"
            if check.verdict is Verdict.VIOLATED
            else f"{check.seen:,} {check.unit} looked at",
            check.note if check.verdict is Verdict.UNKNOWN else check.promise,
        )
        for check in asked
    )
    headings = ("Promise", "Verdict", "Evidence", "What it says")
    return Table("Promises", headings, rows, words=(0, 1, 2, 3), under=_silent(silent))


def percentiles(title: str, lines: Sequence[tuple[str, Percentiles]]) -> Table:
    """A picture by percentile in figures, for those who do not see it, or want to copy it."""
    rows = []
    for name, one in lines:
        known = dict(one.points)
        most = one.points[-1][1] if one.points else None
        rows.append(
            (name, f"{one.samples:,}", *(format_ms(known.get(part)) for part in ASKED_FOR),
             format_ms(most))
        )  # fmt: skip
    headings = ("Clock", "Samples", "P50", "P90", "P99", "P99.9", "P99.99", "Max")
    return Table(title, headings, tuple(rows))


def figures(cell: CellResult) -> Table:
    """What the scenario itself is about."""
    rows = tuple(
        (figure.name, f"{figure.count:,}", *console.figure_row(figure)) for figure in cell.figures
    )
    headings = ("Figure", "Count", "Per sec or %", "P50", "P95", "P99", "Max")
    return Table("Figures of the scenario", headings, rows)


def parts(cell: CellResult) -> Table:
    """A mixed workload by part."""
    headings = tuple(long for long, _ in console.PART_COLUMNS[2:])
    rows = tuple(tuple(console.part_row(part)) for part in cell.parts)
    return Table("Parts of the mixture", headings, rows)


def recovery_summary(cell: CellResult) -> Table:
    """The faults by name."""
    headings = tuple(long for long, _ in FAULT_COLUMNS[2:])
    rows = tuple(tuple(fault_row(one)) for one in cell.recovery_summary)
    return Table("Recovery from faults", headings, rows)


def recovery(cell: CellResult) -> Table:
    """Each fault that began."""
    rows = tuple(_recovery(one) for one in cell.recovery[:RECOVERIES])
    more = len(cell.recovery) - len(rows)
    return Table(
        "Each fault",
        (*("No.", "Fault", "Target", "What was done", "Began", "Lasted", "First progress"),
         *("Former rate", "Backlog before/peak", "In flight", "Settled", "Extra runs")),
        rows,
        words=(0, 1, 2, 3),
        under=f"... and {more} more; result.json lists them all" if more > 0 else "",
    )  # fmt: skip


def _recovery(one: Recovery) -> tuple[str, ...]:
    back = one.former_rate_reason or format_ms(one.former_rate_ms)
    return (
        str(one.number),
        one.name,
        one.target,
        one.detail,
        _secs(one.began_secs),
        "never healed" if one.lasted_secs is None else _secs(one.lasted_secs),
        "nothing completed" if one.stuck else format_ms(one.first_progress_ms),
        back,
        f"{_count(one.backlog_before)}/{_count(one.backlog_peak)}",
        _count(one.in_flight),
        f"{one.never_ended} never ended" if one.never_ended else format_ms(one.settled_ms),
        _count(one.extra_executions),
    )


def nodes(cell: CellResult) -> Table:
    """The hosts, where there were several or one lived more than once."""
    headings = tuple(long for long, _ in NODE_COLUMNS[2:])
    return Table("Hosts", headings, tuple(tuple(row) for row in node_rows(cell)))


def more(cell: CellResult) -> Table:
    """The figures that the matrix has no room for."""
    memory, health, ceiling = cell.memory_mb, cell.health, cell.ceiling
    slope = memory.slope_reason or _number(memory.slope_per_min, " MiB/min")
    window = "-" if cell.window.secs is None else f"{cell.window.secs:.2f} s"
    rows = [
        ("Measuring window", f"{window}, {cell.window.completions:,} durable ends inside it"),
        ("Instances", f"{cell.launched:,} launched, {cell.completed:,} completed, "
                      f"{cell.failed:,} failed, {cell.undecided:,} undecided"),
        ("Activity executions", f"{cell.activities_executed:,}"),
        ("Offered load", console.offered_words(cell)),
        ("Ceiling", "none: the activities take no time" if ceiling.orchestrations_per_sec is None
         else f"{ceiling.orchestrations_per_sec:,.1f} orch/s ({ceiling.limit}); "
              f"held by {ceiling.bound_by}"),
        ("P99.9 and maximum", f"{format_ms(cell.latency_ms.p999)}, "
                              f"{format_ms(cell.latency_ms.max)}"),
        ("Time per completion", format_ms(cell.time_per_completion_ms)),
        ("Memory", f"mean {_number(memory.mean, ' MiB')}; slope: {slope}"),
        ("Driver lateness, P99", format_ms(health.driver_lateness_ms.p99)),
        ("CPU of generator, of others", f"{_number(health.generator_cpu)}, "
                                        f"{_number(health.foreign_cpu)} cores"),
        *(("Target", console.target_words(target)) for target in cell.targets),
        *((f"Store: {name}", _stored(name, value)) for name, value in cell.store.items()),
    ]  # fmt: skip
    return _pairs("More figures", rows)


def facts(result: RunResult) -> Table:
    """Where and how the run was made."""
    engines = sorted({cell.engine for cell in result.cells if cell.engine})
    seeds = sorted({cell.config.seed for cell in result.plan.cells})
    rows = [
        ("Plan", result.plan.name),
        ("Cells", str(len(result.plan.cells))),
        ("Seed", ", ".join(map(str, seeds))),
        ("Engine", ", ".join(engines) or "unknown: no cell got as far"),
        *((str(name), _plain(value)) for name, value in result.environment.items()),
        ("Checks of your own", ", ".join(result.plan.checks)),
    ]
    return _pairs("Plan and environment", rows)


def _pairs(caption: str, rows: Iterable[tuple[str, str]]) -> Table:
    return Table(caption, ("What", "Value"), tuple(row for row in rows if row[1]), words=(0, 1))


def _stored(name: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if name.endswith("_bytes") and value >= MIB:
        return f"{value / MIB:,.1f} MiB"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


def _secs(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}s"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:,.2f}{unit}"
