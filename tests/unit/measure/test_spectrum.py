"""A distribution by percentile: HdrHistogram's steps, exact values."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from duroxide_stress.judge import judge_cell
from duroxide_stress.measure.metrics import window
from duroxide_stress.measure.spectrum import Rung, ladder, levels
from duroxide_stress.recording.store import read_run
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Window
from duroxide_stress.units import NS_PER_MS
from recordings.make import Recorded, where


def exact(share: float) -> Fraction:
    """The share that a float stands for."""
    return Fraction(share).limit_denominator(10**9)


def test_the_steps_are_those_of_hdrhistogram() -> None:
    """Five in each half of what is left: as wrk2 and HdrHistogram's Java print them."""
    shares = [share for share, _ in levels(10_000)]
    assert shares[:13] == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.775, 0.8]
    assert shares[15:18] == [0.875, 0.8875, 0.9]
    assert shares == sorted(set(shares))


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 100, 997, 1_000_000])
def test_ranks_are_the_nearest(count: int) -> None:
    """The first is the least, the last the greatest, and no float makes one of them too high."""
    found = levels(count)
    assert found[0] == (0, 1)
    assert found[-1][1] == count
    for share, rank in found[1:]:
        assert rank == max(1, math.ceil(exact(share) * count))
    assert len(found) < 5 * (math.log2(count) + 2)


def latencies_of(recorded: Recorded) -> list[int]:
    """Latencies in ns of what was due in the window, by another way than the query's."""
    ended = {line["instance"]: line["ts_ms"] * NS_PER_MS
             for line in recorded.lines("history", where(kind="OrchestrationCompleted"))}  # fmt: skip
    begin, finish = recorded.mark("window_begin"), recorded.mark("window_end")
    starts = recorded.lines("ops", lambda op: op["type"] == "invoke")
    return sorted(
        ended[op["instance"]] - op["due_ns"] for op in starts if begin <= op["due_ns"] < finish
    )


def test_every_rung_is_a_latency_that_was(recorded: Recorded) -> None:
    """With how many are not longer; the end is the maximum, the rest what the result says."""
    for number, line in enumerate(recorded.lines("history", where(kind="OrchestrationCompleted"))):
        recorded.change(
            "history",
            where(kind="OrchestrationCompleted", instance=line["instance"]),
            ts_ms=line["ts_ms"] + number % 17,
        )
    values = latencies_of(recorded)
    assert len(set(values)) > 10
    recording = Recording(recorded.directory)
    found = ladder(recording, window(recording))
    recording.close()
    assert found.count == len(values)
    assert found.mean_ns == pytest.approx(sum(values) / len(values))
    *rungs, last = found.rungs
    assert last == Rung(1.0, values[-1], len(values))
    for rung in rungs:
        rank = max(1, math.ceil(exact(rung.share) * len(values)))
        assert rung.ns == values[rank - 1]
        assert rung.count == sum(value <= rung.ns for value in values)
    assert [rung.count for rung in rungs].count(len(values)) == 1
    told = judge_cell(recorded.run, recorded.cell, read_run(recorded.run)).latency_ms
    (median,) = (rung.ns for rung in rungs if rung.share == 0.5)
    assert (told.p50, told.max) == (median / NS_PER_MS, last.ns / NS_PER_MS)


def test_nothing_to_list(recorded: Recorded) -> None:
    """A window that never began, and one in which nothing was due."""
    recording = Recording(recorded.directory)
    assert ladder(recording, Window(None, None, None, 0)).rungs == ()
    assert ladder(recording, Window(1, 2, 1.0, 0)).rungs == ()
    recording.close()
