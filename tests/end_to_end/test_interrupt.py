"""Ctrl-C, SIGTERM and kill -9 of the command: what is kept, and that nothing runs on."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from .tool import LONG, Tool, cells, document, finish, lines, marked, wait_for, wait_for_mark

FILE, MEMORY = ("--provider", "sqlite-file"), ("--provider", "sqlite-memory")


def start(tool: Tool, *words: str) -> tuple[subprocess.Popen[str], Path]:
    """A run that would go on for long, and its first cell's directory once that is there."""
    out = tool.cwd / "out"
    process = tool.start("run", *LONG, *words, "--out", "out")
    wait_for(lambda: out.exists() and cells(out), "the first cell")
    return process, cells(out)[0]


def assert_ended_cleanly(tool: Tool, done: subprocess.CompletedProcess[str], cell: Path) -> None:
    """Processes and store are gone, the recording is kept, and its verdict is unknown."""
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert tool.processes() == []
    assert tool.stores() == []
    end = document(cell / "end.json")
    assert (end["ended"], end["reason"]) == ("interrupted", "interrupted")
    result = document(cell.parent / "result.json")
    assert [c["verdict"] for c in result["cells"]] == ["unknown"] * len(result["cells"])
    assert f"{cell.name}: unknown" in done.stdout


@pytest.mark.parametrize(
    ("provider", "number"),
    [(FILE, signal.SIGINT), (FILE, signal.SIGTERM), (MEMORY, signal.SIGINT)],
)
def test_a_signal_in_the_measuring_window(
    tool: Tool, provider: tuple[str, str], number: signal.Signals
) -> None:
    """What was offered until then is recorded, each op with an end."""
    process, cell = start(tool, *provider)
    wait_for_mark(cell, "window_begin")
    process.send_signal(number)
    done = finish(process)
    assert_ended_cleanly(tool, done, cell)
    assert not marked(cell, "window_end")
    ops = lines(cell / "ops.jsonl")
    invoked = {op["op"] for op in ops if op["type"] == "invoke"}
    over = {op["op"] for op in ops if op["type"] in ("ok", "fail", "info")}
    assert invoked == over
    assert {op["reason"] for op in ops if op["type"] == "info"} <= {"interrupted"}
    checked = tool.run("check", "out")
    assert (checked.returncode, checked.stdout) == (3, done.stdout)


def test_ctrl_c_in_the_warm_up(tool: Tool) -> None:
    """The window never opened, so that there is no figure at all."""
    process, cell = start(tool, *FILE, "--warm-up", "60")
    wait_for_mark(cell, "begin")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert_ended_cleanly(tool, done, cell)
    (judged,) = document(cell.parent / "result.json")["cells"]
    assert judged["orchestrations_per_sec"] is None


def test_ctrl_c_while_the_processes_start(tool: Tool) -> None:
    """Before the host serves there is no load yet."""
    process, cell = start(tool, *FILE)
    process.send_signal(signal.SIGINT)
    assert_ended_cleanly(tool, finish(process), cell)


def test_ctrl_c_while_draining(tool: Tool) -> None:
    """Activities of a minute do not hold up the end."""
    process, cell = start(tool, *FILE, "--activity-delay-ms", "60000", "--duration", "0.1")
    wait_for_mark(cell, "window_end")
    process.send_signal(signal.SIGINT)
    assert_ended_cleanly(tool, finish(process), cell)
    assert not marked(cell, "drained")


def test_later_cells_are_not_run_after_ctrl_c(tool: Tool) -> None:
    """Their verdict is unknown too, with that reason."""
    process, cell = start(tool, *MEMORY, *FILE)
    wait_for_mark(cell, "begin")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert_ended_cleanly(tool, done, cell)
    assert cells(cell.parent) == [cell]
    assert "not run: the run ended before this cell" in done.stdout


def test_a_second_ctrl_c_ends_at_once_what_does_not_end_by_itself(tool: Tool) -> None:
    """A driver that has been stopped cannot obey; the second signal does not wait for it."""
    process, cell = start(tool, *FILE)
    wait_for_mark(cell, "window_begin")
    tool.node("ops").suspend()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        # Signals that come together are one signal.
        wait_for(lambda: not _pending(process.pid), "the signal's arrival")
    done = finish(process)
    assert done.returncode == 130
    assert "Traceback" not in done.stdout + done.stderr
    tool.wait_until_gone()
    assert tool.stores() == []
    assert tool.run("check", "out").returncode == 3


def test_a_killed_command_leaves_its_recording_and_no_process(tool: Tool) -> None:
    """Nobody is left to clean up, but the nodes see that, and the recording can be judged."""
    process, cell = start(tool, *FILE)
    wait_for_mark(cell, "window_begin")
    process.kill()
    assert finish(process).returncode == -signal.SIGKILL
    tool.wait_until_gone()
    assert not (cell / "end.json").exists()
    checked = tool.run("check", "out")
    assert checked.returncode == 3
    assert "the cell was cut off: it has no end.json" in checked.stdout


def test_what_a_provider_started_dies_with_a_killed_command(tool: Tool) -> None:
    """Helper processes belong to the node's group and end with it."""
    process, cell = start(tool, "--provider", "awkward:WithHelper")
    wait_for_mark(cell, "window_begin")
    process.kill()
    finish(process)
    tool.wait_until_gone()


def _pending(pid: int) -> bool:
    """Whether a SIGINT waits to be taken by this process (Linux)."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return False
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    waiting = int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)
    return bool(waiting >> (signal.SIGINT - 1) & 1)
