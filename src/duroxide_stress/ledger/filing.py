"""Filing a judged recording."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from duroxide_stress.ledger.entry import Entry, entry_of
from duroxide_stress.ledger.store import Ledger
from duroxide_stress.recording.store import read_run
from duroxide_stress.result import RunResult


class Filed(NamedTuple):
    """What came of it."""

    entry: Entry
    new: bool
    """False when the run was filed before; the ledger is then as it was."""


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
