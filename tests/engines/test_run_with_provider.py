"""`run_with_provider` on the released engine: which processes a provider gets, by what it can bear."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from duroxide_stress import RunResult, StressTestConfig, run_with_provider
from duroxide_stress.nodes.supervisor import movable
from duroxide_stress.providers.sqlite import FileSqlite, InMemorySqlite

CONFIG = StressTestConfig(
    max_concurrent=4,
    duration_secs=1,
    tasks_per_instance=2,
    activity_delay_ms=1,
    orch_concurrency=1,
    worker_concurrency=1,
    warmup_secs=0.2,
    poll_interval_ms=10,
)
SCRIPT = """
from pathlib import Path
from duroxide_stress import StressTestConfig, run_with_provider
from duroxide_stress.providers.sqlite import FileSqlite

class Mine(FileSqlite):
    name = "mine"

result = run_with_provider(
    StressTestConfig(max_concurrent=4, duration_secs=1, warmup_secs=0.2), Mine(), out=Path("out")
)
print(result.cells[0].completed > 0)
"""


class Noted(FileSqlite):
    """A file store that writes down which process opens it."""

    name = "noted"

    def connect(self, address: str) -> Any:
        with Path(address).with_name("pids").open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
        return super().connect(address)

    def destroy(self, address: str) -> None:
        """Keep the note: it is read after the run."""


class NotedUnshared(Noted):
    """The same, but one process has to do with it alone."""

    shared = False


class NotedLocked(Noted):
    """The same, but it holds what no other process can be given."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def run(provider: FileSqlite, out: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RunResult, Any]:
    """A short cell's result, and the ids of the processes that opened its store, in order."""
    home = out.with_name("home")
    home.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(home))
    result = run_with_provider(CONFIG, provider, out=out, keep_store=True)
    (note,) = home.glob("*/pids")
    return result, [int(line) for line in note.read_text().split()]


def mode(result: RunResult, out: Path) -> str:
    """How the cell ran, as recorded."""
    head = msgspec.json.decode((out / result.cells[0].recording / "cell.json").read_bytes())
    found: str = head["mode"]
    return found


def test_a_movable_shared_provider_gets_a_host_and_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Host, driver and, at rest, the collector each open the store in a process of their own."""
    result, pids = run(Noted(), tmp_path / "out", monkeypatch)
    assert mode(result, tmp_path / "out") == "separate"
    assert len(set(pids)) == 3
    assert os.getpid() not in pids
    assert result.cells[0].completed > 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_movable_unshared_provider_runs_embedded_in_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One other process does everything."""
    result, pids = run(NotedUnshared(), tmp_path / "out", monkeypatch)
    assert mode(result, tmp_path / "out") == "embedded"
    assert len(pids) == 1
    assert os.getpid() not in pids
    assert result.cells[0].completed > 0
    assert any("embedded" in note for note in result.cells[0].health.notes)


def test_an_unmovable_provider_runs_embedded_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives here and nowhere else; the health note says what that costs."""
    result, pids = run(NotedLocked(), tmp_path / "out", monkeypatch)
    assert mode(result, tmp_path / "out") == "embedded"
    assert pids == [os.getpid()]
    assert result.cells[0].completed > 0
    assert any("embedded" in note for note in result.cells[0].health.notes)


def test_a_class_of_a_users_script_runs_in_the_script(tmp_path: Path) -> None:
    """No other process could import `__main__`, and the script needs no guard for it."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True"
    head = msgspec.json.decode((tmp_path / "out/parallel.mine.2-2.r1/cell.json").read_bytes())
    assert head["mode"] == "embedded"


@pytest.mark.parametrize(
    ("provider", "expected"),
    [(FileSqlite(), True), (InMemorySqlite(), True), (NotedLocked(), False)],
)
def test_what_can_be_moved(provider: FileSqlite, expected: bool) -> None:
    """Whatever pickles and can be imported elsewhere."""
    assert movable(provider) is expected
