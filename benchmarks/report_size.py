"""How long the HTML report of a million ops takes, and how large it is.

Run it from the project with `python benchmarks/report_size.py`; a few minutes and 3 GB of scratch. It
records a cell of the parallel scenario, one activity an instance, on the reference engine and copies it,
ids and times moved on, as `check_speed.py` does. A fresh process judges it, as every command must that
shows a figure; another renders the report of that judgement: it opens the recording, draws the pictures
and writes the page.

How to read it: judging and rendering are told apart, with their peak memory. The goal is a report in
less than 10 seconds and 8 MB; the last line says what came of it, and the exit code is 1 when it was
missed. Seconds are this machine's on this day.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from apart import answer
from check_speed import CONFIG, write
from duroxide_stress.judge import judge_run, save_result
from duroxide_stress.plan import Cell
from duroxide_stress.recording.store import count_lines
from duroxide_stress.reports.html.page import render
from duroxide_stress.result import RunResult

SECS, BYTES = 10.0, 8_000_000


class Part(msgspec.Struct, frozen=True):
    """What a fresh process says of its part of the work."""

    name: str
    secs: float
    cpu_secs: float
    """Of all its threads: what it would take at least on a machine that others use too."""
    peak_mib: float


def main() -> None:
    """Write, judge, render, print."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--ops", type=int, default=1_000_000, help="ops at least")
    words.add_argument("--keep", type=Path, help="leave the page here")
    words.add_argument("--part", choices=("judge", "render"), help=argparse.SUPPRESS)
    words.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.part is not None:
        sys.stdout.buffer.write(msgspec.json.encode(done_here(given.part, given.run)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        config = msgspec.structs.replace(CONFIG, tasks_per_instance=1)
        write(run, given.ops, Cell("parallel", "reference", config), "executions")
        parts = [elsewhere(part, run) for part in ("judge", "render")]
        page = (run / "report.html").read_bytes()
        (cell,) = (path.parent for path in run.glob("*/cell.json"))
        lines = count_lines(cell)
        if given.keep is not None:
            given.keep.write_bytes(page)
    show(lines, parts, len(page))


def elsewhere(part: str, run: Path) -> Part:
    """Do a part of the work in a process of its own."""
    return msgspec.json.decode(answer(__file__, "--part", part, "--run", run), type=Part)


def done_here(part: str, run: Path) -> Part:
    """Judge, or render what was judged."""
    if part == "judge":
        begun, used = time.perf_counter(), time.process_time()
        save_result(run, judge_run(run))
    else:
        result = msgspec.json.decode((run / "result.json").read_bytes(), type=RunResult)
        begun, used = time.perf_counter(), time.process_time()
        (run / "report.html").write_text(render(result, run), encoding="utf-8")
    secs, cpu_secs = time.perf_counter() - begun, time.process_time() - used
    return Part(part, secs, cpu_secs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def show(lines: dict[str, int], parts: list[Part], size: int) -> None:
    """Print the figures, and whether they are what they should be."""
    table = Table(title=f"{lines['executions']:,} ops in {sum(lines.values()):,} lines")
    for column in ("part", "seconds", "CPU seconds", "peak memory"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for part in parts:
        figures = f"{part.secs:.2f}", f"{part.cpu_secs:.2f}", f"{part.peak_mib:,.0f} MiB"
        table.add_row(part.name, *figures)
    console = Console(width=100)
    console.print(table)
    within = parts[-1].secs < SECS and size < BYTES
    console.print(
        f"the page has {size / 1e6:.2f} MB and took {parts[-1].secs:.1f} s: "
        f"{'within' if within else 'MORE THAN'} {SECS:g} s and {BYTES / 1e6:g} MB"
    )
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
