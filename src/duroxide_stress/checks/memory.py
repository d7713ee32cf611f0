"""Memory: the engine's process does not keep growing.

The trend is a Theil-Sen slope of private memory (resident, less what is mapped from files or shared)
over medians of five-second blocks inside the measuring window (medians and blocks, because samples a
quarter of a second apart are not independent), with its 99 % interval.
A leak is an interval that lies wholly above 1 MiB a minute: below that a week costs less than
10 GiB, and allocators move more than that by themselves. The second half of the window must bear it
out: a process that filled its caches in the first half and then stayed has the slope, but no leak.
Runs under ten minutes cannot say, nor can those in which another process took over: from a minute on
the slope is shown, and not judged.

Where the store lives in the engine's process it grows by what is stored, so the question is not put.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked
from duroxide_stress.measure.memory import ENGINE, process_memory
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding

LEAK_MIB_PER_MIN = 1.0
"""For each host."""
JUDGED_SECS = 600
"""Windows of a minute were seen to show +1.3 to +3.0 MiB/min of a healthy engine whose connections
were still filling their page caches; those of ten minutes were quiet."""


def asked(recording: Recording) -> bool:
    """A window long enough, a store outside the engine's processes, and the same ones throughout."""
    config = recording.head.cell.config
    lives = recording.one("SELECT count(DISTINCT node) FROM nodes")
    long_enough = config.duration_secs >= JUDGED_SECS
    return recording.head.mode == "separate" and long_enough and lives <= config.nodes


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
    if min(memory.slope_low, memory.late_slope) > LEAK_MIB_PER_MIN * config.nodes:
        return Looked(samples, [Finding("memory keeps growing", interval, weight=memory.slope_low)])
    return Looked(samples, note=interval)


CHECK = Check(
    name="memory",
    promise="No memory leak: the engine's memory does not keep growing.",
    source="stress test spec, Success Metrics 5",
    unit="samples",
    look=look,
    asked=asked,
)
