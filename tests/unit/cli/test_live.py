"""What is on the screen while a cell runs, drawn at fixed widths without a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console, Group

from duroxide_stress.cli.display import Interrupts, LineDisplay, QuietDisplay, shown_while
from duroxide_stress.cli.live import NEWS, Frame, LiveDisplay
from duroxide_stress.load.progress import Progress
from duroxide_stress.plan import Plan
from duroxide_stress.recording.records import CellEnd, CellHead, DriverEnd
from duroxide_stress.recording.store import read_cell_head
from duroxide_stress.units import MIB

NASTY = "kill\x1b[2J of \u202ehost\n[bold]x[/bold] 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字"
START = Progress("warm-up", 0.25, 12.0, 20, 0, 0, 20, 0.0)
BUSY = Progress("measuring", 6.25, 12.0, 420, 400, 1, 19, 23.64, 832.4, 1050.0, 43 * MIB)


def progress(number: int) -> Progress:
    """The cell after so many ticks."""
    return msgspec.structs.replace(BUSY, elapsed_secs=number / 4, completed=number * number)


def shown(frame: Frame, width: int) -> list[str]:
    """The view as a console of this width prints it."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(Group(*frame.lines(width)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def busy(title: str = "2/4 File SQLite 2/2") -> Frame:
    """A frame in the middle of a cell."""
    frame = Frame(title, "Parallel Orchestrations", 30.0)
    for number in range(1, 26):
        frame.progressed(progress(number))
    return frame


def test_everything_is_there_at_80_columns() -> None:
    """Cell, phase, time left of cell and plan, rates over time, counts."""
    lines = shown(busy(), 80)
    assert lines[0] == "2/4 File SQLite 2/2: measuring"
    assert lines[1] == "Parallel Orchestrations"
    assert lines[2].endswith(" 6s left, 36s in all")
    assert lines[2].count("━") + lines[2].count("─") == 40
    assert lines[2].count("━") == round(40 * 6.25 / 12)
    assert lines[3].startswith("Orch/sec       23.6 ▁")
    assert lines[3].endswith("█")
    assert lines[4] == f"P99         1,050ms {'█' * 25}"
    assert lines[5] == f"Memory       43 MiB {'█' * 25}"
    assert lines[6] == "1 failed, 19 in flight, P50 832ms, 625 completed"
    assert len(lines) == 7


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Nor broken in two, whatever the names and the faults; wide letters count twice."""
    frame = busy(f"2/4 {'漢字' * 90}")
    for _ in range(5):
        frame.happened(NASTY)
    lines = shown(frame, width)
    assert len(lines) == 7 + NEWS
    assert max(map(cell_len, lines)) <= width
    assert "\x1b" not in "".join(lines)
    assert "\u202e" not in "".join(lines)
    assert lines[-1].startswith(r"6.2s kill\x1b[2J of \u202ehost\n"[:39])


def test_markup_in_a_sentence_is_text() -> None:
    """Square brackets mean nothing."""
    frame = busy()
    frame.happened("a [bold]b[/bold]")
    assert shown(frame, 80)[-1] == "6.2s a [bold]b[/bold]"


def test_the_height_does_not_change_while_a_cell_runs() -> None:
    """But for faults: a view that jumps is not calm."""
    frame = Frame("1/1 x", "y", None)
    frame.progressed(START)
    before = shown(frame, 80)
    for number in range(2, 400):
        frame.progressed(progress(number))
        assert len(shown(frame, 80)) == len(before)


def test_figures_that_there_are_not_yet() -> None:
    """Are dashes and blanks, not zeros."""
    frame = Frame("1/1 x", "", None)
    assert shown(frame, 80) == ["1/1 x: starting"]
    frame.progressed(START)
    lines = shown(frame, 80)
    assert lines[1].endswith(" 12s left")
    assert [line.split()[:2] for line in lines[3:5]] == [["P99", "-"], ["Memory", "-"]]


def test_a_cell_that_takes_longer_than_planned() -> None:
    """Draining is told as time past the plan's, never as less than nothing."""
    frame = Frame("1/1 x", "", None)
    frame.progressed(msgspec.structs.replace(BUSY, phase="draining", elapsed_secs=45.0))
    assert shown(frame, 80)[1].endswith("━ 33s past")


