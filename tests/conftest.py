"""What tests of several rooms share: one recording in virtual time, a fresh copy for each test."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from duroxide_stress.plan import Cell
from recordings.make import Recorded, make_run, small_cell

for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    # Under nohup or as a background job these tests would hand it on that signals are ignored.
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete and clean run of one cell; nobody writes to it."""
    return make_run(tmp_path_factory.mktemp("pristine") / "run", small_cell())


@pytest.fixture
def recorded(pristine: Path, tmp_path: Path) -> Recorded:
    """A copy of the clean run, to be damaged."""
    return Recorded(Path(shutil.copytree(pristine, tmp_path / "run")))


@pytest.fixture(scope="session")
def clean_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Cell], Path]:
    """Makes the clean run of a cell, once for the session; nobody writes to it."""
    made: dict[str, Path] = {}

    def run(cell: Cell) -> Path:
        key = str(cell)
        if key not in made:
            made[key] = make_run(tmp_path_factory.mktemp(cell.scenario) / "run", cell)
        return made[key]

    return run


@pytest.fixture
def recording_of(clean_run: Callable[[Cell], Path], tmp_path: Path) -> Callable[[Cell], Recorded]:
    """Copies the clean run of a cell, to be damaged."""
    return lambda cell: Recorded(Path(shutil.copytree(clean_run(cell), tmp_path / cell.scenario)))
