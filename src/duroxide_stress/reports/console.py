"""The result for a terminal or a log: the spec's table first, then what it leaves out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from duroxide_stress.plan import StressTestConfig
from duroxide_stress.reports import crash_map, findings
from duroxide_stress.reports.faults import fault_table, node_table
from duroxide_stress.reports.promises import promise_table
from duroxide_stress.reports.stores import store_words
from duroxide_stress.reports.text import Heading, cut, hanging, printable, table
from duroxide_stress.result import CellResult, Figure, Latency, RunResult, TargetResult
from duroxide_stress.units import format_duration, format_ms
from duroxide_stress.verdict import Verdict

SPEC_COLUMNS: list[Heading] = [
    ("Provider", "Provider"),
    ("Config", "Config"),
    ("Completed", "Compl."),
    ("Failed", "Failed"),
    ("Success %", "Succ. %"),
    ("Orch/sec", "Orch/s"),
    ("Activity/sec", "Act/s"),
    ("Avg Latency", "Avg lat."),
]
MORE_COLUMNS: list[Heading] = [
    ("Provider", "Provider"),
    ("Config", "Config"),
    ("P50", "P50"),
    ("P95", "P95"),
    ("P99", "P99"),
    ("Peak memory", "Memory"),
    ("CPU", "CPU"),
    ("Of ceiling", "Ceiling"),
    ("Time per completion", "T/compl."),
]


def render(result: RunResult, run: Path, width: int | None = None) -> str:
    """The whole report as text. `width` is the terminal's; None for a file or a pipe."""
    blocks = ["=== Duroxide Stress Test Results ==="]
    for _, group in groupby(result.cells, same_settings):
        cells = list(group)
        blocks += [heading(cells[0]), table(SPEC_COLUMNS, spec_rows(cells), width)]
        blocks.append(table(MORE_COLUMNS, more_rows(cells), width))
        blocks += [_parts(cells, width), _figures(cells, width)]
        blocks += [fault_table(cells, _name, width), node_table(cells, _name, width)]
        blocks.append(promise_table(cells, width))
    if len(crashes := crash_map.spots(result)) > 1:
        blocks.append(f"Crash map\n{crash_map.block(crashes, width)}")
    several = len({cell.scenario for cell in result.cells}) > 1
    blocks += [
        _notes(result.cells, width, several),
        _failures(result.cells, several),
        _findings(result.cells, run, width, several),
        _targets(result.cells, width, several),
    ]
    blocks += [_health(result.cells, width, several), _verdict(result, run, width)]
    return printable("\n\n".join(block for block in blocks if block) + "\n")


def render_findings(result: RunResult, run: Path, width: int | None = None) -> str:
    """Only what was found, the verdict and the words that repeat it: for a test that failed."""
    several = len({cell.scenario for cell in result.cells}) > 1
    blocks = [
        _failures(result.cells, several),
        _findings(result.cells, run, width, several),
        _verdict(result, run, width),
    ]
    return printable("\n\n".join(block for block in blocks if block) + "\n")


def same_settings(cell: CellResult) -> tuple[object, ...]:
    """What the cells of one table have in common."""
    s = cell.settings
    return (cell.scenario, s.duration_secs, s.max_concurrent, s.tasks_per_instance,
            s.activity_delay_ms, s.warmup_secs, *_unusual(s))  # fmt: skip


def heading(cell: CellResult) -> str:
    """The settings of a table, as the spec writes them."""
    s = cell.settings
    return "\n".join(
        [
            f"Test Scenario: {cell.title}",
            f"Duration: {format_duration(s.duration_secs)}"
            f" (after a warm-up of {format_duration(s.warmup_secs)})",
            f"Max Concurrent Instances: {s.max_concurrent}",
            f"Tasks per Instance: {s.tasks_per_instance}",
            f"Activity Delay: {s.activity_delay_ms}ms",
            *_unusual(s),
        ]
    )


def _unusual(settings: StressTestConfig) -> list[str]:
    """Load, hosts and locks, where they are not the usual."""
    s, default = settings, StressTestConfig()
    lines = [f"Load: {s.load}"] if s.load != default.load else []
    lines += [f"Hosts: {s.nodes}"] if s.nodes != default.nodes else []
    if s.worker_lock_timeout_ms != default.worker_lock_timeout_ms:
        lines.append(f"Activity Lock Timeout: {s.worker_lock_timeout_ms}ms")
    if s.orchestrator_lock_timeout_ms != default.orchestrator_lock_timeout_ms:
        lines.append(f"Orchestration Lock Timeout: {s.orchestrator_lock_timeout_ms}ms")
    return lines


