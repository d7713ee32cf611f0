"""Filing a judged recording."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from duroxide_stress.errors import RecordingError, UsageError
from duroxide_stress.ledger.entry import Entry, entry_of
from duroxide_stress.ledger.store import Ledger
from duroxide_stress.recording.store import read_cell_end, read_run
from duroxide_stress.result import RunResult


class Filed(NamedTuple):
    """What came of it."""

    entry: Entry
    new: bool
    """False when the run was filed before; the ledger is then as it was."""


def refuse_cut_off(run: Path) -> None:
    """Raises UsageError for a recording that was interrupted or killed: what it lacks depends on when,
    so it is no result to hold others against."""
    for cell in read_run(run).plan.cells:
        try:
            end = read_cell_end(run / cell.key)
        except RecordingError:  # damaged: the judgement says how
            continue
        if end is None or end.ended == "interrupted":
            raise UsageError(
                f"{run} was cut off in or before {cell.key}: only a run that went to its end is filed"
            )


def file_run(
    ledger: Ledger,
    run: Path,
    result: RunResult,
    *,
    label: str | None = None,
    machine: str | None = None,
) -> Filed:
    """File the judgement of the recording in `run`.

    `label` is the user's own word for it; `machine` stands for the host's name where like machines make
    one series. Raises UsageError when `run` is no recording, OSError when the ledger cannot be written.
    """
    entry = entry_of(result, read_run(run), run, time.time_ns(), label=label, machine=machine)
    return Filed(entry, ledger.append(entry))
