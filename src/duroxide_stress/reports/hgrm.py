"""HdrHistogram's percentile output of one cell's latencies, from due to the durable end, in ms.

Read by HdrHistogram's plotter (plotFiles.html) and whatever else reads `.hgrm`: lines that begin with
# are passed over. Values are exact and not those of buckets, of which the footer therefore counts none.
"""

from __future__ import annotations

from pathlib import Path

from duroxide_stress.errors import RecordingError
from duroxide_stress.measure.metrics import window
from duroxide_stress.measure.spectrum import Ladder, Rung, ladder
from duroxide_stress.recording.tables import Recording
from duroxide_stress.reports.text import one_line
from duroxide_stress.result import CellResult, RunResult
from duroxide_stress.units import NS_PER_MS

HEADER = f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}\n\n"


def render(result: RunResult, run: Path) -> str:
    """The distribution of the result's only cell. Raises ValueError for more."""
    if len(result.cells) > 1:
        raise ValueError("a .hgrm file holds one cell")
    return "".join(_cell(cell, run) for cell in result.cells)


def _cell(cell: CellResult, run: Path) -> str:
    try:
        recording = Recording(run / cell.recording)
    except (RecordingError, OSError):  # the verdict says why; here there is just no figure
        return text(Ladder(0, None, None, ()), cell)
    try:
        return text(ladder(recording, window(recording)), cell)
    finally:
        recording.close()


def text(found: Ladder, cell: CellResult) -> str:
    """A distribution in HdrHistogram's columns: ms with three digits, as its own output has them."""
    repeat = "" if cell.repeat == 1 else f" #{cell.repeat}"
    about = f"{cell.scenario}, {cell.provider_label} {cell.config}{repeat}"
    name = f"# {one_line(about)}: ms from due to the durable end\n"
    if found.mean_ns is None or found.deviation_ns is None:
        return f"{HEADER}# No latency was measured\n{name}"
    most = found.rungs[-1].ns / NS_PER_MS
    mean, deviation = found.mean_ns / NS_PER_MS, found.deviation_ns / NS_PER_MS
    return "".join(
        [
            HEADER,
            *map(_line, found.rungs),
            f"#[Mean    = {mean:12.3f}, StdDeviation   = {deviation:12.3f}]\n",
            f"#[Max     = {most:12.3f}, Total count    = {found.count:12d}]\n",
            f"#[Buckets = {0:12d}, SubBuckets     = {0:12d}]\n",
            name,
        ]
    )


def _line(rung: Rung) -> str:
    columns = f"{rung.ns / NS_PER_MS:12.3f} {rung.share:2.12f} {rung.count:10d}"
    return f"{columns}\n" if rung.share == 1 else f"{columns} {1 / (1 - rung.share):14.2f}\n"
