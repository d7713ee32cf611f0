"""How fast a recording is judged: a million history events, loaded and held against every check.

Run it from the project with `python benchmarks/check_speed.py`; a minute. It records one cell of the
mixed scenario (all parts that the reference engine serves in virtual time) and copies it, ids and
times moved on, until the histories hold as many events as asked for; the recording is what a long run
would have written, not a simplification of it. Then a fresh process loads and judges it, as
`duroxide-stress check` does, and tells the time of each part and its peak memory.

How to read it: events are history events; the other files (one line an activity execution, an op, an
execution) are loaded and checked along with them. Seconds are this machine's on this day. The
last line is the ratio of the whole time to a quarter of the events': 4 is linear, less is better.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from apart import answer
from duroxide_stress.checks.base import judge
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.judge import judge_run
from duroxide_stress.plan import Cell, Plan, StressTestConfig
from duroxide_stress.recording.store import count_lines, write_json
from duroxide_stress.recording.tables import Recording
from duroxide_stress.runner import SilentObserver, run_plan
from duroxide_stress.units import NS_PER_MS
from duroxide_stress.verdict import Verdict

WEIGHTS = {
    **{"parallel": 4, "timers": 2, "sub-orchestrations": 1, "failures": 1, "events": 1},
    **{"cancellation": 1},
}
LINES = ("ops", "effects", "executions", "history")
MOVED = re.compile(
    rb'("op":|-[0-9a-f]{8}-|"(?:at|due|begun|seen)_ns":|"ts_ms":|fireAtMs\\\\":)(\d+)'
)
"""Op numbers, the numbers in instance ids, moments in ns and in ms."""


class Part(msgspec.Struct, frozen=True):
    """What one part of the judgement took."""

    name: str
    secs: float


class Judged(msgspec.Struct, frozen=True):
    """What a fresh process says of itself."""

    events: int
    lines: int
    parts: list[Part]
    secs: float
    """All of it once more and in one go: loading, checks and figures."""
    peak_mib: float
    verdict: Verdict
    unclean: list[str]


def main() -> None:
    """Write, judge, print."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--events", type=int, default=1_000_000, help="history events at least")
    words.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.judge is not None:
        sys.stdout.buffer.write(msgspec.json.encode(judge_here(given.judge)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        quarter, whole = (
            judged(Path(scratch), name, events)
            for name, events in (("quarter", given.events // 4), ("whole", given.events))
        )
    show(whole, quarter)


def judged(scratch: Path, name: str, events: int) -> Judged:
    """Write a recording of so many events and have a fresh process judge it."""
    run = scratch / name
    write(run, events)
    found = msgspec.json.decode(answer(__file__, "--judge", run), type=Judged)
    shutil.rmtree(run)
    return found


def judge_here(run: Path) -> Judged:
    """Load the recording's one cell and time every check, then all that `check` does in one go."""
    parts = []

    def timed(name: str, begun: float) -> None:
        parts.append(Part(name, time.perf_counter() - begun))

    (directory,) = (path.parent for path in run.glob("*/cell.json"))
    begun = time.perf_counter()
    recording = Recording(directory)
    timed("loading", begun)
    unclean = []
    for check in CHECKS.values():
        begun = time.perf_counter()
        result = judge(check, recording)
        timed(check.name, begun)
        if result.asked and result.verdict is not Verdict.OK:
            unclean.append(f"{check.name}: {result.verdict.value}: {result.note}")
    events = recording.one("SELECT count(*) FROM history")
    recording.close()
    begun = time.perf_counter()
    verdict = judge_run(run).verdict
    whole = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = sum(count_lines(directory).values())
    return Judged(events, lines, parts, whole, peak, verdict, unclean)


CONFIG = StressTestConfig(
    max_concurrent=100, duration_secs=3, orch_concurrency=8, worker_concurrency=32
)
MIXED = Cell("mixed", "reference", CONFIG, options={"mixed": WEIGHTS})


def write(run: Path, wanted: int, cell: Cell = MIXED, counted: str = "history") -> None:
    """A recording of one cell with at least so many lines of the file `counted`: history events, or
    `executions`."""
    seed = run.with_name(f"{run.name}-seed")
    seed.mkdir()
    run_plan(Plan("speed", (cell,), ""), seed, observer=SilentObserver())
    source, target = seed / cell.key, run / cell.key
    shutil.copytree(seed, run, ignore=shutil.ignore_patterns(*(f"{name}.jsonl" for name in LINES)))
    copies = -(-wanted // count_lines(source)[counted])
    for name in LINES:
        multiply(source / f"{name}.jsonl", target / f"{name}.jsonl", copies, source)
    end = msgspec.json.decode((target / "end.json").read_bytes())
    write_json(target / "end.json", {**end, "lines": count_lines(target)})
    (target / "metrics.json").unlink()
    shutil.rmtree(seed)


def multiply(source: Path, target: Path, copies: int, cell: Path) -> None:
    """Write a file so often, each time with ids and moments of its own; marks of its end move on."""
    ops = (cell / "ops.jsonl").read_bytes()
    launched = ops.count(b'"type":"invoke"')
    moments = [int(found) for found in re.findall(rb'"name":"\w+","at_ns":(\d+)', ops)]
    span_ns = max(moments) - min(moments)
    text = source.read_bytes()
    marks = [line for line in text.splitlines(keepends=True) if b'"type":"mark"' in line]
    for mark in marks:
        text = text.replace(mark, b"")
    with target.open("wb") as file:
        for mark in marks:
            late = 0 if b"begin" in mark else (copies - 1) * span_ns
            file.write(moved(mark, 0, late))
        for copy in range(copies):
            file.write(moved(text, copy * launched, copy * span_ns))


def moved(text: bytes, ops: int, by_ns: int) -> bytes:
    """The lines with op numbers and instance ids moved on by `ops`, and moments by `by_ns`."""

    def change(found: re.Match[bytes]) -> bytes:
        key, number = found[1], int(found[2])
        if key.endswith(b"-"):
            return key + b"%07d" % (number + ops)
        if b"op" in key:
            return key + b"%d" % (number + ops)
        return key + b"%d" % (
            number + (by_ns // NS_PER_MS if b"s_ms" in key or b"AtMs" in key else by_ns)
        )

    return MOVED.sub(change, text)


def show(whole: Judged, quarter: Judged) -> None:
    """Print the parts and the whole."""
    table = Table(title=f"{whole.events:,} events in {whole.lines:,} lines")
    for column in ("part", "seconds", "events/s"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for part in whole.parts:
        table.add_row(part.name, f"{part.secs:.2f}", f"{whole.events / max(part.secs, 1e-9):,.0f}")
    table.add_section()
    table.add_row("all, with the figures", f"{whole.secs:.2f}", f"{whole.events / whole.secs:,.0f}")
    console = Console(width=100)
    console.print(table)
    console.print(f"peak memory {whole.peak_mib:,.0f} MiB; verdict {whole.verdict.value}")
    for words in whole.unclean:
        console.print(f"not ok: {words}")
    console.print(
        f"against a quarter of the events: {whole.secs / quarter.secs:.2f} times the time, "
        f"{whole.peak_mib / quarter.peak_mib:.2f} times the memory"
    )


if __name__ == "__main__":
    main()
