"""How a cell went over time: rates, latencies, memory and queues in buckets, and the faults beside them.

All series of a cell share one grid of buckets, of which one border is the opening of the window. A
bucket without a value is null. What is counted and how:

- completions: the durable ends that rates count (of instances that last through the run, the ends of
  generations), over the part of the bucket in which load was offered or drained. Where the histories
  were not copied out, it is the ends that the client saw, and `clock` says so.
- failures: ends, as the client saw them, that the program does not plan.
- latency: nearest-rank percentiles over the instances that were *due* in the bucket, so that a stall
  stands where it began to hurt.
- memory: resident memory of the engine's processes together, the highest look.
- in flight: instances that were started and whose end the client had not seen, as the bucket ends.
- queues: the deepest look; they are looked at once a second.

Everything is added up by the database, a row a bucket comes out of it: a million ops cost no more memory
than a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any, Literal, TypeAlias

import msgspec

from duroxide_stress.measure.memory import in_rounds
from duroxide_stress.measure.metrics import LOAD
from duroxide_stress.measure.recovery import COMPLETIONS, GENERATIONS
from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import MIB, NS_PER_MS, NS_PER_SEC

MOST = 240
"""Buckets at most: more are narrower than a picture can show."""
FEWEST, FULL = 12, 10
"""Buckets hold at least ten completions on average, unless fewer than twelve would be left."""
WIDTHS_MS = tuple(
    round(n * unit)
    for unit, steps in (
        (1, (50, 100, 200, 250, 500)),
        (1_000, (1, 2, 5, 10, 15, 30)),
        (60_000, (1, 2, 5, 10, 15, 30)),
        (3_600_000, (1, 2, 4, 6, 12)),
    )
    for n in steps
)
SLIVER = 0.1
"""Less of a bucket than this is no bucket: nothing is divided by so little time."""
FAULTS = 120
"""Intervals at most; more are joined where they are nearer to each other than a bucket."""

Values: TypeAlias = tuple[float | None, ...]


class Interval(msgspec.Struct, frozen=True):
    """A fault at work, in seconds since the window opened."""

    name: str
    target: str
    begin: float
    end: float | None
    """Null when it was never healed."""
    count: int = 1
    """How many injections it stands for."""


class Series(msgspec.Struct, frozen=True):
    """A cell over time. Seconds count from the opening of the window; warm-up is before 0."""

    secs: tuple[float, ...]
    """The middle of each bucket."""
    width: float
    begin: float
    """When load began."""
    window: float | None
    """When the window closed; null when it never did."""
    end: float
    """When everything was drained, or the last that is known."""
    clock: Literal["durable", "seen"]
    """Whose ends completions and latency are about: the engine's, or only the client's."""
    generations: bool
    """Whether generations are counted and not instances."""
    completions_per_sec: Values
    failures_per_sec: Values
    latency_p50_ms: Values
    latency_p95_ms: Values
    latency_p99_ms: Values
    memory_mib: Values
    in_flight: Values
    orchestrator_queue: Values
    worker_queue: Values
    faults: tuple[Interval, ...]


class Grid(msgspec.Struct, frozen=True):
    """Buckets over the time from `begin_ns` to `end_ns`; the first begins at `start_ns`."""

    start_ns: int
    width_ns: int
    buckets: int
    zero_ns: int
    begin_ns: int
    end_ns: int

    def covered(self, bucket: int) -> float:
        """How many seconds of a bucket lie between begin and end."""
        left = self.start_ns + bucket * self.width_ns
        inside = min(left + self.width_ns, self.end_ns) - max(left, self.begin_ns)
        return max(0, inside) / NS_PER_SEC

    def since(self, ns: int) -> float:
        """Seconds since the window opened."""
        return round((ns - self.zero_ns) / NS_PER_SEC, 3)


def series(recording: Recording) -> Series | None:
    """The cell over time; None when no load was ever offered."""
    grid = _grid(recording)
    if grid is None:
        return None
    collected = _collected(recording)
    closed = recording.mark("window_end")
    p50, p95, p99 = _latencies(recording, grid, durable=collected)
    queues = _looks(recording, grid)
    return Series(
        secs=tuple(
            grid.since(grid.start_ns + n * grid.width_ns + grid.width_ns // 2)
            for n in range(grid.buckets)
        ),
        width=grid.width_ns / NS_PER_SEC,
        begin=grid.since(grid.begin_ns),
        window=None if closed is None else grid.since(closed),
        end=grid.since(grid.end_ns),
        clock="durable" if collected else "seen",
        generations=recording.head.lasting and collected,
        completions_per_sec=_rate(recording, grid, _ends(recording, durable=collected)),
        failures_per_sec=_rate(recording, grid, FAILURES),
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        latency_p99_ms=p99,
        memory_mib=_memory(recording, grid),
        in_flight=_in_flight(recording, grid),
        orchestrator_queue=queues[0],
        worker_queue=queues[1],
        faults=_faults(recording, grid),
    )


def _collected(recording: Recording) -> bool:
    return (recording.directory / "executions.jsonl").exists()


SEEN = f"SELECT o.seen_ns AS ns FROM ops o WHERE o.as_planned AND {LOAD}"
FAILURES = f"""
SELECT o.seen_ns AS ns FROM ops o
WHERE {LOAD} AND ((o.ended IN ('ok', 'fail') AND NOT o.as_planned) OR o.info_reason = 'timeout')
"""


def _ends(recording: Recording, *, durable: bool) -> str:
    if not durable:
        return SEEN
    return GENERATIONS if recording.head.lasting else COMPLETIONS


def _grid(recording: Recording) -> Grid | None:
    """Buckets for this cell: as many as its completions fill, and as a picture can show."""
    first, last, ended = recording.rows(
        "SELECT min(due_ns), max(coalesce(seen_ns, due_ns)), count(*) FILTER (WHERE as_planned) "
        "FROM ops"
    )[0]
    begin = recording.mark("begin") or recording.mark("window_begin") or first
    if begin is None:
        return None
    marked = recording.mark("drained")
    seen = [recording.mark("window_end"), last, recording.one("SELECT max(at_ns) FROM samples")]
    end = marked or max(filter(None, seen), default=begin)
    zero = recording.mark("window_begin") or begin
    width = _width_ns(end - begin, ended) if end > begin else NS_PER_SEC
    # A sliver of a bucket before the first whole one would be noise: what is in it goes to that one.
    start = zero - ceil((zero - begin) / width - SLIVER) * width
    count = max(1, -(-(end - start) // width))
    return Grid(start, width, count, zero, begin, max(end, begin + 1))


def _width_ns(span_ns: int, completions: int) -> int:
    """The narrowest of the usual widths that is wide enough; beyond them whole days."""
    filled = min(MOST - 2, max(FEWEST, completions / FULL))
    least = span_ns / NS_PER_MS / filled
    day = 86_400_000
    width_ms = next((width for width in WIDTHS_MS if width >= least), ceil(least / day) * day)
    return width_ms * NS_PER_MS


def _bucketed(recording: Recording, grid: Grid, sql: str) -> dict[int, tuple[Any, ...]]:
    """The rows of a query by their first column, the bucket; `$start` and `$width` are the grid's."""
    rows = recording.rows(sql, start=grid.start_ns, width=grid.width_ns)
    return {bucket: tuple(values) for bucket, *values in rows if bucket is not None}


