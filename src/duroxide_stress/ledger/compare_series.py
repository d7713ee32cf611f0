"""What happened when within a cell's window: the time structure that intervals are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.errors import RecordingError
from duroxide_stress.measure.metrics import LOAD, window
from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC


class Series(msgspec.Struct, frozen=True):
    """The load's completions and latencies in one window, in seconds since it opened. Each field but
    `secs` is an array of numbers."""

    secs: float
    ended_secs: Any
    """Durable ends inside the window: what the throughput counts."""
    due_secs: Any
    """When each instance with a latency was due: what the latencies are of."""
    latency_ms: Any


def read_series(directory: Path) -> Series | None:
    """The series of a cell's directory; None when its recording is gone, damaged or has no window."""
    try:
        recording = Recording(directory)
    except RecordingError:
        return None
    try:
        return _series(recording)
    finally:
        recording.close()


def _series(recording: Recording) -> Series | None:
    measured = window(recording)
    if measured.begin_ns is None or measured.end_ns is None or not measured.secs:
        return None
    begin, finish = measured.begin_ns, measured.end_ns
    found = recording.db.execute(
        f"SELECT o.due_ns, e.ended_ms * {NS_PER_MS} AS ended_ns FROM ops o JOIN ends e "
        f"USING (instance) WHERE o.as_planned AND {LOAD} AND e.ended_ms IS NOT NULL "
        "ORDER BY o.op"
    ).fetchnumpy()
    due, ended = found["due_ns"], found["ended_ns"]
    completed = ended[(begin <= ended) & (ended < finish)]
    inside = (begin <= due) & (due < finish)
    return Series(
        secs=measured.secs,
        ended_secs=(completed - begin) / NS_PER_SEC,
        due_secs=(due[inside] - begin) / NS_PER_SEC,
        latency_ms=(ended[inside] - due[inside]) / NS_PER_MS,
    )
