"""What many instances in flight cost: 10,000 and 100,000 on the reference engine, 10,000 on PostgreSQL.

    python benchmarks/scale.py                       # the driver alone, and the reference engine
    python benchmarks/scale.py --provider postgres   # and PostgreSQL, some three minutes

Three tables. *The driver alone*, against an engine that holds so many and does nothing: its resident
memory beside that of the same process with ten in flight, and the time of one operation against theirs.
*The reference engine* through the command's own path, in virtual time: wall time and peak memory are
those of the driver, of the simulated engine and of its books together (one process). *PostgreSQL*: an
embedded server, one host at 8/16, a driver of its own; every instance is checked as in any run.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from apart import answer
from duroxide_stress.judge import judge_run
from duroxide_stress.plan import Cell, Plan, StressTestConfig
from duroxide_stress.recording.store import read_cell_end
from duroxide_stress.recording.tables import Recording
from duroxide_stress.runner import SilentObserver, run_plan
from duroxide_stress.units import MIB
from idle_engine import IdleEngine, drive

COUNTS = (10_000, 100_000)
FEW = 10


def alone(in_flight: int) -> dict[str, float]:
    """The driver against an engine that holds all but a few of them."""
    with tempfile.TemporaryDirectory() as home:
        engine = IdleEngine(held=max(in_flight - FEW, 0))
        operations, spent = drive(Path(home), 3.0, in_flight, engine)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"operations": operations, "us": spent / operations * 1e6, "mib": peak / MIB}


def through(provider: str, in_flight: int) -> dict[str, Any]:
    """A cell of the parallel scenario with so many in flight, run and judged."""
    config = StressTestConfig(
        max_concurrent=in_flight, duration_secs=10, warmup_secs=1, tasks_per_instance=1,
        activity_delay_ms=1, orch_concurrency=8, worker_concurrency=16, wait_timeout_secs=3_600,
    )  # fmt: skip
    cell = Cell("parallel", provider, config)
    with tempfile.TemporaryDirectory() as home:
        run, begun = Path(home), time.perf_counter()
        run_plan(Plan("scale", (cell,), ""), run, observer=SilentObserver())
        ran = time.perf_counter() - begun
        begun = time.perf_counter()
        result = judge_run(run).cells[0]
        judged = time.perf_counter() - begun
        end, recording = read_cell_end(run / cell.key), Recording(run / cell.key)
        seen = dict(
            recording.rows(
                "SELECT source, (max(cpu_ns) - min(cpu_ns)) / 1e9 FROM samples "
                "WHERE cpu_ns IS NOT NULL GROUP BY source"
            )
        )
        recording.close()
    driver = result.health.generator_memory_mb
    return {
        "most": 0 if end is None else end.driver.max_in_flight,
        "launched": result.launched,
        "verdict": result.verdict.value,
        "secs": ran,
        "judged": judged,
        "driver_mib": driver and driver.peak,
        "driver_cpu": seen.get("driver"),
        "engine_mib": result.memory_mb.peak,
        "children_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def in_a_process(*words: object) -> dict[str, Any]:
    """One row, from a process of its own."""
    found: dict[str, Any] = json.loads(answer(__file__, "--measure", *words))
    return found


def show_alone(console: Console) -> None:
    """The driver's own cost."""
    few = in_a_process("alone", FEW)
    table = Table("in flight", title="The driver alone, nothing behind it")
    for heading in ("operations", "time of one, against few", "MiB", "KiB an instance"):
        table.add_column(heading, justify="right")
    for count in (FEW, *COUNTS):
        found = in_a_process("alone", count)
        each = (found["mib"] - few["mib"]) * 1024 / count if count > FEW else None
        table.add_row(
            f"{count:,}", f"{found['operations']:,.0f}", f"{found['us'] / few['us']:.2f}",
            f"{found['mib']:.0f}", "-" if each is None else f"{each:.2f}",
        )  # fmt: skip
    console.print(table)


def show_through(console: Console, provider: str, counts: tuple[int, ...]) -> None:
    """What a whole cell costs."""
    table = Table("in flight at most", title=f"A cell on {provider}")
    for heading in (
        "instances",
        "verdict",
        "run s",
        "judged s",
        "peak MiB",
        "driver MiB",
        "driver CPU s",
    ):
        table.add_column(heading, justify="right")
    for count in counts:
        found = in_a_process("through", count, provider)
        memory, cpu = found["driver_mib"], found["driver_cpu"]
        table.add_row(
            f"{found['most']:,}", f"{found['launched']:,}", found["verdict"], f"{found['secs']:.0f}",
            f"{found['judged']:.1f}", f"{found['engine_mib'] or found['children_mib']:.0f}",
            "-" if memory is None else f"{memory:.0f}", "-" if cpu is None else f"{cpu:.1f}",
        )  # fmt: skip
    console.print(table)


def main() -> None:
    """Measure what the flags name."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--provider", choices=["reference", "postgres"], default="reference")
    words.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    given = words.parse_args()
    match given.measure:
        case ["alone", count]:
            print(json.dumps(alone(int(count))))
        case ["through", count, provider]:
            print(json.dumps(through(provider, int(count))))
        case _:
            console = Console(width=110)
            show_alone(console)
            show_through(console, "reference", COUNTS)
            if given.provider == "postgres":
                show_through(console, "postgres", COUNTS[:1])


if __name__ == "__main__":
    main()
