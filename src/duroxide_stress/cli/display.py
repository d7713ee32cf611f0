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

from duroxide_stress.load.progress import Progress
from duroxide_stress.plan import Plan
from duroxide_stress.recording.records import CellEnd, CellHead
from duroxide_stress.reports.text import one_line, printable
from duroxide_stress.units import MIB, format_duration, format_ms

REFRESH_PER_SECOND = 4
LINE_EVERY_SECS = 10.0
"""How often a line tells of a cell that goes on."""


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


class LineDisplay(QuietDisplay):
    """Lines of progress, for a log, a pipe or a terminal that can do no more: one now and then, one a
    fault, two a cell."""

    def __init__(self, interrupts: Interrupts, console: Console) -> None:
        super().__init__(interrupts, console)
        self._title = ""
        self._last: Progress | None = None
        self._told_at = 0.0

    def cell_began(self, number: int, total: int, head: CellHead) -> None:
        faults = "".join(f" {fault}" for fault in head.cell.faults)
        name = f"{head.provider_label} {head.cell.config.concurrency}{faults}"
        self._title, self._last = f"{number}/{total} {one_line(name)}", None
        self._told_at = time.monotonic()

    def progressed(self, progress: Progress) -> None:
        self._last = progress
        if time.monotonic() - self._told_at >= LINE_EVERY_SECS:
            self._told_at = time.monotonic()
            left = format_duration(round(max(0.0, progress.total_secs - progress.elapsed_secs)))
            self._say(f"{self._title}: {progress.phase}, {left} left, {figures(progress)}")

    def happened(self, sentence: str) -> None:
        self._say(f"{self._title}: {one_line(sentence)}")

    def cell_ended(self, head: CellHead, end: CellEnd) -> None:
        self._say(f"{self._title}: {end.ended}, {end.driver.launched} launched")
        if self._last is not None:
            self._say(f"    {figures(self._last)}")


def figures(progress: Progress) -> str:
    """A cell in a line: its rate, the latency of its last completions, its failures, its memory."""
    rss = progress.engine_rss_bytes
    return ", ".join(
        [
            f"{progress.orchestrations_per_sec:.1f}/s",
            f"lately P50 {format_ms(progress.latency_p50_ms)}",
            f"P99 {format_ms(progress.latency_p99_ms)}",
            f"{progress.failed} failed",
            *([] if rss is None else [f"{rss / MIB:.0f} MiB"]),
        ]
    )


@contextmanager
def shown_while(
    interrupts: Interrupts, directory: Path, *, quiet: bool, plan: Plan | None = None
) -> Iterator[QuietDisplay]:
    """The display for what runs meanwhile: a live view on a terminal, else lines; when `quiet` only
    what must be said. `plan` tells what is still to come. What is printed in this process goes to the
    recording's output.log."""
    from duroxide_stress.cli.live import NARROWEST, LiveDisplay

    console = Console(stderr=True)
    display: QuietDisplay
    if quiet:
        display = QuietDisplay(interrupts, console)
    elif console.is_terminal and not console.is_dumb_terminal and console.width >= NARROWEST:
        display = LiveDisplay(interrupts, console, plan)
    else:
        display = LineDisplay(interrupts, console)
    with closing(display), prints_aside(directory / "output.log"):
        yield display
