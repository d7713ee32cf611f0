"""How many operations can the load generator drive and record in one process, beside Locust?

    pip install '.[benchmarks]'; python benchmarks/generator_ceiling.py

Some minute. Ours: the driver offers a closed loop to an engine that does nothing, but says of every
instance that it was accepted and then that it is over. Everything else is what a run does: each instance is an
order with its expectation, its slot and its deadline, and is written to a file as three records (invoke,
acked, ok), the lines of which are counted at the end: an operation that is not in the file does not
count. Locust, twice: one user whose task does nothing, which is its loop alone and records nothing; and
the same task firing a `request` event, which is what records an operation in its statistics (sums and a
histogram with rounded bins; no operation by itself). Fresh processes, in turns (A B C C B A ...).

How to read it: operations a second are this machine's on this day; the ratios are of the medians. A
real engine does some hundreds of instances a second on such a machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

SECS = 4.0
IN_FLIGHT = 50


def ours(secs: float) -> float:
    """Operations a second that the driver has driven and written down."""
    from duroxide_stress.engines.base import Acknowledged, Depths, Event, Finished
    from duroxide_stress.load.driver import Driver
    from duroxide_stress.plan import Cell, StressTestConfig
    from duroxide_stress.recording.pieces import count, lines_of
    from duroxide_stress.recording.writer import DirectWriter, LineWriter
    from duroxide_stress.scenarios.base import Action, Order
    from duroxide_stress.scenarios.registry import scenario_named

    class Idle:
        """An engine that is always done."""

        watch_errors, last_watch_error, clock_drift_ns = 0, None, 0

        def __init__(self) -> None:
            self._events: list[Event] = []
            self.now_ns: Callable[[], int] = time.time_ns

        def submit(self, order: Order) -> None:
            at_ns = time.time_ns()
            self._events.append(Acknowledged(order.op, at_ns, at_ns))
            output = [dict(one) for one in order.expect.output]  # not the same object, as in a run
            self._events.append(Finished(order.op, at_ns, "Completed", output))

        def act(self, order: Order, number: int, action: Action) -> None:
            raise AssertionError("nobody calls these instances")

        def wait(self, until_ns: int) -> list[Event]:
            events, self._events = self._events, []
            return events

        def depths(self) -> Depths:
            return Depths(0, 0)

        def forget(self, op: int) -> None:
            """Nothing is held."""

        def close(self) -> None:
            """Nothing is held."""

    config = StressTestConfig(
        max_concurrent=IN_FLIGHT, duration_secs=secs, warmup_secs=0, tasks_per_instance=1
    )
    cell = Cell("parallel", "reference", config)
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home)
        ops = LineWriter(directory / "ops.jsonl")
        samples = DirectWriter(directory / "samples.jsonl")
        work = scenario_named("parallel").workload(cell)
        driver = Driver(
            Idle(), work, config, ops, samples, tell=lambda progress: ops.flush_if_due()
        )
        begun = time.perf_counter()
        driver.run()
        ops.close()
        spent = time.perf_counter() - begun
        ended = sum(b'{"type":"ok"' in line for line in lines_of(directory, "ops"))
        written = count(directory, "ops") or 0
    if not ended == driver.launched == driver.completed or written < 3 * ended:
        raise AssertionError(f"{driver.launched} were launched, {ended} written down")
    return ended / spent


def locust(secs: float, *, recorded: bool) -> float:
    """Tasks a second that Locust has driven, or requests that it has counted."""
    from locust import User, constant, task
    from locust.env import Environment

    class Nothing(User):
        wait_time = constant(0)
        done = 0

        @task
        def nothing(self) -> None:
            Nothing.done += 1
            if recorded:
                fire(request_type="none", name="none", response_time=1.0, response_length=0,
                     exception=None, context=None)  # fmt: skip

    environment = Environment(user_classes=[Nothing])
    fire = environment.events.request.fire
    runner = environment.create_local_runner()
    import gevent

    runner.start(1, spawn_rate=1)
    # Its loop yields once a task, so that this greenlet has its turn.
    begun, before = time.perf_counter(), Nothing.done
    gevent.sleep(secs)
    spent, done = time.perf_counter() - begun, Nothing.done - before
    runner.quit()
    if recorded and environment.stats.total.num_requests < done:
        raise AssertionError("not every request was counted")
    return done / spent


SIDES = {
    "duroxide-stress: instances driven and recorded": ours,
    "Locust: tasks driven, nothing recorded": lambda secs: locust(secs, recorded=False),
    "Locust: tasks driven and counted": lambda secs: locust(secs, recorded=True),
}


def main() -> None:
    """Measure each side in turns and print the table."""
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--secs", type=float, default=SECS, help="of each run")
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--side", type=int, help=argparse.SUPPRESS)
    given = words.parse_args()
    names = list(SIDES)
    if given.side is not None:
        print(json.dumps(SIDES[names[given.side]](given.secs)))
        return
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(given.rounds):
        for side in range(len(names)) if number % 2 == 0 else reversed(range(len(names))):
            command = [sys.executable, __file__, "--secs", str(given.secs), "--side", str(side)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[names[side]].append(json.loads(done.stdout.splitlines()[-1]))
    first = statistics.median(found[names[0]])
    table = Table("side", title="One process, operations a second")
    for heading in ("median", "least", "greatest", "ours over it"):
        table.add_column(heading, justify="right")
    for name, rates in found.items():
        middle = statistics.median(rates)
        figures = (f"{rate:,.0f}" for rate in (middle, min(rates), max(rates)))
        table.add_row(name, *figures, f"{first / middle:.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
