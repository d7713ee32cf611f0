"""Samples of what the processes, the store and the machine use while a cell runs."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

import psutil

from duroxide_stress.providers.base import StoreFigures
from duroxide_stress.recording.records import Sample
from duroxide_stress.recording.writer import Records
from duroxide_stress.units import NS_PER_SEC

SAMPLE_EVERY_NS = 250_000_000
STORE_EVERY = 4
"""The store is asked for its figures at every fourth sample."""


class Monitor:
    """Call `sample_if_due` often; it looks every quarter of a second."""

    def __init__(self, records: Records, store: Callable[[], StoreFigures]) -> None:
        self._records, self._store = records, store
        self._processes: dict[tuple[str, str], psutil.Process] = {("harness", ""): psutil.Process()}
        self._rss: dict[tuple[str, str], int] = {}
        self._due_ns = 0
        self._count = 0

    def watch(self, source: str, pid: int, node: str = "") -> None:
        """Sample this process from now on under the name `source`; `node` tells several apart."""
        if pid == os.getpid():
            del self._processes["harness", ""]
        with contextlib.suppress(psutil.Error):
            self._processes[source, node] = psutil.Process(pid)

    def resident_bytes(self, *sources: str) -> int | None:
        """What the processes of these sources held together when they were last sampled; None when
        none of them was."""
        held = [rss for (source, _), rss in self._rss.items() if source in sources]
        return sum(held) if held else None

    def sample_if_due(self) -> None:
        """Take a sample of everything when the last is old enough."""
        now = time.monotonic_ns()
        if now < self._due_ns:
            return
        self._due_ns = now + SAMPLE_EVERY_NS
        for (source, node), process in list(self._processes.items()):
            self._sample_process(source, node, process)
        busy = psutil.cpu_times()
        self._records.write(
            Sample(
                time.time_ns(),
                "machine",
                cpu_ns=round(
                    (
                        sum(busy)
                        - busy.idle
                        - getattr(busy, "iowait", 0.0)
                        - getattr(busy, "guest", 0.0)
                        - getattr(busy, "guest_nice", 0.0)
                    )
                    * NS_PER_SEC
                ),
            )
        )
        if self._count % STORE_EVERY == 0:
            self._sample_store(self._store())
        self._count += 1

    def _sample_store(self, store: StoreFigures) -> None:
        if store == StoreFigures():
            return
        pid = store.server_pid
        self._records.write(
            Sample(
                time.time_ns(),
                "store",
                "" if pid is None else str(pid),
                cpu_ns=None if pid is None else _family_cpu_ns(pid),
                bytes=store.bytes,
                connections=store.connections,
            )
        )

    def _sample_process(self, source: str, node: str, process: psutil.Process) -> None:
        try:
            with process.oneshot():
                cpu, memory = process.cpu_times(), process.memory_info()
        except psutil.Error as error:
            self._rss.pop((source, node), None)
            if isinstance(error, psutil.NoSuchProcess):
                del self._processes[source, node]
            return
        self._rss[source, node] = memory.rss
        self._records.write(
            Sample(
                time.time_ns(),
                source,
                node,
                rss_bytes=memory.rss,
                shared_bytes=getattr(memory, "shared", None),
                cpu_ns=round((cpu.user + cpu.system) * NS_PER_SEC),
            )
        )


def _family_cpu_ns(pid: int) -> int | None:
    """CPU time of a server that has a process for each session: its own, that of the processes it has,
    and that of those it had. None when it is gone."""
    try:
        server = psutil.Process(pid)
        times = server.cpu_times()
        secs = times.user + times.system + times.children_user + times.children_system
        for child in server.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                secs += times.user + times.system
    except psutil.Error:
        return None
    return round(secs * NS_PER_SEC)
