"""What it costs to be observed: throughput through the harness over that of a bare loop.

Run it from the project with `python benchmarks/observer_effect.py`; 25 minutes. Each cell (a
store × a config) is measured in pairs, on PostgreSQL with an embedded server for each side. One side of
a pair is `bare_loop.py` in a fresh process: start, wait, again, nothing recorded, nothing checked. The
other is the harness as the command line runs it. Both offer the same work (20 in flight, 5 activities of
10 ms, the engine's poll interval 100 ms), warm up as long, measure as long, and are counted alike:
completions whose timestamp in the engine's own history lies inside the window. An instance that the
engine fails for good is none, on either side. The order alternates
(A B, B A, ...), so that a machine that grows slower, or a neighbour, hits both sides.

How to read it: `ratio` is the geometric mean of the pairs' ratios, with its 95 % interval (t, of the
logarithms' differences). At 0.97 or more the harness costs at most three parts in a hundred; above 1
it was the faster one. Bold is a cell whose whole interval lies below 0.97: there the harness costs more.
The engine's dispatchers sleep 200 ms and longer when SQLite is locked, so windows of one and the same
loop differ by a tenth; few or short pairs show a large cost and do not settle 0.97: that is what the
interval is for. For a narrow one take `--pairs 16 --duration 15` on a machine that does nothing else.
Orchestrations per second are means
over the pairs and say something about this machine on this day only. CPU is in cores over the window:
the bare loop's whole; the harness's own beside the engine's. On the in-memory store the driver and the
engine share a process by necessity (`embedded`), so its own CPU there is the supervisor's alone and
the driver's is within the engine's.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from duroxide_stress.ledger.compare_statistics import Sample, judged
from duroxide_stress.plan import Concurrency, StressTestConfig
from duroxide_stress.recording.pieces import lines_of
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

BARE_LOOP = Path(__file__).with_name("bare_loop.py")
PROVIDERS = ("sqlite-memory", "sqlite-file", "postgres")
CONFIGS = ("1/1", "2/2", "4/8")
TARGET = 0.97
SETTLE_SECS = 2.0


class Figure(msgspec.Struct, frozen=True):
    """One side of one pair."""

    orchestrations_per_sec: float
    engine_cores: float
    own_cores: float = 0.0
    """CPU the engine did not use: the harness's driver and supervisor."""


class Side(msgspec.Struct, frozen=True):
    """What both sides of a pair are given."""

    provider: str
    config: StressTestConfig
    separate: bool

    @property
    def cell(self) -> str:
        return f"{self.provider} {self.config.concurrency}"


class NoFigureError(Exception):
    """A side did not run to its end, so its pair cannot be counted."""


def run_bare(side: Side, directory: Path) -> Figure:
    """The bare loop in a fresh process; its log beside its figures."""
    with a_store(side.provider, directory) as store:
        return bare_on(store, side, directory)


@contextmanager
def a_store(provider: str, directory: Path) -> Iterator[str]:
    """An empty store as the bare loop names it; PostgreSQL's server is the harness's own kind."""
    if provider != "postgres":
        yield ":memory:" if provider == "sqlite-memory" else str(directory / "bare.db")
        return
    from duroxide_stress.providers.postgres import Address, Postgres

    postgres = Postgres()
    address = postgres.create(directory)
    try:
        at = Address.read(address)
        yield f"{at.uri}#{at.schema}"
    finally:
        postgres.destroy(address)


def bare_on(store: str, side: Side, directory: Path) -> Figure:
    """The bare loop on this store."""
    config, result = side.config, directory / "bare.json"
    flags = {
        "--store": store,
        "--orchestration": config.orch_concurrency,
        "--worker": config.worker_concurrency,
        "--in-flight": config.max_concurrent,
        "--tasks": config.tasks_per_instance,
        "--delay-ms": config.activity_delay_ms,
        "--warm-up": config.warmup_secs,
        "--window": config.duration_secs,
        "--result": result,
    }
    words = [str(word) for pair in flags.items() for word in pair]
    if side.separate and store != ":memory:":
        words.append("--separate")
    with (directory / "bare.log").open("wb") as log:
        subprocess.run(
            [sys.executable, str(BARE_LOOP), *words],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
            timeout=config.warmup_secs + config.duration_secs + 120,
        )
    found: dict[str, Any] = msgspec.json.decode(result.read_bytes())
    return Figure(found["completed"] / config.duration_secs, found["cpu_cores"])


