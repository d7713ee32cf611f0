"""Two sides compared: per cell and figure the change, its interval, and what can be said of it.

A verdict is `faster` or `slower` where the 95 % interval leaves 0 out, `no difference seen` where it
does not and a change of `SMALL_ENOUGH` would have been seen, and else `cannot tell`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log

import msgspec

from duroxide_stress.ledger.compare_matching import (
    Match,
    machines_in_words,
    machines_of,
    match_cells,
    refuse_machines,
    unlike_environments,
)
from duroxide_stress.ledger.compare_result import (
    SCHEMA,
    CellComparison,
    Change,
    Comparison,
    Outcome,
    Side,
    SideCell,
)
from duroxide_stress.ledger.compare_runs import (
    COMPARED,
    Measured,
    distrust,
    identity,
    measured,
    usable,
)
from duroxide_stress.ledger.compare_sources import CellSample, Source
from duroxide_stress.ledger.compare_statistics import (
    ASSUMED_NOISE,
    BUSY_NOISE,
    Interval,
    holm,
    judged,
    percent,
)
from duroxide_stress.ledger.metrics import METRICS, Metric
from duroxide_stress.verdict import Verdict, worst

RESOURCES = ("memory", "cpu")
"""Of which there is less or more, not faster or slower."""
SMALL_ENOUGH = 10.0
"""Per cent: what would have missed a change of this size has not seen that there is none."""
VIRTUAL = "reference"
"""Engines whose names begin so run in virtual time, where nothing varies from run to run."""


class Wanted(msgspec.Struct, frozen=True):
    """How to compare."""

    across_machines: bool = False
    across_settings: bool = False
    """Cells whose settings differ are compared all the same."""
    untrusted: bool = False
    """Runs count whose figures their health speaks against."""
    turns: str = ""
    """The order of runs that were made in turn: the n-th of both sides are a pair."""
    command: str = ""
    interrupted: bool = False

    @property
    def whole_command(self) -> str:
        """The words that repeat the comparison, with how it was made."""
        flags = {
            "--across-machines": self.across_machines,
            "--across-settings": self.across_settings and not self.turns,
            "--untrusted": self.untrusted,
        }
        return " ".join([self.command, *(flag for flag, given in flags.items() if given)])


class _Pair(msgspec.Struct, frozen=True):
    """The runs of one cell that count, and how they are to be compared."""

    base: list[Measured]
    candidate: list[Measured]
    paired: bool
    same: bool
    """Whether both sides are the very same runs."""

    @property
    def all(self) -> list[Measured]:
        return [*self.base, *self.candidate]

    @property
    def noise(self) -> float:
        """What a single run a side is taken to vary by from run to run."""
        if all(run.result.engine.startswith(VIRTUAL) for run in self.all):
            return 0.0
        return BUSY_NOISE if any(distrust(run.result) for run in self.all) else ASSUMED_NOISE


def compare(base: Source, candidate: Source, wanted: Wanted) -> Comparison:
    """The whole comparison. Raises UsageError for different machines, unless that is wanted."""
    warnings = refuse_machines(base, candidate, across=wanted.across_machines)
    matching = match_cells(base, candidate, on_purpose=wanted.across_settings)
    warnings += matching.notes
    warnings += unlike_environments(base, candidate)
    cells = _confirmed([_compared(match, wanted) for match in matching.matches])
    return Comparison(
        schema=SCHEMA,
        base=_side(base),
        candidate=_side(candidate),
        turns=wanted.turns,
        broken=(*_broken("base", base), *_broken("candidate", candidate)),
        warnings=tuple(warnings),
        unmatched=matching.unmatched,
        cells=tuple(cells),
        command=wanted.whole_command,
        interrupted=wanted.interrupted,
    )


def _compared(match: Match, wanted: Wanted) -> CellComparison:
    paired = bool(wanted.turns)
    kept, left_out = usable(match, paired=paired, untrusted=wanted.untrusted)
    pair = _Pair(
        base=list(map(measured, kept[0])),
        candidate=list(map(measured, kept[1])),
        paired=paired,
        same=not paired
        and bool(kept[0])
        and list(map(identity, kept[0])) == list(map(identity, kept[1])),
    )
    refusal = _refusal(match, kept, wanted)
    changes = (_change(METRICS[name], pair, refusal) for name in COMPARED)
    first = match.base[0].cell
    return CellComparison(
        name=match.name,
        scenario=first.scenario,
        provider=first.provider,
        config=str(first.config.concurrency),
        base=_side_cell(match.base, left_out[0]),
        candidate=_side_cell(match.candidate, left_out[1]),
        basis="" if refusal else _basis(pair),
        notes=tuple(_notes(match, pair)),
        changes=tuple(change for change in changes if change is not None),
    )


def _refusal(
    match: Match,
    kept: Sequence[Sequence[CellSample]],
    wanted: Wanted,
) -> str:
    """Why nothing can be told of a cell; empty when something may be."""
    if match.differ and not wanted.across_settings:
        return "different settings; --across-settings compares them all the same"
    for side, samples in zip(("base", "candidate"), kept, strict=True):
        if not samples:
            return f"the {side} has too few runs whose figures count"
    return ""


def _notes(match: Match, pair: _Pair) -> Iterator[str]:
    for what in match.differ:
        yield f"different settings: {what}"
    for what in match.notes:
        yield f"the sides differ: {what}"
    shaky = [why for run in pair.all if (why := distrust(run.result))]
    if shaky:
        yield (
            f"{len(shaky)} of {len(pair.all)} runs count though their figures are untrustworthy, the "
            f"first because {shaky[0]}"
        )
    if pair.same:
        yield "both sides are the same runs: nothing was compared with anything else"
    elif len(pair.base) == len(pair.candidate) == 1 and pair.noise:
        yield (
            "one run a side knows nothing of how runs differ from each other: the intervals are "
            f"widened by an assumed {100 * pair.noise:.0f} %; run with --repeat 3, or in turn"
        )


def _change(metric: Metric, pair: _Pair, refusal: str) -> Change | None:
    """None where no run has such a figure."""
    values = [[metric.of(run.result) for run in side] for side in (pair.base, pair.candidate)]
    means = [_geometric(side) for side in values]
    if all(value is None for side in values for value in side) and not refusal:
        return None
    blank = Change(
        metric=metric.name,
        title=metric.title,
        unit=metric.unit,
        base=means[0],
        candidate=means[1],
        change_pct=None,
        low_pct=None,
        high_pct=None,
        smallest_pct=None,
        p=None,
        outcome="cannot tell",
        why=refusal,
    )
    if refusal:
        return blank
    if means[0] is None or means[1] is None:
        return msgspec.structs.replace(blank, why="a run has no such figure, or it is 0")
    interval = judged(
        [run.sample(metric) for run in pair.base],
        [run.sample(metric) for run in pair.candidate],
        paired=pair.paired,
        noise=pair.noise,
    )
    return _told(metric, blank, interval, same=pair.same)


def _told(metric: Metric, blank: Change, interval: Interval, *, same: bool) -> Change:
    smallest = None if interval.smallest is None else percent(interval.smallest)
    if same:
        return msgspec.structs.replace(
            blank,
            change_pct=0.0,
            low_pct=0.0,
            high_pct=0.0,
            smallest_pct=smallest,
            p=1.0,
            outcome="no difference seen",
        )
    change, low, high = interval.percents
    outcome, why = _outcome(metric, interval, smallest)
    return msgspec.structs.replace(
        blank,
        change_pct=change,
        low_pct=low,
        high_pct=high,
        smallest_pct=smallest,
        p=interval.p,
        outcome=outcome,
        why=why,
    )


def _outcome(metric: Metric, interval: Interval, smallest: float | None) -> tuple[Outcome, str]:
    if interval.half is None or smallest is None:
        return "cannot tell", (
            "one run a side does not say how much it varies: repeat it"
            if metric.name in RESOURCES
            else "too few latencies, or no recording, to say how much it varies"
        )
    if abs(interval.change) > interval.half:
        more = interval.change > 0
        if metric.name in RESOURCES:
            return ("more" if more else "less"), ""
        return ("faster" if more is (metric.better == "higher") else "slower"), ""
    if smallest <= SMALL_ENOUGH:
        return "no difference seen", ""
    return "cannot tell", f"only a change of {smallest:.0f} % or more would have been seen"


def _basis(pair: _Pair) -> str:
    """What the intervals rest on, in words."""
    base, candidate = len(pair.base), len(pair.candidate)
    if pair.paired and base > 1:
        return f"{base} pairs, run in turn"
    if base == candidate == 1:
        inside = all(run.series is not None for run in pair.all)
        return "1 run against 1" + (", by what varies within their windows" if inside else "")
    return f"{base} run{'s' * (base > 1)} against {candidate}"


def _geometric(values: Sequence[float | None]) -> float | None:
    """The mean that goes with ratios; None when a value is missing or not positive."""
    known = [value for value in values if value is not None and value > 0]
    if not values or len(known) < len(values):
        return None
    return exp(sum(map(log, known)) / len(known))


def _side(source: Source) -> Side:
    environments = [sample.environment for sample in source.samples]
    tools = (str(environment.get("duroxide_stress", "")) for environment in environments)
    return Side(
        name=source.name,
        engines=_engines(source.samples),
        machine=machines_in_words(machines_of(environments)),
        tool=", ".join(dict.fromkeys(filter(None, tools))),
        verdict=worst(sample.result.verdict for sample in source.samples),
    )


def _side_cell(samples: Sequence[CellSample], left_out: tuple[str, ...]) -> SideCell:
    return SideCell(
        verdict=worst(sample.result.verdict for sample in samples),
        engines=_engines(samples),
        recordings=tuple(dict.fromkeys(f"{s.run}/{s.result.recording}" for s in samples)),
        left_out=left_out,
    )


def _engines(samples: Sequence[CellSample]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(s.result.engine for s in samples if s.result.engine))


def _broken(side: str, source: Source) -> Iterator[str]:
    """Violated promises, a sentence a run."""
    for sample in source.samples:
        cell = sample.result
        if cell.verdict is Verdict.VIOLATED:
            names = [check.name for check in cell.checks if check.verdict is Verdict.VIOLATED]
            what = ", ".join(names) or (cell.reasons[0] if cell.reasons else "violated")
            yield f"{side}: {what} ({sample.run}/{cell.recording})"


def _confirmed(cells: Sequence[CellComparison]) -> list[CellComparison]:
    """Every cell, its differences marked that stand when all figures are allowed for."""
    stands = iter(holm([change.p for cell in cells for change in cell.changes]))
    return [
        msgspec.structs.replace(
            cell,
            changes=tuple(
                msgspec.structs.replace(change, confirmed=next(stands)) for change in cell.changes
            ),
        )
        for cell in cells
    ]
