"""How the cost of a run grows with its length and with its instances: time and memory, linear or better?

    python benchmarks/cost_growth.py

Two minutes. Each row is a fresh process; its peak memory is that of the process.

- *driving*: the driver against an engine that does nothing and holds nothing, for so many seconds of
  wall time; the time of one operation, and memory, must not grow with the length.
- *judging*: a recording of so many history events (made as in `check_speed.py`) is loaded and held
  against every check; memory may grow up to the limit beyond which DuckDB goes to its file
  (`recording/loading.py`).

How to read it: the exponent is the slope of the logarithms, least squares: 1 is linear, 0 constant. The
exponents say more than the figures, which are this machine's on this day.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from math import log
from pathlib import Path
from statistics import linear_regression
from typing import Any

from rich.console import Console
from rich.table import Table

from apart import answer
from check_speed import write
from duroxide_stress.judge import judge_run
from duroxide_stress.recording.pieces import compress
from idle_engine import IdleEngine, drive

SECS = (1.0, 4.0, 16.0)
EVENTS = (100_000, 400_000, 1_600_000)


def driving(secs: float) -> dict[str, float]:
    """Operations, seconds and memory of a drive of so many seconds."""
    with tempfile.TemporaryDirectory() as home:
        operations, spent = drive(Path(home), secs, 20, IdleEngine())
    return {"size": operations, "secs": spent}


def judging(run: Path) -> dict[str, float]:
    """Events, seconds and memory of a judgement."""
    begun = time.perf_counter()
    cell = judge_run(run).cells[0]
    return {"size": cell.launched, "secs": time.perf_counter() - begun}


def peak_mib() -> float:
    """Of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_process(*words: object) -> dict[str, float]:
    """One row, from a process of its own."""
    found: dict[str, float] = json.loads(answer(__file__, "--measure", *words))
    return found


def judged(events: int, *, compressed: bool) -> dict[str, float]:
    """A recording of so many events, written and judged."""
    with tempfile.TemporaryDirectory() as home:
        run = Path(home) / "run"
        write(run, events)
        if compressed:
            (cell,) = (path.parent for path in run.glob("*/cell.json"))
            for name in ("ops", "effects", "executions", "history"):
                (cell / f"{name}.jsonl").rename(cell / f"{name}.00001.jsonl")
            compress(cell)
        return in_a_process("judging", run)


def show(console: Console, title: str, unit: str, rows: list[dict[str, float]]) -> None:
    """A row a size, and the exponents."""
    table = Table(unit, title=title)
    for heading in ("seconds", "us each", "peak MiB"):
        table.add_column(heading, justify="right")
    for row in rows:
        each = row["secs"] / row["size"] * 1e6
        cells = (f"{row['secs']:.2f}", f"{each:.2f}", f"{row['mib']:.0f}")
        table.add_row(f"{row['size']:,.0f}", *cells)
    console.print(table)
    sizes = [log(row["size"]) for row in rows]
    for what, key in (("time", "secs"), ("memory", "mib")):
        slope = linear_regression(sizes, [log(row[key]) for row in rows]).slope
        console.print(f"exponent of {what}: {slope:.2f}")


def main() -> None:
    """Measure and print, or answer for one row."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.measure is not None:
        what, size = given.measure
        row: dict[str, Any] = driving(float(size)) if what == "driving" else judging(Path(size))
        print(json.dumps({**row, "mib": peak_mib()}))
        return
    console = Console(width=100)
    show(console, "Driving", "operations", [in_a_process("driving", secs) for secs in SECS])
    for compressed in (False, True):
        title = "Judging, full pieces compressed" if compressed else "Judging"
        rows = [judged(events, compressed=compressed) for events in EVENTS]
        show(console, title, "instances", rows)


if __name__ == "__main__":
    main()
