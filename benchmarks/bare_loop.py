"""The loop a competent engineer writes by hand: most throughput, least overhead, no recording.

Threads start an orchestration and wait for it, over and over; the same fan-out of activities as the
harness's `parallel` scenario, and nothing checked. `observer_effect.py` measures the harness against
it. As one process it is the plain script; with `--separate` the runtime serves from a process of its
own, which a store in memory does not allow. The engine's own log goes to standard output, so send that
to a file; the figures go to `--result` as one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import duroxide
import psutil

POLL_INTERVAL_MS = 100
WAIT_MS = 60_000
READY_SECS = 30
REFUSED_SECS = 0.1


class Load:
    """Closed loop: `in_flight` threads, each with one orchestration open until the window ends."""

    def __init__(self, client: Any, in_flight: int, until: float) -> None:
        self._client, self._until = client, until
        self.instances: list[str] = []
        self._threads = [
            threading.Thread(target=self._loop, args=(lane,)) for lane in range(in_flight)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _loop(self, lane: int) -> None:
        turn = 0
        while time.time() < self._until:
            instance = f"bare-loop-{lane:08}-{turn:07}"
            try:
                self._client.start_orchestration(instance, "fan-out", 2_000_000_000 + turn)
                self.instances.append(instance)
                self._client.wait_for_orchestration(instance, WAIT_MS)
            except Exception as error:  # noqa: BLE001 - a busy store; the harness goes on as well
                print(f"{instance}: {error}", flush=True)
                time.sleep(REFUSED_SECS)
            turn += 1


def fan_out(tasks: int, delay_ms: int) -> Any:
    """The orchestration: `tasks` activities at once, joined. What is sent and answered is as long as it
    is in the harness, where it can be checked."""

    def run(ctx: Any, value: int) -> Generator[Any, Any, Any]:
        steps = [
            {"token": f"{ctx.instance_id}|1|0.{n}", "value": value, "delay_ms": delay_ms}
            for n in range(tasks)
        ]
        return (yield ctx.all([ctx.schedule_activity("work", step) for step in steps]))

    return run


def serve(store: Any, given: argparse.Namespace) -> Any:
    """A started runtime with the work registered."""

    def work(ctx: Any, step: dict[str, Any]) -> dict[str, Any]:
        time.sleep(step["delay_ms"] / 1000)
        return {"token": step["token"], "value": step["value"] << 16}

    runtime = duroxide.Runtime(
        store,
        duroxide.RuntimeOptions(
            orchestration_concurrency=given.orchestration,
            worker_concurrency=given.worker,
            dispatcher_poll_interval_ms=POLL_INTERVAL_MS,
            log_level="info",
        ),
    )
    runtime.register_activity("work", work)
    runtime.register_orchestration("fan-out", fan_out(given.tasks, given.delay_ms))
    runtime.start()
    return runtime


def connect(store: str) -> Any:
    """The store: in memory, the file of that path, or a schema of PostgreSQL (URL#schema)."""
    if store == ":memory:":
        return duroxide.SqliteProvider.in_memory()
    if store.startswith("postgresql:"):
        return duroxide.PostgresProvider.connect_with_schema(*store.rsplit("#", 1))
    return duroxide.SqliteProvider.open(f"sqlite:{store}")


def measure(store: Any, given: argparse.Namespace, engine_pid: int | None) -> dict[str, Any]:
    """Warm up, measure, drain; then count the window's completions by the engine's own clock."""
    client = duroxide.Client(store)
    begin = time.time() + given.warm_up
    end = begin + given.window
    load = Load(client, given.in_flight, end)
    load.start()
    time.sleep(max(begin - time.time(), 0))
    used = cpu_secs(engine_pid)
    time.sleep(max(end - time.time(), 0))
    used = cpu_secs(engine_pid) - used
    load.join()
    ends = [completed_ms(client, instance) for instance in load.instances]
    return {
        "completed": sum(begin * 1000 <= ms < end * 1000 for ms in ends if ms is not None),
        "cpu_cores": used / given.window,
    }


def completed_ms(client: Any, instance: str) -> int | None:
    """When the engine recorded the completion of `instance`; None when it did not."""
    for event in client.read_execution_history(instance, 1):
        if event.kind == "OrchestrationCompleted":
            return int(event.timestamp_ms)
    return None


def cpu_secs(engine_pid: int | None) -> float:
    """CPU time of this process, and of the engine's when it has one of its own."""
    used = time.process_time()
    if engine_pid is not None:
        times = psutil.Process(engine_pid).cpu_times()
        used += times.user + times.system
    return used


def main() -> None:
    """Run the role the flags name."""
    given = arguments()
    if given.serve:
        runtime = serve(connect(given.store), given)
        Path(given.result).touch()
        sys.stdin.read()  # ends with the client's process, however that ends
        runtime.shutdown(5_000)
        return
    if given.separate:
        ready = Path(given.result + ".ready")
        with subprocess.Popen(
            [sys.executable, *sys.argv, "--serve", "--result", str(ready)], stdin=subprocess.PIPE
        ) as server:
            for _ in range(READY_SECS * 100):
                if ready.exists():
                    break
                time.sleep(0.01)
            figures = measure(connect(given.store), given, server.pid)
    else:
        store = connect(given.store)
        runtime = serve(store, given)
        figures = measure(store, given, None)
        runtime.shutdown(5_000)
    Path(given.result).write_text(json.dumps(figures), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", default=":memory:", help="a file, :memory:, or URL#schema")
    parser.add_argument("--orchestration", type=int, default=2, help="orchestration workers")
    parser.add_argument("--worker", type=int, default=2, help="activity workers")
    parser.add_argument("--in-flight", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=5, help="activities per orchestration")
    parser.add_argument("--delay-ms", type=int, default=10, help="what one activity takes")
    parser.add_argument("--warm-up", type=float, default=1, help="seconds")
    parser.add_argument("--window", type=float, default=5, help="seconds")
    parser.add_argument("--separate", action="store_true", help="runtime in its own process")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--result", required=True, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
