"""What the monitor writes down of a store."""

from __future__ import annotations

import contextlib
import os
import sys
from mmap import ACCESS_READ, PAGESIZE, mmap
from pathlib import Path
from typing import Any

import psutil
import pytest

from duroxide_stress.nodes.monitor import STORE_EVERY, Monitor
from duroxide_stress.providers.base import StoreFigures
from duroxide_stress.units import MIB


class Written:
    """Records in memory."""

    def __init__(self) -> None:
        self.samples: list[Any] = []

    def write(self, record: Any) -> None:
        self.samples.append(record)

    @property
    def stores(self) -> list[Any]:
        return [s for s in self.samples if s.source == "store"]


def sampled(store: StoreFigures, times: int) -> Written:
    """What so many samples write."""
    written = Written()
    monitor = Monitor(written, lambda: store)
    for _ in range(times):
        monitor._due_ns = 0
        monitor.sample_if_due()
    return written


def test_a_store_is_asked_at_every_fourth_sample() -> None:
    """Bytes and sessions stand in one record."""
    found = sampled(StoreFigures(5, 7), 2 * STORE_EVERY).stores
    assert [(s.bytes, s.connections, s.cpu_ns, s.node) for s in found] == [(5, 7, None, "")] * 2


@pytest.mark.parametrize(
    ("store", "records"),
    [(StoreFigures(), 0), (StoreFigures(bytes=1), 1), (StoreFigures(connections=0), 1)],
)
def test_no_figures_are_no_record(store: StoreFigures, records: int) -> None:
    """One figure is enough for one."""
    assert len(sampled(store, 1).stores) == records


def test_a_server_of_ours_is_sampled_with_its_children() -> None:
    """Its process names the record; one that is gone has no CPU time."""
    (found,) = sampled(StoreFigures(server_pid=os.getpid()), 1).stores
    assert (found.node, found.cpu_ns > 0) == (str(os.getpid()), True)
    (gone,) = sampled(StoreFigures(bytes=1, server_pid=2**22 + 1), 1).stores
    assert gone.cpu_ns is None


def test_the_engines_memory_is_that_of_its_living_processes() -> None:
    """Those of other sources and those that are gone do not count; none at all is no figure."""
    monitor = Monitor(Written(), StoreFigures)
    assert monitor.resident_bytes("engine") is None
    monitor.watch("engine", os.getppid(), "host-0")
    monitor.watch("driver", os.getpid())
    monitor.sample_if_due()
    held = monitor.resident_bytes("engine", "embedded")
    assert held is not None
    assert held > 0
    both = monitor.resident_bytes("engine", "driver")
    assert both is not None
    assert both > held
    monitor._processes["engine", "host-0"] = Gone()
    monitor._due_ns = 0
    monitor.sample_if_due()
    assert monitor.resident_bytes("engine") is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it")
def test_what_is_mapped_from_files_is_told_apart(tmp_path: Path) -> None:
    """Sixteen MiB of a file that is read in place are resident, and shared."""
    size = 16 * MIB
    file = tmp_path / "mapped"
    file.write_bytes(bytes(size))
    written = Written()
    monitor = Monitor(written, StoreFigures)
    monitor.sample_if_due()
    with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as mapped:
        assert not any(mapped[::PAGESIZE])
        monitor._due_ns = 0
        monitor.sample_if_due()
    before, after = (s for s in written.samples if s.source == "harness")
    assert after.shared_bytes - before.shared_bytes == pytest.approx(size, rel=0.1)
    assert after.rss_bytes >= after.shared_bytes


class Gone:
    """A process that has ended."""

    def oneshot(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def cpu_times(self) -> None:
        raise psutil.NoSuchProcess(1)