def _name(cell: CellResult) -> list[str]:
    config = cell.config if cell.repeat == 1 else f"{cell.config} #{cell.repeat}"
    return [cell.provider_label, config]


def _where(cell: CellResult, several: bool) -> str:
    """A cell in a sentence; with its scenario where the result has several."""
    scenario = [cell.scenario] if several else []
    return " ".join([*scenario, *_name(cell)])


def spec_rows(cells: Sequence[CellResult]) -> list[list[str]]:
    """Under `SPEC_COLUMNS`, a row a cell."""
    return [
        [
            *_name(cell),
            str(cell.completed),
            str(cell.failed),
            _figure(cell.success_rate, "{:.1f}%"),
            _figure(cell.orchestrations_per_sec, "{:.2f}"),
            _figure(cell.activities_per_sec, "{:.2f}"),
            format_ms(cell.latency_ms.mean),
        ]
        for cell in cells
    ]


def more_rows(cells: Sequence[CellResult]) -> list[list[str]]:
    """Under `MORE_COLUMNS`, a row a cell."""
    return [
        [
            *_name(cell),
            *_percentiles(cell.latency_ms),
            _figure(cell.memory_mb.peak, "{:.0f} MiB"),
            _figure(cell.cpu_cores, "{:.2f}"),
            _figure(cell.ceiling.share, "{:.0%}"),
            format_ms(cell.time_per_completion_ms),
        ]
        for cell in cells
    ]


PART_COLUMNS: list[Heading] = [
    ("Provider", "Provider"),
    ("Config", "Config"),
    ("Part", "Part"),
    ("Completed", "Compl."),
    ("Failed", "Failed"),
    ("Orch/sec", "Orch/s"),
    ("Avg Latency", "Avg lat."),
    ("P99", "P99"),
]


def _parts(cells: Sequence[CellResult], width: int | None) -> str:
    """A mixed workload by part."""
    rows = [
        [
            *_name(cell),
            part.name,
            str(part.completed),
            str(part.failed),
            _figure(part.orchestrations_per_sec, "{:.2f}"),
            format_ms(part.latency_ms.mean),
            format_ms(part.latency_ms.p99),
        ]
        for cell in cells
        for part in cell.parts
    ]
    return table(PART_COLUMNS, rows, width) if rows else ""


FIGURE_COLUMNS: list[Heading] = [
    (name, name)
    for name in ("Provider", "Config", "Figure", "Count", "Per sec", "P50", "P95", "P99", "Max")
]


def _figures(cells: Sequence[CellResult], width: int | None) -> str:
    """What the scenario itself is about."""
    rows = [
        [*_name(cell), figure.name, str(figure.count), *_figure_cells(figure)]
        for cell in cells
        for figure in cell.figures
    ]
    return table(FIGURE_COLUMNS, rows, width) if rows else ""


def _figure_cells(figure: Figure) -> list[str]:
    spread = figure.spread or Latency()
    show = format_ms if figure.unit == "ms" else _count
    return [
        _figure(figure.value, "{:.2f}"),
        *(show(value) for value in (spread.p50, spread.p95, spread.p99, spread.max)),
    ]


def _count(value: float | None) -> str:
    return _figure(value, "{:,.0f}")


def _notes(cells: Sequence[CellResult], width: int | None, several: bool) -> str:
    notes = [
        "Completed and Failed count every instance, warm-up and drain included; an instance that "
        "fails where its program plans it counts as completed. Rates count the window; latency runs "
        "from due to the engine's durable end. Time per completion is run time over completions, "
        "which the spec's sample table calls Avg Latency."
    ]
    for cell in cells:
        limit = cell.ceiling
        if limit.orchestrations_per_sec is not None and limit.share:
            notes.append(
                f"{_where(cell, several)}: ceiling {limit.orchestrations_per_sec:.1f} orch/s "
                f"({limit.limit}), {limit.share:.0%} reached, held by {limit.bound_by}"
            )
    notes += [f"{_where(cell, several)}: {words}" for cell in cells if (words := _offered(cell))]
    stores = ((cell, store_words(cell.store)) for cell in cells)
    notes += [f"{_where(cell, several)}: {words}" for cell, words in stores if words]
    return _paragraphs(notes, width)


