"""The tool as a user types it: real processes, in a directory and a temporary directory of a test's
own. Every process of a run inherits that temporary directory's name, which is how it is found."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil
import pytest

from duroxide_stress.recording.pieces import lines_of

PROVIDERS = Path(__file__).parent / "providers"
PATIENCE_SECS = 60
"""No test waits this long unless something is broken."""

TINY = (
    *("--config", "1/1", "--duration", "1", "--warm-up", "0.3", "--tasks", "2"),
    *("--max-concurrent", "4", "--activity-delay-ms", "1", "--poll-interval-ms", "10"),
)
"""The smallest cell that is a whole one."""
TWINS = (*TINY, "--max-concurrent", "18")
"""As many in flight as give one input twice, which the determinism check needs, at any speed."""
LONG = (*TINY, "--duration", "120", "--activity-delay-ms", "5")
"""A cell that only ends when something ends it."""


def wait_for(found: Callable[[], Any], what: str) -> Any:
    """What `found` returns once it is true. Fails after a minute."""
    deadline = time.monotonic() + PATIENCE_SECS
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.02)
    pytest.fail(f"{what}: not within {PATIENCE_SECS} s")


class Ran(NamedTuple):
    """A command that is over, and the recording it made."""

    done: subprocess.CompletedProcess[str]
    out: Path

    @property
    def cell(self) -> Path:
        """The directory of its one cell."""
        (found,) = cells(self.out)
        return found

    @property
    def result(self) -> dict[str, Any]:
        """Its judgement, as saved."""
        return document(self.out / "result.json")


class Tool:
    """Runs `python -m duroxide_stress` below `home` and knows which processes are its own."""

    def __init__(self, home: Path) -> None:
        self.cwd, self.tmp = home / "cwd", home / "tmp"
        self.cwd.mkdir()
        self.tmp.mkdir()

    def start(self, *words: str | Path, **options: Any) -> subprocess.Popen[str]:
        """Begin a command; its output can be read from pipes unless `options` say otherwise."""
        environment = {**os.environ, "TMPDIR": str(self.tmp), "PYTHONPATH": str(PROVIDERS)}
        # Colours are to be left out because nobody looks, not because the test said so.
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            environment.pop(name, None)
        given: dict[str, Any] = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "cwd": self.cwd,
            "env": environment,
            # As under a shell's job control: signals to the test run are none to the tool.
            "start_new_session": True,
        }
        command = [sys.executable, "-m", "duroxide_stress"]
        if options.pop("script", False):
            command = [str(Path(sys.executable).with_name("duroxide-stress"))]
        return subprocess.Popen([*command, *map(str, words)], **{**given, **options})

    def run_script(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the installed command instead of the module, which Python starts differently."""
        return finish(self.start(*words, script=True))

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return finish(self.start(*words))

    def processes(self) -> list[psutil.Process]:
        """Every living process that one of this tool's commands is or has started."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if process.environ().get("TMPDIR") == str(self.tmp):
                    found.append(process)
        return found

    def node(self, kind: str) -> psutil.Process:
        """The node that writes records of this kind: `effects` a host, `ops` the driver."""

        def look() -> psutil.Process | None:
            for process in self.processes():
                with contextlib.suppress(psutil.Error):
                    names = [Path(opened.path).name for opened in process.open_files()]
                    if any(n.startswith(kind) and n.endswith(".jsonl") for n in names):
                        return process
            return None

        found: psutil.Process = wait_for(look, f"the writer of {kind}")
        return found

    def wait_until_gone(self) -> None:
        """Nothing of ours is left running."""
        wait_for(lambda: not self.processes(), "the end of all processes")

    def stores(self) -> list[str]:
        """What is left in the temporary directory."""
        return sorted(path.name for path in self.tmp.iterdir())


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for a command and collect what it printed."""
    try:
        out, err = process.communicate(timeout=2 * PATIENCE_SECS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def cells(out: Path) -> list[Path]:
    """The directories of a recording's cells."""
    return sorted(path for path in out.iterdir() if path.is_dir())


def document(path: Path) -> dict[str, Any]:
    """A JSON document."""
    found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a kind of record, all its files together; none when it has none yet."""
    found = lines_of(path.parent, path.stem)
    return [msgspec.json.decode(line) for line in found if line.endswith(b"\n")]


def marked(cell: Path, name: str) -> bool:
    """Whether the driver has passed this border."""
    return any(op["type"] == "mark" and op["name"] == name for op in lines(cell / "ops.jsonl"))


def wait_for_mark(cell: Path, name: str) -> None:
    """Wait until the driver has passed a border."""
    wait_for(lambda: marked(cell, name), f"mark {name}")


def wait_for_effects(cell: Path, least: int = 20) -> None:
    """Wait until the engine is really at work."""
    wait_for(lambda: len(lines(cell / "effects.jsonl")) >= least, "effects")
