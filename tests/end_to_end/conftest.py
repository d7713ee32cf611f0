"""Fixtures of the end-to-end tests: a tool of the test's own, and two runs that several look at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from .tool import TWINS, Ran, Tool


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Tool]:
    """A tool of the test's own, of which nothing outlives the test."""
    yield from _tool(tmp_path)


@pytest.fixture(scope="session")
def shared_tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    """The tool that made the runs below."""
    yield from _tool(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def memory_run(shared_tool: Tool) -> Ran:
    """A whole cell on the store in memory, with its JSON on standard output."""
    out = shared_tool.cwd / "memory"
    words = ("run", "--provider", "sqlite-memory", *TWINS, "--out", out, "--json", "-")
    return Ran(shared_tool.run(*words), out)


@pytest.fixture(scope="session")
def file_run(shared_tool: Tool) -> Ran:
    """A whole cell on the store in a file, with its JSON in a file beside the recording."""
    out = shared_tool.cwd / "file"
    words = ("run", "--provider", "sqlite-file", *TWINS, "--out", out, "--json", "file.json")
    return Ran(shared_tool.run(*words), out)


def _tool(home: Path) -> Iterator[Tool]:
    made = Tool(home)
    yield made
    for process in made.processes():
        with contextlib.suppress(psutil.Error):
            process.kill()