def _offered(cell: CellResult) -> str:
    """What an open loop wanted and what it got; empty for a closed one."""
    offer = cell.offered
    if offer.wanted_per_sec is None or cell.window.secs is None:
        return ""
    started = offer.started / cell.window.secs
    error = "" if offer.rate_error is None else f", {offer.rate_error:+.2%} off"
    lateness = format_ms(cell.health.driver_lateness_ms.p99)
    return (
        f"offered {started:,.2f} of {offer.wanted_per_sec:,.2f} instances/s ({offer.load}{error}), "
        f"{offer.dropped} dropped, start calls begun late by {lateness} at P99"
    )


def _percentiles(latency: Latency) -> list[str]:
    return [format_ms(value) for value in (latency.p50, latency.p95, latency.p99)]


def _failures(cells: Iterable[CellResult], several: bool) -> str:
    lines = []
    for cell in cells:
        if not cell.failed:
            continue
        split = ", ".join(f"{n} {category}" for category, n in cell.failed_by_category.items() if n)
        lines.append(f"  {_where(cell, several)}: {cell.failed} of {cell.launched} failed: {split}")
        lines += [
            hanging(f"{n} x {' '.join(cut(words).split())}", None, indent=4)
            for words, n in cell.failure_words.items()
        ]
    return "\n".join(["Failures", *lines]) if lines else ""


def _findings(cells: Sequence[CellResult], run: Path, width: int | None, several: bool) -> str:
    """What was found, and what could not be told."""
    text = []
    first = next((c for c in cells if any(k.verdict is Verdict.VIOLATED for k in c.checks)), None)
    for cell in cells:
        for check in cell.checks:
            where = _where(cell, several)
            if check.verdict is Verdict.UNKNOWN and check.asked:
                text.append(hanging(f"{where}, {check.name}: unknown: {check.note}", width))
            elif check.verdict is Verdict.VIOLATED:
                text += findings.shown(where, cell, check, run, width, repeat=cell is first)
    return "\n".join(["Findings", *text]) if text else ""


def _targets(cells: Iterable[CellResult], width: int | None, several: bool) -> str:
    lines = [
        hanging(f"{_where(cell, several)}, {target_words(target)}", width)
        for cell in cells
        for target in cell.targets
    ]
    return "\n".join(["Targets of the spec", *lines]) if lines else ""


def target_words(target: TargetResult) -> str:
    """A target and what became of it, in a line."""
    if target.name == "throughput":
        bound, value = f">= {target.bound:g} orch/s", _figure(target.value, "{:.2f}")
    else:
        bound, value = f"< {target.bound:g}ms", format_ms(target.value)
    reason = f": {target.reason}" if target.reason else ""
    return f"{target.name} {bound}: {value}, {target.state.replace('_', ' ')}{reason}"


def _health(cells: Iterable[CellResult], width: int | None, several: bool) -> str:
    where: dict[str, list[str]] = {}
    for cell in cells:
        remarks = [f"untrustworthy: {reason}" for reason in cell.health.reasons]
        for remark in [*remarks, *cell.health.notes]:
            where.setdefault(remark, []).append(_where(cell, several))
    lines = [hanging(f"{', '.join(names)}: {remark}", width) for remark, names in where.items()]
    return "\n".join(["Health of the measurement", *lines]) if lines else ""


def _verdict(result: RunResult, run: Path, width: int | None) -> str:
    lines = [f"Verdict: {result.verdict.value}"]
    for cell in result.cells:
        if cell.verdict is not Verdict.OK:
            lines.append(f"  {cell.recording}: {cell.verdict.value}")
            lines += [textwrap.indent(reason, "    ") for reason in cell.reasons]
            if cell.command:
                lines.append(f"    repeat: {cell.command}")
    lines += [f"Recording: {run}", f"Repeat: {result.plan.command}"]
    engines = sorted({cell.engine for cell in result.cells if cell.engine})
    if engines:
        lines.append(f"Engine: {', '.join(engines)}")
    return "\n".join(lines)


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _paragraphs(texts: Iterable[str], width: int | None) -> str:
    return "\n".join(hanging(text, width, indent=0) for text in texts)
