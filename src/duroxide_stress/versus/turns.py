"""Cells of two sides run in turn: A B, then B A, each in a process of its side's Python.

What makes a machine faster or slower for a while then strikes both sides alike, and a trend that goes
one way cancels out over two rounds. Everything is recorded below one directory; `turns.json` is written
first, so that a comparison that was cut off can be read.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from duroxide_stress.config import cell_command
from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.plan import CELL_OVERHEAD_SECS, Cell
from duroxide_stress.recording.store import write_json
from duroxide_stress.verdict import EXIT_INTERRUPTED, EXIT_USAGE
from duroxide_stress.versus.tethered import GRACE_SECS

FORMAT = 1
TURNS = "turns.json"
POLL_SECS = 0.1


class TurnSide(msgspec.Struct, frozen=True):
    """One side: what it is called, who runs it, and its cells."""

    name: str
    python: str
    cells: tuple[Cell, ...]
    checks: tuple[str, ...] = ()
    """Files with checks of the user's own."""


class Turns(msgspec.Struct, frozen=True):
    """What is run. Both sides have as many cells; the n-th of one belongs to the n-th of the other."""

    format: int
    base: TurnSide
    candidate: TurnSide
    rounds: int
    command: str
    on_purpose: bool = False
    """Whether the sides' cells are meant to differ."""

    @property
    def order(self) -> str:
        """A for the base, B for the candidate."""
        return "".join("BA" if number % 2 else "AB" for number in range(self.rounds))

    @property
    def estimated_secs(self) -> float:
        cells = [*self.base.cells, *self.candidate.cells]
        return self.rounds * sum(
            c.config.warmup_secs + c.config.duration_secs + CELL_OVERHEAD_SECS for c in cells
        )


class Turn(msgspec.Struct, frozen=True):
    """One run of one cell of one side."""

    round: int
    side: str
    """`base` or `candidate`."""
    cell: Cell
    number: int
    """Of the cell within its side."""

    @property
    def directory(self) -> str:
        """Where it is recorded, below the directory of the comparison."""
        return f"round-{self.round:02}/{self.number:02}-{self.side}"


class Told(Protocol):
    """Told what runs, and asked whether to go on."""

    def began(self, turn: Turn, number: int, total: int) -> None:
        """A run is about to start."""
        ...

    def interrupted(self) -> bool:
        """Whether the user wants the end."""
        ...


def every_turn(turns: Turns) -> Iterator[Turn]:
    """All runs in their order: in each round all cells, of each cell both sides one after the other."""
    for number in range(1, turns.rounds + 1):
        sides = ["base", "candidate"] if number % 2 else ["candidate", "base"]
        for place in range(len(turns.base.cells)):
            for side in sides:
                cells = turns.base.cells if side == "base" else turns.candidate.cells
                yield Turn(number, side, seeded(cells[place], number), place + 1)


def seeded(cell: Cell, number: int) -> Cell:
    """The cell with the draws of this round, which both sides share."""
    seed = (cell.config.seed + number - 1) % 2**63
    return msgspec.structs.replace(cell, config=msgspec.structs.replace(cell.config, seed=seed))


def run_turns(turns: Turns, home: Path, told: Told) -> bool:
    """Run everything below `home`. False when it was interrupted.

    Raises UsageError when a side cannot run a cell, with its own words.
    """
    write_json(home / TURNS, turns)
    every = list(every_turn(turns))
    for number, turn in enumerate(every, 1):
        if told.interrupted():
            return False
        told.began(turn, number, len(every))
        side = turns.base if turn.side == "base" else turns.candidate
        code = _run(side, turn, home, told.interrupted)
        if code == EXIT_INTERRUPTED or told.interrupted():
            return False
    return True


def _run(side: TurnSide, turn: Turn, home: Path, stop: Callable[[], bool]) -> int:
    directory = home / turn.directory
    directory.parent.mkdir(exist_ok=True)
    _, *words = shlex.split(cell_command(turn.cell))
    words += [word for check in side.checks for word in ("--check", check)]
    log = directory.with_suffix(".log")
    words = ["-m", "duroxide_stress.versus.tethered", *words, "--quiet", "--out", str(directory)]
    with (
        log.open("wb") as printed,
        subprocess.Popen(
            [side.python, *words],
            stdin=subprocess.PIPE,  # ends with this process, and so does the child
            stdout=printed,
            stderr=subprocess.STDOUT,
            env={**os.environ, "DUROXIDE_STRESS_LEDGER": ""},  # turns are no results of their own
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the child itself
        ) as child,
    ):
        code = _awaited(child, stop)
    if code == EXIT_USAGE:
        raise UsageError(f"{side.name} cannot run {turn.cell.scenario}: {_complaint(log)}")
    if not (directory / "result.json").is_file() and code != EXIT_INTERRUPTED and not stop():
        raise RunError(f"{side.name} left no result (exit code {code}): {_complaint(log)}")
    return code


def _awaited(child: subprocess.Popen[bytes], stop: Callable[[], bool]) -> int:
    """The child's exit code. It is told to end when the user wants that, and killed if it does not."""
    deadline: float | None = None
    try:
        while True:
            try:
                return child.wait(timeout=POLL_SECS)
            except subprocess.TimeoutExpired:
                if stop() and deadline is None:
                    child.send_signal(signal.SIGINT)
                    deadline = time.monotonic() + GRACE_SECS
                elif deadline is not None and time.monotonic() > deadline:
                    child.kill()
    finally:
        if child.poll() is None:  # a second Ctrl-C: its own processes end with their pipes
            child.kill()
            child.wait()


def _complaint(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return "; ".join(errors) or next((line for line in reversed(lines) if line.strip()), "nothing")
