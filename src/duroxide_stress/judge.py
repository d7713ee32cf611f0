"""From a recording to its judgement: figures, checks, verdict. Imports nothing of the run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from duroxide_stress.checks.base import Check, judge, judgeable
from duroxide_stress.checks.own import with_recorded
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.errors import RecordingError
from duroxide_stress.measure import metrics
from duroxide_stress.measure.ceiling import ceiling
from duroxide_stress.measure.figures import figures
from duroxide_stress.measure.health import health
from duroxide_stress.measure.memory import ENGINE, as_result, process_memory
from duroxide_stress.measure.nodes import node_figures
from duroxide_stress.measure.offered import offered
from duroxide_stress.measure.recovery import recovery, summaries
from duroxide_stress.measure.store import store_facts
from duroxide_stress.measure.targets import targets
from duroxide_stress.plan import Cell
from duroxide_stress.recording.records import RunHead
from duroxide_stress.recording.store import read_run, refuse_unfinished, write_json
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import (
    CATEGORIES,
    SCHEMA,
    Ceiling,
    CellResult,
    CheckResult,
    Health,
    Latency,
    Memory,
    Offered,
    RunResult,
    Window,
)
from duroxide_stress.verdict import Verdict, worst

DIED = "SELECT node, detail FROM nodes WHERE what = 'died' ORDER BY at_ns"
"""Hosts that ended though nobody told or struck them. Without faults that ends the cell."""
NEVER_STRUCK = """
SELECT any_value(coalesce(spec, name)), any_value(skipped) FROM faults
GROUP BY coalesce(spec, name) HAVING count(began_ns) = 0 ORDER BY 1
"""
"""What the plan asked for and the cell did not get: nothing was proven of it."""


def judge_run(run: Path, own: Mapping[str, Check] | None = None) -> RunResult:
    """Judge every cell of a recording, also by checks of the user's own: path → check.

    Raises UsageError when `run` is no recording, or of a newer format; RecordingError when its
    plan cannot be read. A cell that is damaged, cut off or missing is unknown, with its reason.
    """
    head = read_run(run)
    refuse_unfinished(run)
    checks = with_recorded(head.plan.checks, own or {})
    files = list(dict.fromkeys([*head.plan.checks, *(own or {})]))
    cells = tuple(
        _with_files(judge_cell(run, cell, head, checks), files) for cell in head.plan.cells
    )
    reasons = tuple(f"{c.recording}: {reason}" for c in cells for reason in c.reasons)
    return RunResult(
        schema=SCHEMA,
        verdict=worst(cell.verdict for cell in cells),
        reasons=reasons,
        plan=head.plan,
        environment=head.environment,
        cells=cells,
    )


def save_result(run: Path, result: RunResult) -> None:
    """Write `result.json` into the recording; it is derived and may be made again."""
    write_json(run / "result.json", result)


def _with_files(cell: CellResult, files: Sequence[str]) -> CellResult:
    """The cell's command, with the checks it was held to."""
    words = shlex.join(word for file in files for word in ("--check", file))
    if not words or not cell.command:
        return cell
    return msgspec.structs.replace(cell, command=f"{cell.command} {words}")


def judge_cell(run: Path, cell: Cell, head: RunHead, own: Sequence[Check] = ()) -> CellResult:
    """Judge one cell's directory."""
    directory = run / cell.key
    if not directory.is_dir():
        return _unjudged(cell, "not run: the run ended before this cell")
    try:
        recording = Recording(directory)
    except RecordingError as error:
        return _unjudged(cell, str(error))
    try:
        return _judged(recording, cell, head, own)
    finally:
        recording.close()


