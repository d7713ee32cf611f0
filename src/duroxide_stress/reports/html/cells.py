"""One cell of the page: its pictures out of the recording, its findings and the stories behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from duroxide_stress.errors import RecordingError
from duroxide_stress.measure.percentiles import Clock, latency_percentiles, timer_percentiles
from duroxide_stress.measure.series import Series, series
from duroxide_stress.recording.glance import glance
from duroxide_stress.recording.records import RunHead
from duroxide_stress.recording.store import read_run
from duroxide_stress.recording.tables import Recording
from duroxide_stress.reports import story_text
from duroxide_stress.reports.html import tables
from duroxide_stress.reports.html.charts import Chart, Line, by_percentile, over_time
from duroxide_stress.reports.html.tables import Table
from duroxide_stress.reports.story import Named, tell
from duroxide_stress.reports.text import shortened
from duroxide_stress.result import CellResult, Finding
from duroxide_stress.verdict import Verdict

STORIES = 4
"""Of a cell; the instances of the first and the worst findings come first."""
STORY = 30_000
"""Characters of one story."""
LISTED = 5
"""Findings of one check that are listed."""

CLOCKS: tuple[tuple[Clock, str], ...] = (
    ("due_to_durable", "due to durable end"),
    ("due_to_seen", "due to seen by the client"),
    ("begun_to_durable", "submitted to durable end"),
)


class Found(msgspec.Struct, frozen=True):
    """A broken promise, and the findings that are listed."""

    check: str
    promise: str
    counted: str
    listed: tuple[tuple[str, Finding], ...]
    """`first`, `worst` or nothing, and what was found."""
    more: int


class Told(msgspec.Struct, frozen=True):
    """The story of an instance."""

    instance: str
    text: str


class CellView(msgspec.Struct, frozen=True):
    """Everything the page shows of a cell beside its result."""

    cell: CellResult
    number: int
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    found: tuple[Found, ...]
    stories: tuple[Told, ...]
    without: str
    """Why there are no pictures; empty where there are."""
    details: tuple[Table, ...]
    """Tables that are folded away."""


def view(cell: CellResult, number: int, run: Path, stories: int) -> CellView:
    """A cell with its pictures and at most so many stories; without pictures where its recording is
    gone or damaged, and says why."""
    charts: list[Chart] = []
    by_clock: list[Table] = []
    told: tuple[Told, ...] = ()
    without = ""
    directory = run / cell.recording
    try:
        if not directory.is_dir():
            raise RecordingError("its recording is not there")
        with closing(glance(directory)) as recording:
            charts, by_clock = _pictures(recording, cell)
        told = _stories(cell, run, stories)
        without = "" if charts else "nothing was recorded that could be drawn"
    except RecordingError as error:
        without = str(error)
    details = tables.cell_promises(cell), tables.recovery(cell), tables.more(cell)
    return CellView(
        cell=cell,
        number=number,
        charts=tuple(charts),
        tables=tuple(
            table
            for table in (
                *by_clock, tables.parts(cell), tables.figures(cell), tables.recovery_summary(cell),
                tables.nodes(cell),
            )
            if table.rows
        ),
        found=tuple(_found(cell)),
        stories=told,
        without=without,
        details=tuple(t for t in details if t.rows),
    )  # fmt: skip


def _pictures(recording: Recording, cell: CellResult) -> tuple[list[Chart], list[Table]]:
    """The charts in their order, and the same by percentile in figures."""
    clocks = latency_percentiles(recording, cell.window)
    lines = [(name, clocks[clock]) for clock, name in CLOCKS if clocks[clock].samples]
    late = timer_percentiles(recording, cell.window)
    timers = [("fired minus due", late)] if late.samples else []
    over = series(recording)
    found = [
        by_percentile("Latency by percentile", READ_LATENCY, lines),
        *([] if over is None else _over_time(over)),
        by_percentile("Timer lateness by percentile", READ_TIMERS, timers),
    ]
    titles = [("Latency by clock", lines), ("Timer lateness", timers)]
    return (
        [chart for chart in found if chart is not None],
        [tables.percentiles(title, these) for title, these in titles if these],
    )


READ_LATENCY = (
    "Read: at 99% stands the latency that 1 in 100 instances exceeded; each step to the right is "
    "ten times rarer. A gap between the first two lines is the client's wait for news, between the "
    "first and the third the wait before the start call. Instances due inside the window."
)
READ_TIMERS = (
    "Read: fired minus due, of the timers that fired inside the window. One that fires early breaks a "
    "promise, and is among the findings."
)


def _over_time(over: Series) -> Iterator[Chart | None]:
    """Throughput, latency, in flight with the queues, memory."""
    width = f"a point is {over.width:g} s"
    whose = {"durable": "durable ends", "seen": "ends that the client saw"}[over.clock]
    counted = "generations" if over.generations else "completions"
    failed = any(over.failures_per_sec)
    yield over_time(
        over, f"Throughput, {counted}", "per second",
        f"Read: {whose} per second; {width}. Grey is warm-up and drain, red a fault at work.",
        [Line(counted, over.completions_per_sec),
         *([Line("failures", over.failures_per_sec)] if failed else [])],
    )  # fmt: skip
    yield over_time(
        over, "Latency", "ms",
        f"Read: from due to {'durable end' if over.clock == 'durable' else 'seen by the client'}, "
        f"at the moment the instances were due; {width}. What a fault struck was due before "
        "it, so its peak begins left of the red. Of fewer than 100 instances P99 is the slowest.",
        [Line("P50", over.latency_p50_ms), Line("P95", over.latency_p95_ms),
         Line("P99", over.latency_p99_ms)],
    )  # fmt: skip
    yield over_time(
        over, "In flight and queues", "count",
        "Read: instances started and not seen to end, and the engine's two queues, which are looked "
        "at once a second. A queue that only grows is a store that falls behind.",
        [Line("in flight", over.in_flight),
         Line("orchestrator queue", over.orchestrator_queue, joined=True),
         Line("worker queue", over.worker_queue, joined=True)],
    )  # fmt: skip
    yield over_time(
        over, "Memory of the engine", "MiB",
        "Read: resident memory of the engine's processes together, the highest look of each point. "
        "A line that keeps rising is a leak, or a cache that is not full yet.",
        [Line("resident", over.memory_mib, joined=True)],
    )  # fmt: skip


def _found(cell: CellResult) -> Iterator[Found]:
    for check in cell.checks:
        if check.verdict is not Verdict.VIOLATED:
            continue
        named: dict[Finding, str] = {}
        if check.worst is not None:
            named[check.worst] = "worst"
        for place, finding in enumerate(check.findings[:LISTED]):
            label = "first" if place == 0 else ""
            named[finding] = " and ".join(filter(None, (label, named.get(finding, ""))))
        listed = sorted(
            named.items(), key=lambda one: ("first" not in one[1], "worst" not in one[1])
        )
        yield Found(
            check=check.name,
            promise=check.promise,
            counted=f"{check.found:,} found in {check.seen:,} {check.unit}",
            listed=tuple((label, finding) for finding, label in listed),
            more=max(0, check.found - len(listed)),
        )


def _stories(cell: CellResult, run: Path, most: int) -> tuple[Told, ...]:
    """The stories of the instances that findings name, as many as there is room for."""
    wanted = dict.fromkeys(
        finding.instance
        for found in _found(cell)
        for _, finding in found.listed
        if finding.instance is not None
    )
    if not wanted or most <= 0:
        return ()
    head = read_run(run)
    told = []
    with closing(Recording(run / cell.recording)) as recording:
        for instance in list(wanted)[: min(STORIES, most)]:
            # A finding may name what the recording has no instance of: a row of the store.
            with suppress(RecordingError):
                told.append(Told(instance, _story(recording, cell, instance, run, head)))
    return tuple(told)


def _story(recording: Recording, cell: CellResult, instance: str, run: Path, head: RunHead) -> str:
    """As `show` tells it. What was found is taken from the result, so that no check runs again."""
    story = tell(recording, instance, str(run), head, ())
    findings = _about(cell, instance)
    story = msgspec.structs.replace(story, findings=findings)
    return shortened(story_text.render(story), STORY)


def _about(cell: CellResult, instance: str) -> tuple[Named, ...]:
    return tuple(
        Named(check.name, finding, check.found, check.seen, check.unit)
        for check in cell.checks
        for finding in dict.fromkeys((*check.findings, *filter(None, [check.worst])))
        if finding.instance == instance
    )
