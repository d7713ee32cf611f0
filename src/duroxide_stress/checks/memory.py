"""Memory: the engine's process does not keep growing.

The trend is what private memory (resident, less what is mapped from files or shared) gains a minute
inside the measuring window, with its 99 % interval (see `measure.memory.trend`).
A leak is an interval that lies wholly above 1 MiB a minute: below that a week costs less than
10 GiB, and allocators move more than that by themselves. The second half of the window must bear it
out: a process that filled its caches in the first half and then stayed has the slope, but no leak.
Where the gain is above that limit and its interval is not, a longer run must tell. Runs under ten
minutes cannot say, nor can those in which another process took over: from a minute on the slope is
shown, and not judged.

Where the store lives in the engine's process it grows by what is stored, so the question is not put.
And where all that was gained since the load began is no more than reads of the store may leave in a
host, as its provider says (page caches of SQLite's connections), a leak cannot be told from it: what was
seen to grow is never called ok.
"""

from __future__ import annotations

from duroxide_stress.checks.base import Check, Looked
from duroxide_stress.measure.memory import ENGINE, process_memory
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding
from duroxide_stress.units import MIB

LEAK_MIB_PER_MIN = 1.0
"""For each host."""
JUDGED_SECS = 600
"""Windows of a minute were seen to show +1.3 to +3.0 MiB/min of a healthy engine: what connections and
allocators take once is much of a short window."""


def asked(recording: Recording) -> bool:
    """A window long enough, a store outside the engine's processes, and the same ones throughout."""
    config = recording.head.cell.config
    lives = recording.one("SELECT count(DISTINCT node) FROM nodes")
    long_enough = config.duration_secs >= JUDGED_SECS
    return recording.head.mode == "separate" and long_enough and lives <= config.nodes


def look(recording: Recording) -> Looked:
    """Judge what the engine's private memory gained."""
    memory = process_memory(recording, *ENGINE)
    samples = memory.samples
    if recording.head.mode == "embedded":
        return Looked(samples, undecided="the store lives in the process and grows with its data")
    config = recording.head.cell.config
    if config.duration_secs < JUDGED_SECS:
        return Looked(
            samples, undecided=f"needs a window of {JUDGED_SECS} s: until then caches fill"
        )
    if memory.slope is None or memory.slope_low is None or memory.late_slope is None:
        return Looked(samples, undecided=f"no slope: {memory.slope_reason}")
    interval = f"{memory.slope_low:+.2f} to {memory.slope_high:+.2f} MiB/min (99 % interval)"
    interval += f", {memory.late_slope:+.2f} over the second half"
    limit = LEAK_MIB_PER_MIN * config.nodes
    if min(memory.slope, memory.late_slope) <= limit:
        return Looked(samples, note=interval)
    gained = f"{interval}, {memory.grown:.0f} MiB since the load began"
    if recording.head.cache_bytes is None:
        left = "what reads of the store may leave was not recorded"
        return Looked(samples, undecided=f"{gained}; {left}")
    left_mib = recording.head.cache_bytes * config.nodes / MIB
    if memory.grown is not None and 0 < memory.grown <= left_mib:
        left = f"reads of the store may leave {left_mib:.0f} MiB, from which no leak can be told"
        return Looked(samples, undecided=f"{gained}; {left}")
    if memory.slope_low <= limit:
        return Looked(samples, undecided=f"{gained}; a longer run would tell")
    return Looked(samples, [Finding("memory keeps growing", gained, weight=memory.slope_low)])


CHECK = Check(
    name="memory",
    promise="No memory leak: the engine's memory does not keep growing.",
    source="stress test spec, Success Metrics 5",
    unit="samples",
    look=look,
    asked=asked,
)
