"""A recording that no longer fits on its disk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .tool import LONG, Tool, cells


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 KiB; skips where none can be mounted."""
    at = tmp_path / "disk"
    at.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("there is no mount command")
    words = [mount, "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(at)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield at
    subprocess.run(["umount", str(at)], check=True)


@pytest.mark.parametrize("provider", ["sqlite-file", "sqlite-memory"])
def test_a_full_disk_is_one_sentence(tool: Tool, small_disk: Path, provider: str) -> None:
    """The run ends, its processes and store are gone, and what was written can be judged."""
    out = small_disk / "run"
    fast = ("--activity-delay-ms", "0", "--poll-interval-ms", "1", "--tasks", "50")
    done = tool.run("run", *LONG, *fast, "--provider", provider, "--out", out)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == (
        f"error: the recording in {out} cannot be written: No space left on device; "
        "what was written before is kept\n"
    )
    assert tool.processes() == []
    assert tool.stores() == []
    assert any(path.stat().st_size for path in cells(out)[0].glob("*.jsonl"))
    checked = tool.run("check", out)
    assert checked.returncode in (1, 3)
    assert "Traceback" not in checked.stderr