def _rate(recording: Recording, grid: Grid, moments: str) -> Values:
    """Moments per second."""
    counted = _bucketed(
        recording, grid,
        f"SELECT greatest(ns - $start, 0) // $width AS bucket, count(*) FROM ({moments}) "
        "WHERE ns IS NOT NULL GROUP BY bucket",
    )  # fmt: skip
    found: list[float | None] = []
    for bucket in range(grid.buckets):
        count = counted.get(bucket, (0,))[0]
        secs = grid.covered(bucket)
        enough = secs > SLIVER * grid.width_ns / NS_PER_SEC
        found.append(round(count / secs, 4) if enough else None)
    return tuple(found)


def _latencies(recording: Recording, grid: Grid, *, durable: bool) -> tuple[Values, Values, Values]:
    """P50, P95 and P99 of the instances that were due in each bucket and completed."""
    ended = f"e.ended_ms * {NS_PER_MS}" if durable else "o.seen_ns"
    books = "LEFT JOIN ends e USING (instance)" if durable else ""
    ranked = _bucketed(
        recording, grid,
        "SELECT bucket, quantile_disc(v, 0.5), quantile_disc(v, 0.95), quantile_disc(v, 0.99) FROM ("
        f"SELECT greatest(o.due_ns - $start, 0) // $width AS bucket, {ended} - o.due_ns AS v "
        f"FROM ops o {books} WHERE o.as_planned AND {LOAD}) "
        "WHERE v IS NOT NULL GROUP BY bucket",
    )  # fmt: skip
    columns: list[list[float | None]] = [[], [], []]
    for bucket in range(grid.buckets):
        for column, value in zip(columns, ranked.get(bucket, (None, None, None)), strict=True):
            column.append(None if value is None else round(value / NS_PER_MS, 3))
    p50, p95, p99 = map(tuple, columns)
    return p50, p95, p99


