"""One fast and one slow run for all tests of comparisons; nobody writes to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from duroxide_stress.ledger.compare_sources import Source
from recordings.make import make_run

from .sides import judged_source, load_cell, slow_run


@pytest.fixture(scope="session")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the reference engine."""
    return make_run(tmp_path_factory.mktemp("compare") / "fast", load_cell())


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same load on an engine that is a fifth slower."""
    return slow_run(tmp_path_factory.mktemp("compare") / "slow", load_cell())


@pytest.fixture(scope="session")
def quick_side(fast: Path) -> Source:
    """The fast run as a side."""
    return judged_source(fast)


@pytest.fixture(scope="session")
def slow_side(slow: Path) -> Source:
    """The slow run as a side."""
    return judged_source(slow)
