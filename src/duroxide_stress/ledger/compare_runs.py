"""Which runs of a cell count, and what each of them has to say."""

from __future__ import annotations

from math import log

import msgspec

from duroxide_stress.ledger.compare_matching import Match
from duroxide_stress.ledger.compare_series import Series, read_series
from duroxide_stress.ledger.compare_sources import CellSample
from duroxide_stress.ledger.compare_statistics import Sample, within
from duroxide_stress.ledger.metrics import METRICS, Metric
from duroxide_stress.result import CellResult

TWIN = "the same figures at the same time as another run: one run, not two"
COMPARED = ("throughput", "mean", "p50", "p95", "p99", "memory", "cpu")


class Measured(msgspec.Struct, frozen=True):
    """A run that counts, with its time structure; null where there is no recording of it."""

    result: CellResult
    series: Series | None

    def sample(self, metric: Metric) -> Sample:
        """One figure. The run must have it, and it must be positive."""
        value = metric.of(self.result)
        assert value is not None
        return Sample(log(value), None if self.series is None else within(self.series, metric.name))


def measured(sample: CellSample) -> Measured:
    """Read what a run's recording says of its window."""
    series = None if sample.directory is None else read_series(sample.directory)
    return Measured(sample.result, series)


def usable(
    match: Match, *, paired: bool, untrusted: bool = False
) -> tuple[tuple[list[CellSample], ...], tuple[tuple[str, ...], ...]]:
    """(the runs of each side whose figures count, why others do not). With `paired` a round counts as a
    whole or not at all; with `untrusted`, figures count that the health of their run speaks against."""
    kept: list[list[CellSample]] = [[], []]
    out: list[list[str]] = [[], []]
    different = [0, 0]
    for place, side in enumerate((match.base, match.candidate)):
        seen = set()
        for sample in side:
            if identity(sample) in seen:
                out[place].append(f"{sample.run}: {TWIN}")
                continue
            seen.add(identity(sample))
            different[place] += 1
            if why := unfit(sample.result) or ("" if untrusted else distrust(sample.result)):
                out[place].append(f"{sample.run}: {why}")
            else:
                kept[place].append(sample)
    if paired:
        rounds = {s.round for s in kept[0]} & {s.round for s in kept[1]}
        for place in (0, 1):
            lost = [s for s in kept[place] if s.round not in rounds]
            out[place] += [f"{s.run}: the other run of its round does not count" for s in lost]
            kept[place] = [s for s in kept[place] if s.round in rounds]
    for place in (0, 1):
        # Leaving out what was disturbed is fair; being left with less than half is luck.
        if 2 * len(kept[place]) < different[place]:
            kept[place] = []
    return tuple(kept), tuple(map(tuple, out))


def unfit(cell: CellResult) -> str:
    """Why a run has no figures at all; empty when it has."""
    if cell.window.secs is None:
        return cell.reasons[0] if cell.reasons else "its window never closed"
    return ""


def distrust(cell: CellResult) -> str:
    """Why the figures of a run cannot be trusted; empty when they can."""
    return "; ".join(cell.health.reasons)


def identity(sample: CellSample) -> tuple[object, ...]:
    """What two runs never share: when the window opened, and every figure. Runs in virtual time share
    it when they did the same."""
    cell = sample.result
    return (cell.window.begin_ns, *(METRICS[name].of(cell) for name in COMPARED))