def _memory(recording: Recording, grid: Grid) -> Values:
    """The highest of the rounds that fell into each bucket."""
    highest: dict[int, int] = {}
    for one in in_rounds(_streamed(recording, grid)):
        bucket = max(0, one.at_ns - grid.start_ns) // grid.width_ns
        highest[bucket] = max(one.held_bytes, highest.get(bucket, 0))
    return tuple(round(highest[n] / MIB, 3) if n in highest else None for n in range(grid.buckets))


def _streamed(recording: Recording, grid: Grid) -> Iterator[tuple[int, str, int]]:
    """Looks at the engine's processes in their order, a few thousand at a time."""
    found = recording.db.execute(
        "SELECT at_ns, coalesce(node, ''), rss_bytes FROM samples "
        "WHERE source IN ('engine', 'embedded') AND rss_bytes IS NOT NULL "
        "AND at_ns >= $begin AND at_ns <= $finish ORDER BY at_ns",
        {"begin": grid.begin_ns, "finish": grid.end_ns},
    )
    while block := found.fetchmany(5_000):
        yield from block


def _in_flight(recording: Recording, grid: Grid) -> Values:
    """Begun and not yet seen to end, as each bucket ends."""
    changes = _bucketed(
        recording, grid,
        "SELECT bucket, sum(change) FROM ("
        "SELECT greatest(begun_ns - $start, 0) // $width AS bucket, 1 AS change FROM ops o "
        f"WHERE begun_ns IS NOT NULL AND {LOAD} UNION ALL "
        "SELECT greatest(seen_ns - $start, 0) // $width, -1 FROM ops o "
        f"WHERE begun_ns IS NOT NULL AND seen_ns IS NOT NULL AND {LOAD}) GROUP BY bucket",
    )  # fmt: skip
    found, open_now = [], 0
    for bucket in range(grid.buckets):
        open_now += int(changes.get(bucket, (0,))[0])
        found.append(float(open_now))
    return tuple(found)


def _looks(recording: Recording, grid: Grid) -> tuple[Values, Values]:
    """The deepest look at each queue: orchestrations, activities."""
    deepest = _bucketed(
        recording, grid,
        "SELECT (at_ns - $start) // $width AS bucket, max(orchestrator_queue), max(worker_queue) "
        "FROM samples WHERE source = 'queues' AND at_ns >= $start GROUP BY bucket",
    )  # fmt: skip
    pairs = [deepest.get(bucket, (None, None)) for bucket in range(grid.buckets)]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def _faults(recording: Recording, grid: Grid) -> tuple[Interval, ...]:
    """The faults that began, in their order; neighbours joined where there are too many to draw."""
    rows = recording.rows(
        "SELECT name, target, began_ns, ended_ns FROM faults WHERE began_ns IS NOT NULL "
        "ORDER BY began_ns, number"
    )
    each = [
        Interval(name, target, grid.since(began), None if ended is None else grid.since(ended))
        for name, target, began, ended in rows
    ]
    gap, joined = 0.0, each
    while len(joined) > FAULTS:
        gap = 2 * gap or grid.width_ns / NS_PER_SEC
        joined = _joined(each, gap)
    return tuple(joined)


def _joined(faults: list[Interval], gap: float) -> list[Interval]:
    """Faults no further apart than `gap` seconds as one; one that was never healed takes in the rest."""
    found: list[Interval] = []
    for fault in faults:
        last = found[-1] if found else None
        if last is None or (last.end is not None and fault.begin > last.end + gap):
            found.append(fault)
            continue
        ends = [last.end, fault.end]
        found[-1] = Interval(
            last.name if last.name == fault.name else "several",
            last.target if last.target == fault.target else "several",
            last.begin,
            None if None in ends else max(end for end in ends if end is not None),
            last.count + fault.count,
        )
    return found
