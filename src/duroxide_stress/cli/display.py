"""What is shown while a run is under way, and how Ctrl-C is heard. Goes to standard error."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType, TracebackType

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from duroxide_stress.load.driver import Progress
from duroxide_stress.recording.records import CellEnd, CellHead
from duroxide_stress.reports.text import printable
from duroxide_stress.units import format_duration

REFRESH_PER_SECOND = 4
NEWS_SECS, NEWS_WIDTH = 2.0, 22
"""How long a fault that struck stands in the place of the phase, and how much of it."""


class Interrupts:
    """Ctrl-C and SIGTERM ask the run to end; a second one ends this process at once."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def prints_aside(log: Path) -> Iterator[None]:
    """Send what is printed in this process to a file: standard output belongs to the report.

    An engine that runs embedded here, for a provider that cannot be moved, logs to descriptor 1.
    """
    if sys.stdout is None:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        if log.stat().st_size == 0:
            log.unlink()


class QuietDisplay:
    """Shows nothing but what the user must be told."""

    def __init__(self, interrupts: Interrupts, console: Console) -> None:
        self._interrupts, self._console = interrupts, console

    def interrupted(self) -> bool:
        return self._interrupts.asked

    def cell_began(self, number: int, total: int, head: CellHead) -> None: ...

    def progressed(self, progress: Progress) -> None: ...

    def happened(self, sentence: str) -> None: ...

    def cell_ended(self, head: CellHead, end: CellEnd) -> None: ...

    def store_kept(self, where: Path | str) -> None:
        self._say(f"store kept in {where}")

    def warned(self, sentence: str) -> None:
        self._say(f"warning: {sentence}")

    def close(self) -> None:
        """Leave the terminal as it was, however the run ended."""

    def _say(self, text: str) -> None:
        self._console.print(printable(text), highlight=False, markup=False, soft_wrap=True)


class LiveDisplay(QuietDisplay):
    """One line that moves while a cell runs, one that stays when it is over."""

    def __init__(self, interrupts: Interrupts, console: Console) -> None:
        super().__init__(interrupts, console)
        self._live: Live | None = None
        self._title = ""
        self._news, self._news_until = "", 0.0

    def cell_began(self, number: int, total: int, head: CellHead) -> None:
        faults = "".join(f" {fault}" for fault in head.cell.faults)
        self._title = (
            f"{number}/{total} {head.provider_label} {head.cell.config.concurrency}{faults}"
        )
        self._live = Live(
            Text(f"{self._title}: starting"),
            console=self._console,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
        )
        self._live.start()

    def progressed(self, progress: Progress) -> None:
        if self._live is None:
            return
        row = Table.grid(padding=(0, 1))
        left = max(0.0, progress.total_secs - progress.elapsed_secs)
        phase = self._news if time.monotonic() < self._news_until else progress.phase
        phase = "interrupted, ending" if self._interrupts.asked else phase
        row.add_row(
            Text(self._title, style="bold"),
            Text(phase),
            ProgressBar(total=progress.total_secs, completed=progress.elapsed_secs, width=10),
            Text(f"{format_duration(round(left))}"),
            Text(_figures(progress)),
        )
        self._live.update(row)

    def happened(self, sentence: str) -> None:
        self._news, self._news_until = (
            printable(sentence)[:NEWS_WIDTH],
            time.monotonic() + NEWS_SECS,
        )

    def cell_ended(self, head: CellHead, end: CellEnd) -> None:
        self.close()
        self._say(f"{self._title}: {end.ended}, {end.driver.launched} launched")

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _figures(progress: Progress) -> str:
    return f"{progress.orchestrations_per_sec:.1f}/s {progress.failed} failed"


@contextmanager
def shown_while(interrupts: Interrupts, directory: Path, *, quiet: bool) -> Iterator[QuietDisplay]:
    """The display for what runs meanwhile: a live line on a terminal, else only what must be said. What
    is printed in this process goes to the recording's output.log."""
    console = Console(stderr=True)
    live = console.is_terminal and not quiet
    display = (LiveDisplay if live else QuietDisplay)(interrupts, console)
    with closing(display), prints_aside(directory / "output.log"):
        yield display