class Screen:
    """A display on a console of a fixed width, and what it printed."""

    def __init__(self, kind: type[LineDisplay], head: CellHead) -> None:
        self._file = io.StringIO()
        console = Console(file=self._file, width=80, force_terminal=kind is LiveDisplay)
        self.interrupts = Interrupts()
        self.display = kind(self.interrupts, console)
        self.head = head

    def printed(self) -> str:
        """Everything, control sequences included."""
        return self._file.getvalue()


@pytest.fixture
def head(pristine: Path) -> CellHead:
    """A cell's head."""
    (directory,) = (path for path in pristine.iterdir() if path.is_dir())
    return read_cell_head(directory)


END = CellEnd("finished", "", DriverEnd(launched=420), {})


def test_a_finished_cell_leaves_two_lines_and_the_cursor(head: CellHead) -> None:
    """The view is taken away, and what came of the cell stays."""
    screen = Screen(LiveDisplay, head)
    screen.display.cell_began(1, 2, head)
    screen.display.progressed(BUSY)
    screen.display.happened("fault kill: kill -9 of host-0")
    screen.display.cell_ended(head, END)
    screen.display.close()
    text = screen.printed()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    rest = text[text.rindex("\x1b[?25h") :]
    assert "1/2 Reference (virtual) 2/2: finished, 420 launched\n" in rest
    assert "    23.6/s, lately P50 832ms, P99 1,050ms, 1 failed, 43 MiB\n" in rest


def test_an_interrupt_is_seen_at_once(head: CellHead) -> None:
    """In the place of the phase."""
    screen = Screen(LiveDisplay, head)
    screen.display.cell_began(1, 1, head)
    screen.interrupts.asked = True
    screen.display.progressed(BUSY)
    screen.display.close()
    assert "interrupted, ending" in screen.printed()


def test_lines_of_progress_hold_no_control_sequence(head: CellHead) -> None:
    """One a fault, two a cell, and one now and then."""
    screen = Screen(LineDisplay, head)
    display = screen.display
    display.cell_began(1, 2, head)
    display.progressed(BUSY)
    display._told_at -= 60
    display.progressed(BUSY)
    display.progressed(BUSY)
    display.happened(NASTY)
    display.cell_ended(head, END)
    figures = "23.6/s, lately P50 832ms, P99 1,050ms, 1 failed, 43 MiB"
    title = "1/2 Reference (virtual) 2/2"
    assert screen.printed().splitlines() == [
        f"{title}: measuring, 6s left, {figures}",
        f"{title}: kill\\x1b[2J of \\u202ehost\\n{NASTY.splitlines()[1]}",
        f"{title}: finished, 420 launched",
        f"    {figures}",
    ]


@pytest.mark.parametrize(
    ("quiet", "columns", "term", "kind"),
    [
        (True, "80", "xterm", QuietDisplay),
        (False, "80", "xterm", LiveDisplay),
        (False, "39", "xterm", LineDisplay),
        (False, "80", "dumb", LineDisplay),
    ],
)
def test_which_display_a_terminal_gets(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    quiet: bool,
    columns: str,
    term: str,
    kind: type[QuietDisplay],
) -> None:
    """The live view only where it fits and can be drawn."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich's way to call a pipe a terminal
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", term)
    with shown_while(Interrupts(), tmp_path, quiet=quiet) as display:
        assert type(display) is kind


def test_a_pipe_gets_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And `--quiet` not even those."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    with shown_while(Interrupts(), tmp_path, quiet=False) as display:
        assert type(display) is LineDisplay


def test_time_left_of_the_plan(head: CellHead) -> None:
    """What the later cells take, counted as `plan` counts it."""
    plan = Plan("p", (head.cell,) * 3, "")
    assert plan.estimated_secs_after(0) == plan.estimated_secs
    assert plan.estimated_secs_after(1) == pytest.approx(plan.estimated_secs * 2 / 3)
    assert plan.estimated_secs_after(3) == 0
