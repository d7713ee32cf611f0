"""What somebody sees who looks: a terminal of 80 columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios

from .tool import LONG, TINY, Tool, cells, document, wait_for, wait_for_mark

WIDTH = 80
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A command under a pseudo-terminal."""

    def __init__(self, tool: Tool, *words: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        self.process: subprocess.Popen[str] = tool.start(
            *words, stdin=slave, stdout=slave, stderr=slave, text=False
        )
        os.close(slave)

    def read_to_end(self) -> str:
        """Everything it wrote, once it is over."""
        blocks = []
        while True:
            try:
                block = os.read(self._master, 65_536)
            except OSError:  # on Linux the end of a pseudo-terminal is an error
                break
            if not block:
                break
            blocks.append(block)
        os.close(self._master)
        self.process.wait()
        return b"".join(blocks).decode()


def shown_lines(text: str) -> list[str]:
    """Each state of each line, without control sequences."""
    return CONTROL.sub("", text).replace("\r", "\n").splitlines()


def test_the_live_line_and_the_tables_fit_80_columns(tool: Tool) -> None:
    """One line moves while a cell runs, one stays, and the cursor is there again at the end."""
    words = ("run", *TINY, "--provider", "sqlite-memory,sqlite-file", "--out", "out")
    seen = Terminal(tool, *words).read_to_end()
    live, _, report = seen.partition("=== Duroxide Stress Test Results ===")
    assert "warm-up" in live
    assert "measuring" in live
    assert live.count(HIDE) == live.count(SHOW) == 2
    (memory, file) = (c["launched"] for c in document(tool.cwd / "out" / "result.json")["cells"])
    assert f"1/2 In-Memory SQLite 1/1: finished, {memory} launched" in shown_lines(live)
    assert f"2/2 File SQLite 1/1: finished, {file} launched" in shown_lines(live)
    assert max(map(len, shown_lines(live))) <= WIDTH
    tables = [line for line in shown_lines(report) if re.match(r"(Provider|\S.* SQLite) +\d", line)]
    assert len(tables) >= 4
    assert max(map(len, tables)) <= WIDTH


def test_quiet_shows_no_live_line(tool: Tool) -> None:
    """`--quiet` prints the result alone."""
    words = ("run", "--quiet", "--provider", "reference", "--config", "1/1", "--out", "out")
    seen = Terminal(tool, *words).read_to_end()
    assert seen.startswith("=== Duroxide Stress Test Results ===")
    assert HIDE not in seen


def test_ctrl_c_typed_at_the_terminal(tool: Tool) -> None:
    """The cell is said to be interrupted, and the cursor comes back."""
    terminal = Terminal(tool, "run", *LONG, "--provider", "sqlite-file", "--out", "out")
    out = tool.cwd / "out"
    wait_for(lambda: out.exists() and cells(out), "the first cell")
    wait_for_mark(cells(out)[0], "window_begin")
    # Not through the terminal: setsid gave the command none that would control it.
    terminal.process.send_signal(signal.SIGINT)
    seen = terminal.read_to_end()
    assert terminal.process.returncode == 130
    assert "1/1 File SQLite 1/1: interrupted, " in seen
    assert seen.rindex(SHOW) > seen.rindex(HIDE)
    assert tool.processes() == []


def test_the_cursor_comes_back_when_the_recording_fails(tool: Tool) -> None:
    """A run that ends with an error leaves the terminal as it was."""
    terminal = Terminal(tool, "run", *LONG, "--provider", "sqlite-file", "--out", "out")
    out = tool.cwd / "out"
    wait_for(lambda: out.exists() and cells(out), "the first cell")
    cell = cells(out)[0]
    wait_for_mark(cell, "begin")
    # The end of the cell cannot be written where a directory stands.
    (cell / "end.json").mkdir()
    tool.node("ops").kill()
    seen = terminal.read_to_end()
    assert terminal.process.returncode == 3
    assert "error: the recording in out cannot be written: Is a directory" in seen
    assert seen.rindex(SHOW) > seen.rindex(HIDE)
    assert tool.stores() == []
