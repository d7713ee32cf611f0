"""Does the load come when it is due? Rate and lateness of the real client side, in real time.

    python benchmarks/rate_accuracy.py

A minute and a half. The driver and the session for Duroxide (its threads, its agenda, its look at every
end) offer a constant rate to a client that answers at once: what is late is late by us and by the
machine. Lateness is from due to the beginning of the start call, as in every report. In virtual time, on
the reference engine, it is 0 by construction and says nothing.

How to read it: on a machine that does nothing else, the P99 is well under 2 ms at 100 a second; the
error of the rate is (started + dropped - wanted) / wanted over the window, where started counts by when
the call began, so that what is late is missing where it was due.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from apart import answer
from duroxide_stress.load.driver import Driver
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.recording.pieces import lines_of
from duroxide_stress.recording.writer import DirectWriter, LineWriter
from duroxide_stress.scenarios.registry import scenario_named
from duroxide_stress.units import NS_PER_MS
from idle_engine import ready_session

RUNS = ((100, 30.0), (1_000, 20.0), (2_000, 20.0))


def measured(rate: int, secs: float) -> dict[str, float]:
    """Lateness in ms and the error of the rate."""
    config = StressTestConfig(
        max_concurrent=10_000, duration_secs=secs, warmup_secs=1, load=f"constant:{rate}/s"
    )
    work = scenario_named("parallel").workload(Cell("parallel", "reference", config))
    session = ready_session()
    with tempfile.TemporaryDirectory() as home:
        ops = LineWriter(Path(home) / "ops.jsonl")
        samples = DirectWriter(Path(home) / "samples.jsonl")
        tell = lambda progress: ops.flush_if_due()  # noqa: E731 - as the driver's process does
        Driver(session, work, config, ops, samples, tell=tell).run()
        session.close()
        ops.close()
        lines = [msgspec.json.decode(line) for line in lines_of(Path(home), "ops")]
    marks = {line["name"]: line["at_ns"] for line in lines if line["type"] == "mark"}
    begin, end = marks["window_begin"], marks["window_begin"] + round(secs * 1e9)
    due = {
        line["op"]: line["due_ns"]
        for line in lines
        if line["type"] == "invoke" and begin <= line["due_ns"] < end
    }
    begun = sum(line["type"] == "acked" and begin <= line["begun_ns"] < end for line in lines)
    late = sorted(
        (line["begun_ns"] - due[line["op"]]) / NS_PER_MS
        for line in lines
        if line["type"] == "acked" and line["op"] in due
    )
    dropped = sum(line["type"] == "dropped" and begin <= line["due_ns"] < end for line in lines)
    return {
        "started": begun,
        "acked": len(late),
        "dropped": dropped,
        "error": (begun + dropped) / (rate * secs) - 1,
        **{name: late[math.ceil(q * len(late)) - 1] for name, q in PERCENTILES.items()},
    }


PERCENTILES = {"P50": 0.5, "P99": 0.99, "P99.9": 0.999, "max": 1.0}


def main() -> None:
    """Each rate in a fresh process."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--measure", nargs=2, type=float, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.measure is not None:
        print(json.dumps(measured(int(given.measure[0]), given.measure[1])))
        return
    table = Table("wanted", title="Rate and lateness (ms from due to the start call)")
    for heading in ("started", "dropped", "rate error", *PERCENTILES):
        table.add_column(heading, justify="right")
    for rate, secs in RUNS:
        found = json.loads(answer(__file__, "--measure", rate, secs))
        table.add_row(
            f"{rate:,}/s for {secs:g} s", f"{found['started']:,}", f"{found['dropped']:,}",
            f"{found['error']:+.3%}", *(f"{found[name]:.2f}" for name in PERCENTILES),
        )  # fmt: skip
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