def run_harness(side: Side, directory: Path) -> Figure:
    """The same cell through the command; its recording is read for the figures."""
    config, recording = side.config, directory / "recording"
    words = [
        *("--scenario", "parallel", "--provider", side.provider),
        *("--config", config.concurrency, "--max-concurrent", config.max_concurrent),
        *("--duration", config.duration_secs, "--warm-up", config.warmup_secs),
        *("--quiet", "--out", recording),
    ]
    command = [sys.executable, "-m", "duroxide_stress", "run", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: an instance failed on a lock error, as in the bare loop
        raise NoFigureError(f"the harness exited {done.returncode}: {done.stderr.strip()}")
    (cell,) = (path.parent for path in recording.glob("*/cell.json"))
    end = msgspec.json.decode((cell / "end.json").read_bytes())
    if end["ended"] != "finished":
        raise NoFigureError(f"the harness's cell ended {end['ended']}: {end['reason']}")
    marks = {r["name"]: r["at_ns"] for r in records(cell, "ops") if r["type"] == "mark"}
    begin_ns = marks["window_begin"]
    end_ns = begin_ns + round(config.duration_secs * NS_PER_SEC)
    completed = sum(
        begin_ns <= event["ts_ms"] * NS_PER_MS < end_ns
        for event in records(cell, "history")
        if event["kind"] == "OrchestrationCompleted"
    )
    cores = cores_by_source(cell, begin_ns, end_ns)
    return Figure(
        completed / config.duration_secs,
        cores.get("engine", 0.0) + cores.get("embedded", 0.0),
        cores.get("driver", 0.0) + cores.get("harness", 0.0),
    )


def records(cell: Path, kind: str) -> list[dict[str, Any]]:
    """All records of a kind."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    return [decode(line) for line in lines_of(cell, kind)]


def cores_by_source(cell: Path, begin_ns: int, end_ns: int) -> dict[str, float]:
    """Mean CPU of each process between its first and last sample within the window."""
    within: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for sample in records(cell, "samples"):
        if "cpu_ns" in sample and begin_ns <= sample["at_ns"] < end_ns:
            within[sample["source"]].append((sample["at_ns"], sample["cpu_ns"]))
    return {
        source: (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])
        for source, seen in within.items()
        if len(seen) > 1
    }


def run_pair(side: Side, *, bare_first: bool) -> tuple[Figure, Figure]:
    """(bare, harness), in the order asked for, each in a directory of its own."""
    found = {}
    for run in (run_bare, run_harness) if bare_first else (run_harness, run_bare):
        directory = Path(tempfile.mkdtemp(prefix="observer-effect-"))
        os.sync()  # neither side begins amid what the other has left to be written
        time.sleep(SETTLE_SECS)
        try:
            found[run] = run(side, directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    if not all(figure.orchestrations_per_sec for figure in found.values()):
        raise NoFigureError("a side completed nothing within its window")
    return found[run_bare], found[run_harness]


def compared(bares: Sequence[Figure], harnesses: Sequence[Figure]) -> tuple[float, float, float]:
    """The geometric mean of the pairs' ratios and the ends of its 95 % interval, which are not a number
    where a single pair has none."""
    before, after = (
        [Sample(math.log(figure.orchestrations_per_sec), None) for figure in side]
        for side in (bares, harnesses)
    )
    found = judged(before, after, paired=True, noise=0)
    half = math.nan if found.half is None else found.half
    return math.exp(found.change), math.exp(found.change - half), math.exp(found.change + half)


def table(pairs: dict[str, list[tuple[Figure, Figure]]]) -> Table:
    """A row a cell."""
    shown = Table("cell", title="Harness over bare loop")
    for heading in ("pairs", "bare/s", "harness/s", "ratio (95 %)"):
        shown.add_column(heading, justify="right")
    for heading in ("bare cores", "engine cores", "own cores"):
        shown.add_column(heading, justify="right")
    for cell, seen in pairs.items():
        bares, harnesses = zip(*seen, strict=True)
        ratio, low, high = compared(bares, harnesses)
        shown.add_row(
            cell,
            str(len(seen)),
            f"{statistics.mean(f.orchestrations_per_sec for f in bares):.1f}",
            f"{statistics.mean(f.orchestrations_per_sec for f in harnesses):.1f}",
            f"{ratio:.3f} ({low:.2f}-{high:.2f})",
            f"{statistics.mean(f.engine_cores for f in bares):.2f}",
            f"{statistics.mean(f.engine_cores for f in harnesses):.2f}",
            f"{statistics.mean(f.own_cores for f in harnesses):.2f}",
            style="bold" if high < TARGET else None,
        )
    return shown


def main() -> None:
    """Measure every chosen cell and print the table."""
    given = arguments()
    sides = [
        Side(
            provider,
            StressTestConfig(
                orch_concurrency=concurrency.orchestration,
                worker_concurrency=concurrency.worker,
                warmup_secs=given.warm_up,
                duration_secs=given.duration,
            ),
            given.bare == "separate",
        )
        for provider in given.provider or PROVIDERS
        for concurrency in map(Concurrency.parse, given.config or CONFIGS)
    ]
    pairs: dict[str, list[tuple[Figure, Figure]]] = defaultdict(list)
    began = time.monotonic()
    for number in range(given.pairs):
        for side in sides:
            try:
                bare, harness = run_pair(side, bare_first=number % 2 == 0)
            except (NoFigureError, subprocess.SubprocessError) as error:
                print(f"{side.cell}: pair {number + 1} does not count: {error}", file=sys.stderr)
                continue
            pairs[side.cell].append((bare, harness))
            print(
                f"{time.monotonic() - began:5.0f} s  {side.cell} pair {number + 1}: "
                f"bare {bare.orchestrations_per_sec:.1f}/s, "
                f"harness {harness.orchestrations_per_sec:.1f}/s",
                file=sys.stderr,
            )
    Console(width=None if sys.stdout.isatty() else 120).print(table(pairs))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--provider", action="append", choices=PROVIDERS, help="repeatable")
    parser.add_argument("--config", action="append", metavar="N/M", help="repeatable")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--duration", type=float, default=10, help="measuring window, seconds")
    parser.add_argument("--warm-up", type=float, default=2, help="seconds before it")
    parser.add_argument(
        "--bare",
        choices=("plain", "separate"),
        default="plain",
        help="but in memory: the bare loop's client beside its runtime in one process, as a script "
        "has it, or in a process of its own, as the harness has it",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
