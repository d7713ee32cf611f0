"""Memory that leaks, as samples: virtual time has no memory of its own.

A cell of ten virtual minutes is recorded on the reference engine and then said to have had its engine in
a process apart, whose samples are made up here. It is the one bug that is not run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec

from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.recording.records import CellEnd, CellHead, Mark, Sample
from duroxide_stress.recording.store import (
    count_lines,
    read_cell_end,
    read_cell_head,
    write_json,
)
from duroxide_stress.recording.writer import DirectWriter
from duroxide_stress.selftest.recorder import record_cell
from duroxide_stress.units import MIB, NS_PER_SEC

START_MIB = 80.0
SECS = 600
CELL = Cell(
    "parallel",
    "reference",
    StressTestConfig(
        max_concurrent=1,
        tasks_per_instance=1,
        activity_delay_ms=1_000,
        duration_secs=SECS,
        warmup_secs=0,
    ),
)


class Stream(msgspec.Struct, frozen=True):
    """Seconds since the window opened → MiB above the start."""

    name: str
    what: str
    mib: Callable[[float, Random], float]
    check: str = "memory"


LEAKS = (
    Stream(
        "slow leak",
        "The engine's process grows by 2 MiB a minute under noise (samples made up).",
        lambda secs, rng: secs / 30 + rng.gauss(0, 0.3),
    ),
    Stream(
        "leak by steps",
        "The engine's process takes another MiB every ten seconds (samples made up).",
        lambda secs, rng: secs // 10,
    ),
)
STEADY = Stream(
    "restless memory",
    "The engine's process fills its caches and then wavers (samples made up).",
    lambda secs, rng: 20 * min(secs / 10, 1) + rng.gauss(0, 2),
)


def record_stream(run: Path, stream: Stream) -> Path:
    """Record the cell, with the engine's memory as the stream has it. Returns its directory."""
    directory = record_cell(run, CELL)
    head: CellHead = read_cell_head(directory)
    write_json(directory / "cell.json", msgspec.structs.replace(head, mode="separate"))
    begin_ns = _window_begin_ns(directory / "ops.jsonl")
    rng, samples = Random(CELL.config.seed), DirectWriter(directory / "samples.jsonl")
    for quarter in range(4 * SECS):
        rss = int((START_MIB + stream.mib(quarter / 4, rng)) * MIB)
        at_ns = begin_ns + quarter * NS_PER_SEC // 4
        samples.write(Sample(at_ns, "engine", rss_bytes=rss))
    samples.close()
    end: CellEnd | None = read_cell_end(directory)
    assert end is not None
    lines = count_lines(directory)
    write_json(directory / "end.json", msgspec.structs.replace(end, lines=lines))
    return directory


def _window_begin_ns(ops: Path) -> int:
    with ops.open("rb") as lines:
        marks = (msgspec.json.decode(line, type=Mark) for line in lines if b'"mark"' in line)
        return next(mark.at_ns for mark in marks if mark.name == "window_begin")