def _judged(recording: Recording, cell: Cell, run: RunHead, own: Sequence[Check]) -> CellResult:
    head = recording.head
    cpus = run.environment.get("cpus")
    counted = metrics.counts(recording)
    measured = metrics.window(recording)
    rate = None if measured.secs is None else measured.completions / measured.secs
    if not _collected(recording):
        rate = None
    executed, activity_rate = metrics.activities(recording, measured)
    durable = metrics.latency(recording, measured, "durable")
    offer = offered(recording, measured)
    condition = health(recording, measured, durable, offer, cpus)
    machine = metrics.cores_used(recording, measured, "machine")
    limit = ceiling(head, rate, offer, machine, cpus)
    recovered = recovery(recording)
    asked = (*CHECKS.values(), *own) if judgeable(recording) else ()
    checks = tuple(judge(check, recording) for check in asked)
    verdict, reasons = _verdict(recording, checks)
    return CellResult(
        scenario=cell.scenario,
        title=head.title,
        provider=cell.provider,
        provider_label=head.provider_label,
        engine=head.engine_version,
        config=str(cell.config.concurrency),
        repeat=cell.repeat,
        settings=cell.config,
        verdict=verdict,
        reasons=reasons,
        launched=counted.launched,
        completed=counted.completed,
        failed=counted.failed,
        undecided=counted.undecided,
        failed_by_category=counted.by_category,
        failure_words=counted.words,
        success_rate=counted.success_rate,
        orchestrations_per_sec=rate,
        activities_per_sec=activity_rate,
        activities_executed=executed,
        latency_ms=durable,
        client_latency_ms=metrics.latency(recording, measured, "seen"),
        time_per_completion_ms=metrics.time_per_completion_ms(recording),
        window=measured,
        offered=offer,
        ceiling=limit,
        memory_mb=as_result(process_memory(recording, *ENGINE)),
        cpu_cores=metrics.cores_used(recording, measured, "engine", "embedded"),
        store=store_facts(recording, counted.completed),
        figures=figures(recording, measured),
        parts=metrics.parts(recording, measured),
        recovery=recovered,
        recovery_summary=summaries(recording, recovered),
        nodes=node_figures(recording, measured),
        checks=checks,
        targets=targets(head, rate, durable.mean, limit, trustworthy=condition.trustworthy),
        health=condition,
        command=head.command,
        recording=recording.directory.name,
    )


def _collected(recording: Recording) -> bool:
    return (recording.directory / "executions.jsonl").exists()


def _verdict(
    recording: Recording, checks: tuple[CheckResult, ...]
) -> tuple[Verdict, tuple[str, ...]]:
    """Worst of the checks that were asked, and of how the cell ended."""
    verdicts = [c.verdict for c in checks if c.asked or c.verdict is Verdict.VIOLATED]
    speaking: dict[str, list[str]] = {}
    for check in checks:
        if check.verdict is Verdict.VIOLATED or (check.asked and check.verdict is Verdict.UNKNOWN):
            speaking.setdefault(_why(check), []).append(check.name)
    reasons = [f"{', '.join(names)}: {why}" for why, names in speaking.items()]
    end = recording.end
    if end is None:
        verdicts.append(Verdict.UNKNOWN)
        reasons.insert(0, "the cell was cut off: it has no end.json")
    elif end.ended != "finished":
        crashed = end.ended == "host-crashed"
        verdicts.append(Verdict.VIOLATED if crashed else Verdict.UNKNOWN)
        reasons.insert(0, end.reason)
        if end.last_words:
            reasons.insert(1, f"its last words:\n{end.last_words}")
    else:
        for node, how in recording.rows(DIED):
            outside = "SIGKILL" in how or "SIGTERM" in how
            verdicts.append(Verdict.UNKNOWN if outside else Verdict.VIOLATED)
            reasons.append(f"{node} died by itself while faults were at work: {how}")
        for fault, why in recording.rows(NEVER_STRUCK):
            verdicts.append(Verdict.UNKNOWN)
            reasons.append(f"fault {fault} never struck: {why}")
    return worst(verdicts), tuple(reasons)


def _why(check: CheckResult) -> str:
    return f"{check.found} found in {check.seen} {check.unit}" if check.found else check.note


def _unjudged(cell: Cell, reason: str) -> CellResult:
    """A cell of which nothing can be said but why."""
    return CellResult(
        scenario=cell.scenario,
        title=cell.scenario,
        provider=cell.provider,
        provider_label=cell.provider,
        engine="",
        config=str(cell.config.concurrency),
        repeat=cell.repeat,
        settings=cell.config,
        verdict=Verdict.UNKNOWN,
        reasons=(reason,),
        launched=0,
        completed=0,
        failed=0,
        undecided=0,
        failed_by_category=dict.fromkeys(CATEGORIES, 0),
        failure_words={},
        success_rate=None,
        orchestrations_per_sec=None,
        activities_per_sec=None,
        activities_executed=0,
        latency_ms=Latency(),
        client_latency_ms=Latency(),
        time_per_completion_ms=None,
        window=Window(None, None, None, 0),
        offered=Offered(cell.config.load, None, 0, 0, None),
        ceiling=Ceiling(None, "none", None, "unknown"),
        memory_mb=Memory(None, None, None),
        cpu_cores=None,
        store={},
        figures=(),
        parts=(),
        recovery=(),
        recovery_summary=(),
        nodes=(),
        checks=(),
        targets=(),
        health=Health(
            trustworthy=False,
            reasons=(reason,),
            driver_lateness_ms=Latency(),
            generator_cpu=None,
            foreign_cpu=None,
            clock_drift_ms=0.0,
            watch_errors=0,
        ),
        command="",
        recording=cell.key,
    )
