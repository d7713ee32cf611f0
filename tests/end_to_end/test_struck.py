"""Runs with faults that are themselves cut off: nothing stays broken, nothing stays behind."""

from __future__ import annotations

import signal

import psutil
import pytest

from .tool import LONG, Tool, cells, document, finish, lines, wait_for

LOCKS = ("--worker-lock-timeout-ms", "2000", "--orchestrator-lock-timeout-ms", "2000")
PAUSED = ("run", *LONG, *LOCKS, "--provider", "sqlite-file", "--nodes", "2", "--out", "out")


def stopped(tool: Tool) -> list[psutil.Process]:
    """Processes of the run that stand still."""
    found = []
    for process in tool.processes():
        try:
            found += [process] if process.status() == psutil.STATUS_STOPPED else []
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_cut_off_while_a_host_stands_still(tool: Tool, number: signal.Signals) -> None:
    """By Ctrl-C or by kill -9 of the command: the host that was stopped does not stay behind, and what
    was written is judged as far as it goes."""
    process = tool.start(*PAUSED, "--fault", "pause:at=500ms,for=60s", "--quiet")
    out = tool.cwd / "out"
    wait_for(lambda: out.exists() and cells(out) and stopped(tool), "a host that stands still")
    process.send_signal(number)
    done = finish(process)
    assert "Traceback" not in done.stdout + done.stderr
    wait_for(lambda: tool.processes() == [], "the end of all processes")
    (cell,) = cells(out)
    assert any(line["what"] == "began" for line in lines(cell / "faults.jsonl"))
    if number is signal.SIGINT:
        assert done.returncode == 130
        assert "cut off with the cell" in lines(cell / "faults.jsonl")[-1]["detail"]
    checked = tool.run("check", "out")
    assert checked.returncode == 3
    assert "Traceback" not in checked.stdout + checked.stderr
    (result,) = document(out / "result.json")["cells"]
    assert result["verdict"] == "unknown"
    assert result["launched"] > 0


def test_a_host_that_freezes_is_told_at_once(tool: Tool) -> None:
    """Stopped by somebody else: a warning on standard error while the run goes on, and again when it is
    back; the cell is not called an error for it."""
    words = list(PAUSED)
    words[words.index("120")] = "8"
    process = tool.start(*words, "--config", "2/2", "--quiet")
    out = tool.cwd / "out"

    def ready() -> bool:
        (cell,) = cells(out) if out.exists() and cells(out) else (None,)
        return (
            cell is not None and sum(n["what"] == "ready" for n in lines(cell / "nodes.jsonl")) == 2
        )

    wait_for(ready, "two hosts")
    (cell,) = cells(out)
    wait_for(lambda: lines(cell / "effects.jsonl"), "an activity")
    host = tool.node("effects")
    host.suspend()
    wait_for(
        lambda: any(n["what"] == "frozen" for n in lines(cell / "nodes.jsonl")), "a frozen host"
    )
    host.resume()
    done = finish(process)
    assert "is frozen: no sign of life for" in done.stderr
    assert "is alive again" in done.stderr
    assert document(cell / "end.json")["ended"] == "finished"
