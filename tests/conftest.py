"""What tests of several rooms share: one recording in virtual time, a fresh copy for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from recordings.make import Recorded, make_run, small_cell


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete and clean run of one cell; nobody writes to it."""
    return make_run(tmp_path_factory.mktemp("pristine") / "run", small_cell())


@pytest.fixture
def recorded(pristine: Path, tmp_path: Path) -> Recorded:
    """A copy of the clean run, to be damaged."""
    return Recorded(Path(shutil.copytree(pristine, tmp_path / "run")))
