"""The view of a running cell on a terminal: a few calm lines that stay where they are."""

from __future__ import annotations

from collections import deque

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from duroxide_stress.cli.display import REFRESH_PER_SECOND, Interrupts, LineDisplay
from duroxide_stress.cli.sparkline import Series
from duroxide_stress.load.progress import Progress
from duroxide_stress.plan import Plan
from duroxide_stress.recording.records import CellEnd, CellHead
from duroxide_stress.reports.text import one_line
from duroxide_stress.units import MIB, format_duration, format_ms

NARROWEST = 40
"""Columns; a narrower terminal gets plain lines."""
NEWS = 3
"""Faults that are shown, the last ones."""
LABEL, VALUE = 9, 9


class Frame:
    """What is shown of one cell: a value that grows with its progress, drawn at any width."""

    def __init__(self, title: str, subtitle: str, later_secs: float | None) -> None:
        """`later_secs` is what the cells after this one take; None when nobody knows."""
        self._title, self._subtitle, self._later_secs = title, subtitle, later_secs
        self._rate, self._latency, self._memory = Series(), Series(), Series()
        self._news: deque[str] = deque(maxlen=NEWS)
        self._last: Progress | None = None
        self.phase = "starting"

    def progressed(self, progress: Progress) -> None:
        """Take in how far the cell is."""
        before, self._last, self.phase = self._last, progress, progress.phase
        if before is not None and progress.elapsed_secs > before.elapsed_secs:
            spent = progress.elapsed_secs - before.elapsed_secs
            self._rate.add((progress.completed - before.completed) / spent)
        self._latency.add(progress.latency_p99_ms)
        self._memory.add(progress.engine_rss_bytes)

    def happened(self, sentence: str) -> None:
        """A fault struck."""
        at = "" if self._last is None else f"{self._last.elapsed_secs:.1f}s "
        self._news.append(f"{at}{one_line(sentence)}")

    def lines(self, width: int) -> list[Text]:
        """The view, none of its lines wider than `width`."""
        found = [Text(f"{self._title}: {self.phase}", style="bold")]
        if self._subtitle:
            found.append(Text(self._subtitle, style="dim"))
        if self._last is not None:
            found += self._figures(self._last, width)
        found += [Text(news, style="yellow") for news in self._news]
        for line in found:
            line.truncate(width, overflow="ellipsis")
            line.no_wrap = True
        return found

    def _figures(self, now: Progress, width: int) -> list[Text]:
        room = max(0, width - LABEL - VALUE - 2)
        rss = now.engine_rss_bytes
        memory = "-" if rss is None else f"{rss / MIB:.0f} MiB"
        rows = [
            ("Orch/sec", f"{now.orchestrations_per_sec:.1f}", self._rate),
            ("P99", format_ms(now.latency_p99_ms), self._latency),
            ("Memory", memory, self._memory),
        ]
        drawn = [
            Text(f"{label:<{LABEL}} {value:>{VALUE}} {series.drawn(room)}")
            for label, value, series in rows
        ]
        counts = [
            f"{now.failed} failed",
            f"{now.in_flight} in flight",
            f"P50 {format_ms(now.latency_p50_ms)}",
            f"{now.completed} completed",
        ]
        return [self._bar(now, width), *drawn, Text(", ".join(counts))]

    def _bar(self, now: Progress, width: int) -> Text:
        """How far the cell is, and what is left of it and of the plan."""
        left = max(0.0, now.total_secs - now.elapsed_secs)
        past = round(now.elapsed_secs - now.total_secs)
        words = (
            f" {format_duration(past)} past"
            if past > 0
            else f" {format_duration(round(left))} left"
        )
        if self._later_secs:
            words += f", {format_duration(round(left + self._later_secs))} in all"
        length = max(0, min(40, width - len(words)))
        share = min(1.0, now.elapsed_secs / now.total_secs) if now.total_secs else 1.0
        done = round(share * length)
        return Text.assemble(("━" * done, "green"), ("─" * (length - done), "dim"), words)


class LiveDisplay(LineDisplay):
    """A view that moves while a cell runs, and two lines that stay when it is over."""

    def __init__(self, interrupts: Interrupts, console: Console, plan: Plan | None = None) -> None:
        super().__init__(interrupts, console)
        self._plan = plan
        self._live: Live | None = None
        self._frame = Frame("", "", None)

    def cell_began(self, number: int, total: int, head: CellHead) -> None:
        super().cell_began(number, total, head)
        later = None if self._plan is None else self._plan.estimated_secs_after(number)
        self._frame = Frame(self._title, one_line(head.title), later)
        self._live = Live(
            self._drawn(),
            console=self._console,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
        )
        self._live.start()

    def progressed(self, progress: Progress) -> None:
        self._last = progress
        self._frame.progressed(progress)
        if self._interrupts.asked:
            self._frame.phase = "interrupted, ending"
        self._redraw()

    def happened(self, sentence: str) -> None:
        self._frame.happened(sentence)
        self._redraw()

    def cell_ended(self, head: CellHead, end: CellEnd) -> None:
        self.close()
        super().cell_ended(head, end)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _redraw(self) -> None:
        """Hand the view over; it is put on the screen at the next refresh."""
        if self._live is not None:
            self._live.update(self._drawn())

    def _drawn(self) -> Group:
        return Group(*self._frame.lines(self._console.width))
