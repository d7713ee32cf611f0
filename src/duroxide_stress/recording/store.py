"""The run directory: where each file lies, and how heads are written and read.

<run>/plan.json              the plan and the environment, first
<run>/<cell>/cell.json       what was about to be run
<run>/<cell>/ops.jsonl       invoke / acked / ok / fail / info / mark, by the driver
<run>/<cell>/effects*.jsonl  every real activity execution, by each life of a host
<run>/<cell>/nodes.jsonl     the processes that serve: when each was ready, and stopped
<run>/<cell>/faults.jsonl    injected faults: when each was meant to begin, began and was healed
<run>/<cell>/samples*.jsonl  queues over time by the driver; processes, machine, store by the monitor
<run>/<cell>/executions.jsonl, history.jsonl, store.json, metrics.json    copied out at rest
<run>/<cell>/end.json        last, atomically
<run>/output.log             what was printed in the command's own process, if anything was
<run>/result.json            the judgement: derived, may be deleted and made again

The lines of a long run are in pieces, compressed when they are full: see `pieces.py`.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import psutil

from duroxide_stress.errors import RecordingError, UsageError
from duroxide_stress.recording.pieces import count
from duroxide_stress.recording.records import FORMAT, CellEnd, CellHead, RunHead, Writer
from duroxide_stress.redaction import redact_bytes

RUNNING = "running.json"
LINE_FILES = ("ops", "effects", "nodes", "faults", "samples", "executions", "history")

T = TypeVar("T")


class _Format(msgspec.Struct):
    format: int


def write_json(path: Path, value: object) -> None:
    """Write one JSON document so that a reader sees the whole of it or nothing."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(redact_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def count_lines(directory: Path) -> dict[str, int]:
    """Complete lines of each kind of record in a cell's directory."""
    counts = {name: count(directory, name) for name in LINE_FILES}
    return {name: lines for name, lines in counts.items() if lines is not None}


def read_run(run: Path) -> RunHead:
    """The head of a recording. Raises UsageError when `run` is none, or of a newer format."""
    path = run / "plan.json"
    if not run.is_dir():
        raise UsageError(f"{run} is not a recording: no such directory")
    if not path.is_file():
        raise UsageError(f"{run} is not a recording: it has no plan.json, which a run writes first")
    return _read_head(path, RunHead)


@contextmanager
def being_written(run: Path) -> Iterator[None]:
    """Mark the recording as under way by this process while the block runs."""
    marker = run / RUNNING
    write_json(marker, Writer(platform.node(), os.getpid()))
    try:
        yield
    finally:
        marker.unlink(missing_ok=True)


def refuse_unfinished(run: Path) -> None:
    """Raises UsageError while a living process of this machine writes the recording."""
    marker = run / RUNNING
    if not marker.is_file():
        return
    writer = _decoded(marker, marker.read_bytes(), Writer)
    if writer.host == platform.node() and psutil.pid_exists(writer.pid):
        raise UsageError(
            f"{run} is still being written by process {writer.pid}: judge it when the run is over"
        )


def read_cell_head(directory: Path) -> CellHead:
    """`cell.json`. Raises RecordingError when the cell never began."""
    path = directory / "cell.json"
    if not path.is_file():
        raise RecordingError("the cell was never begun: it has no cell.json")
    return _read_head(path, CellHead)


def read_cell_end(directory: Path) -> CellEnd | None:
    """`end.json`; None when the cell was cut off. Raises RecordingError when it is damaged."""
    path = directory / "end.json"
    if not path.is_file():
        return None
    return _decoded(path, path.read_bytes(), CellEnd)


def _read_head(path: Path, kind: type[T]) -> T:
    raw = path.read_bytes()
    found = _decoded(path, raw, _Format).format
    if found > FORMAT:
        raise UsageError(
            f"{path} has recording format {found}, this version reads up to {FORMAT}: "
            "upgrade duroxide-stress to read it"
        )
    return _decoded(path, raw, kind)


def _decoded(path: Path, raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path.name} is damaged: {error}") from error
