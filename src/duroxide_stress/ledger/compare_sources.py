"""The two sides of a comparison as samples: one judged cell of one run each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.errors import UsageError
from duroxide_stress.judge import judge_run
from duroxide_stress.plan import Cell
from duroxide_stress.result import SCHEMA, CellResult, RunResult


class CellSample(msgspec.Struct, frozen=True):
    """One run of one cell."""

    cell: Cell
    """As it was planned."""
    result: CellResult
    directory: Path | None
    """Its recording, where there is one: intervals of a single run need it."""
    run: str
    """Where the run lies, for people."""
    round: int
    """Which turn it belongs to; of runs that were not made in turn, which repeat it is."""
    environment: dict[str, Any]
    place: int = 0
    """Of runs made in turn, the number of the cell: these belong together whatever they are."""


class Source(msgspec.Struct, frozen=True):
    """One side."""

    name: str
    samples: tuple[CellSample, ...]


def read_source(text: str, filed: Callable[[str], Path] | None = None) -> Source:
    """A side by its path: a recording's directory, which is judged again, or a `result.json`.

    A `result.json` that lies in its recording is read as it stands, with the recording's time structure
    behind it; one that lies elsewhere has only its figures. What is no path is looked up by `filed`,
    which knows where the runs of a ledger were recorded. Raises UsageError for anything else.
    """
    path = Path(text)
    if filed is not None and not path.exists():
        path = filed(text)
    if path.is_dir():
        return source_of(text, judge_run(path), path)
    if path.is_file():
        return source_of(text, read_result(path), path.parent)
    raise UsageError(
        f"{text} is neither a recording nor a result: name a run's directory or its result.json"
    )


def read_result(path: Path) -> RunResult:
    """A `result.json`. Raises UsageError when it is none."""
    raw = path.read_bytes()
    try:
        found = msgspec.json.decode(raw)
        schema = found.get("schema") if isinstance(found, dict) else None
        if schema != SCHEMA:
            raise UsageError(
                f"{path} is no result of a run: its schema is {schema!r}, wanted {SCHEMA!r}"
            )
        return msgspec.json.decode(raw, type=RunResult)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no result of a run: {error}") from error


def source_of(name: str, result: RunResult, home: Path | None, turn: int | None = None) -> Source:
    """A judged run as a side. `home` is where its cells' directories would be; `turn` the round of
    runs made in turn."""
    planned = {cell.key: cell for cell in result.plan.cells}
    samples = []
    for judged in result.cells:
        cell = planned.get(judged.recording)
        if cell is None:
            continue  # a result that was edited: nothing says what this cell was to do
        directory = None if home is None else home / judged.recording
        samples.append(
            CellSample(
                cell=cell,
                result=judged,
                directory=directory if directory is not None and directory.is_dir() else None,
                run=name if home is None else str(home),
                round=judged.repeat if turn is None else turn,
                environment=result.environment,
            )
        )
    return Source(name, tuple(samples))
