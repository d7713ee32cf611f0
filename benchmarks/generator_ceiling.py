"""How many operations can the load generator drive and record in one process, beside Locust?

    pip install '.[benchmarks]'; python benchmarks/generator_ceiling.py

A minute and a half. Ours: the driver offers a closed loop to an engine that does nothing
(`idle_engine.py`). All else is as in a run: each instance is an order with its expectation, its slot and
its deadline, and is written to a file as three records (invoke, acked, ok), whose lines are counted at
the end: an operation that is not in the file does not count. Beside that, the same through the session
for Duroxide, with its threads and its look at every end, which is what a real engine is driven through.
Locust, twice: one user whose task does nothing, which is its loop alone and records nothing; and the
same task firing a `request` event, which is what counts an operation in its statistics (sums and a
histogram of rounded times; no operation by itself). Fresh processes, in turns (A B C D D C B A ...).

How to read it: operations a second are this machine's on this day; the ratios are of the medians. A
real engine does some hundreds of instances a second on such a machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from apart import answer

SECS = 4.0
IN_FLIGHT, MANY = 50, 1_000
"""Through the session an end is looked for some ms after its hint, so that it takes more to fill it."""


def ours(secs: float) -> float:
    """Operations a second that the driver has driven and written down."""
    from idle_engine import IdleEngine, drive

    with tempfile.TemporaryDirectory() as home:
        operations, spent = drive(Path(home), secs, IN_FLIGHT, IdleEngine())
    return operations / spent


def with_session(secs: float) -> float:
    """The same with the session for Duroxide between, and a client that answers at once."""
    from idle_engine import drive, ready_session

    with tempfile.TemporaryDirectory() as home:
        operations, spent = drive(Path(home), secs, MANY, ready_session())
    return operations / spent


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
    "duroxide-stress: driver and recording alone": ours,
    "the same, through the session for Duroxide": with_session,
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
            figure = answer(__file__, "--secs", given.secs, "--side", side)
            found[names[side]].append(json.loads(figure))
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
