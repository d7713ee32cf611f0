"""Memory: the engine's process does not keep growing.

The trend is what private memory (resident, less what is mapped from files or shared) gains a minute
inside the measuring window, with its 99 % interval (see `measure.memory.trend`).
A leak is an interval that lies wholly above 1 MiB a minute: below that a week costs less than
10 GiB, and allocators move more than that by themselves. The second half of the window must bear it
out: a process that filled its caches in the first half and then stayed has the slope, but no leak.
Runs under ten minutes cannot say, nor can those in which another process took over: from a minute on
the slope is shown, and not judged.

Where the store lives in the engine's process it grows by what is stored, so the question is not put.
Nor can it be answered where all that was gained since the load began fits into the copies of the store
that a host may hold, as its provider says (the page caches of SQLite's connections: 312 MiB): to tell a
leak from a cache the growth must be greater than the cache.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked
from duroxide_stress.measure.memory import ENGINE, ProcessMemory, process_memory
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding
from duroxide_stress.units import MIB

LEAK_MIB_PER_MIN = 1.0
"""For each host."""
JUDGED_SECS = 600
"""Windows of a minute were seen to show +1.3 to +3.0 MiB/min of a healthy engine whose connections
were still filling their page caches; those of ten minutes were quiet."""


def asked(recording: Recording) -> bool:
    """A window long enough, a store outside the engine's processes, the same ones throughout, and more
    growth, if any, than caches explain."""
    config = recording.head.cell.config
    lives = recording.one("SELECT count(DISTINCT node) FROM nodes")
    long_enough = config.duration_secs >= JUDGED_SECS
    if recording.head.mode != "separate" or not long_enough or lives > config.nodes:
        return False
    memory = process_memory(recording, *ENGINE)
    return not (_grows(memory, recording) and _may_be_cached(memory, recording))


def look(recording: Recording) -> Looked:
    """Judge the slope of the engine's private memory."""
    memory = process_memory(recording, *ENGINE)
    samples = memory.samples
    if recording.head.mode == "embedded":
        return Looked(samples, undecided="the store lives in the process and grows with its data")
    config = recording.head.cell.config
    if config.duration_secs < JUDGED_SECS:
        return Looked(
            samples, undecided=f"needs a window of {JUDGED_SECS} s: until then caches fill"
        )
    if memory.slope_low is None or memory.late_slope is None:
        return Looked(samples, undecided=f"no slope: {memory.slope_reason}")
    interval = f"{memory.slope_low:+.2f} to {memory.slope_high:+.2f} MiB/min (99 % interval)"
    interval += f", {memory.late_slope:+.2f} over the second half"
    if not _grows(memory, recording):
        return Looked(samples, note=interval)
    if not _may_be_cached(memory, recording):
        return Looked(samples, [Finding("memory keeps growing", interval, weight=memory.slope_low)])
    gained = f"{interval}, {memory.grown:.0f} MiB since the load began"
    caches = f"caches of the store may hold {_cache_mib(recording):.0f} MiB"
    return Looked(samples, undecided=f"{gained}: {caches}")


def _grows(memory: ProcessMemory, recording: Recording) -> bool:
    """Whether it grew steadily, by more than allocators move by themselves."""
    if memory.slope_low is None or memory.late_slope is None:
        return False
    limit = LEAK_MIB_PER_MIN * recording.head.cell.config.nodes
    return min(memory.slope_low, memory.late_slope) > limit


def _may_be_cached(memory: ProcessMemory, recording: Recording) -> bool:
    """Whether all that was gained fits into the caches that hosts may have of the store."""
    caches = _cache_mib(recording)
    return caches > 0 and memory.grown is not None and memory.grown <= caches


def _cache_mib(recording: Recording) -> float:
    return recording.head.cache_bytes * recording.head.cell.config.nodes / MIB


CHECK = Check(
    name="memory",
    promise="No memory leak: the engine's memory does not keep growing.",
    source="stress test spec, Success Metrics 5",
    unit="samples",
    look=look,
    asked=asked,
)
