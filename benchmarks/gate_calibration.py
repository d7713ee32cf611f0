"""How often does the regression gate ring on quiet series, and how soon on a step?

Series are walked as a ledger grows: each new entry is one check. Quiet series have Gaussian noise, 3 %
outliers of 5 to 10 deviations, or an AR(1) process of 0.5; steps of 2 and 3 deviations are put on each.
Fewer such series go to this gate and to Apache Otava at its defaults (p 0.001, window 50) and at p
0.00001, where it is installed; of what Otava reports, a change point among the newest 12 entries counts
as ringing, as for this gate.

    python benchmarks/gate_calibration.py             # some minutes; with pip install apache-otava
    python benchmarks/gate_calibration.py --quick     # half a minute, wide intervals
    python benchmarks/gate_calibration.py --steps     # a minute: figures that come in steps, alone
    python benchmarks/gate_calibration.py --thresholds > src/duroxide_stress/ledger/thresholds.py

Exit code 1 when the gate rings more than once in 1,000 checks in any noise, at any length; never with
--quick, whose few series prove nothing of the kind.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duroxide_stress.ledger import thresholds
from duroxide_stress.ledger.detector import MIN_ENTRIES, NEWEST, Array, look
from duroxide_stress.ledger.gate import SETTLED, walk

Rings = NDArray[np.int8]
"""Series × entries: 1 or -1 where the newest entry rings, up or down; 0 where it is quiet."""

Detect = Callable[[Array, int], Rings]
"""What rings, asked from the so-manieth entry on."""

LEVEL, NOISE = 100.0, 5.0
SHORT, LONG = 100, 300
AFTER = (1, 2, 3, 4, 6, 10)
BATCH = 2_000
OTAVA_P = (0.001, 0.00001)
"""Its default, and what users turn it to for fewer alarms."""
TARGET = 0.0009
"""What the thresholds are simulated for: a little less than the one in 1,000 that is promised."""
PROMISED = 0.001


def gaussian(rng: np.random.Generator, rows: int, entries: int) -> Array:
    return rng.standard_normal((rows, entries))


def outliers(rng: np.random.Generator, rows: int, entries: int) -> Array:
    """3 % of the entries are 5 to 10 deviations off, to either side."""
    wild = rng.choice([-1.0, 1.0], (rows, entries)) * rng.uniform(5, 10, (rows, entries))
    return np.where(rng.random((rows, entries)) < 0.03, wild, rng.standard_normal((rows, entries)))


def correlated(phi: float) -> Callable[[np.random.Generator, int, int], Array]:
    """An AR(1) process of deviation 1, begun in its stationary state."""

    def draw(rng: np.random.Generator, rows: int, entries: int) -> Array:
        values = rng.standard_normal((rows, entries))
        for at in range(1, entries):
            values[:, at] = phi * values[:, at - 1] + np.sqrt(1 - phi**2) * values[:, at]
        return values

    return draw


def rounded(ratio: float) -> Callable[[np.random.Generator, int, int], Array]:
    """Gaussian figures that come in steps, as a count in a short window does; the deviation is so much
    of a step, and the level lies anywhere between two."""

    def draw(rng: np.random.Generator, rows: int, entries: int) -> Array:
        between = rng.uniform(-0.5, 0.5, (rows, 1))
        return np.round(ratio * rng.standard_normal((rows, entries)) + between) / ratio

    return draw


NOISES = {
    "Gaussian": gaussian,
    "3 % outliers": outliers,
    "AR(1) 0.5": correlated(0.5),
}
BETWEEN = {"AR(1) 0.15": correlated(0.15), "AR(1) 0.3": correlated(0.3)}
"""Thresholds are simulated for these too: a weak correlation is the harder one to see."""
ROUNDED = {f"steps, sigma {r:g} of one": rounded(r) for r in (0.15, 0.25, 0.4, 0.7, 1.0, 1.5)}
ALL = {**NOISES, **BETWEEN, **ROUNDED}


def gate_rings(series: Array, begin: int) -> Rings:
    """The gate at every entry of every series, as `gate.walk` says it; it must walk from the first."""
    rings = np.zeros(series.shape, dtype=np.int8)
    lasted = np.zeros(len(series), dtype=bool)
    since = np.full(len(series), series.shape[1])
    for end in range(MIN_ENTRIES, series.shape[1] + 1):
        found = look(series[:, :end])
        for row in np.flatnonzero(np.abs(found.score) > 1):
            after = np.median(series[row, end - found.length[row] : end])
            if (after - found.level[row]) * found.score[row] > 0:
                rings[row, end - 1] = np.sign(found.score[row])
        goes_on = rings[:, end - 1] != 0
        since = np.where(goes_on, np.minimum(since, end - found.length), series.shape[1])
        lasted |= end - since >= SETTLED
    for row in np.flatnonzero(lasted):  # few: a change was accepted, and the walk went on from it
        for at, change, _ in walk(series[row], least=0.0):
            rings[row, at] = 0 if change is None else 1 if change.up else -1
    return rings


def otava(values: Array, p: float) -> list[Any]:
    """The change points that Otava reports at its defaults but for p, whose default is 0.001."""
    from otava.analysis import compute_change_points

    points, _ = compute_change_points(values.tolist(), window_len=50, max_pvalue=p)
    return list(points)


def otava_rings(p: float) -> Detect:
    """Otava at every entry: does it report a change among the newest?"""

    def detect(series: Array, begin: int) -> Rings:
        rings = np.zeros(series.shape, dtype=np.int8)
        for row, values in enumerate(series):
            for end in range(begin, len(values) + 1):
                fresh = [x for x in otava(values[:end], p) if x.index >= end - NEWEST]
                if fresh:
                    stats = fresh[-1].stats
                    rings[row, end - 1] = 1 if stats.mean_2 > stats.mean_1 else -1
        return rings

    return detect


def drawn(kind: str, seed: int, rows: int, entries: int) -> Iterator[Array]:
    """Series in batches, the same for whoever asks with the same seed."""
    for number, begin in enumerate(range(0, rows, BATCH)):
        rng = np.random.default_rng([seed, number])
        yield LEVEL + NOISE * ALL[kind](rng, min(BATCH, rows - begin), entries)


def false_alarms(name: str, detect: Detect, rows: int, entries: int) -> float:
    """Print how often quiet series ring; returns the highest rate of the three."""
    highest = 0.0
    print(f"\n{name}: quiet series, {rows:,} of {entries} entries each noise")
    print("| noise | checks | alarms per 1,000 checks (95 %) | new ones | of 100 entries, ever |")
    print("|---|---|---|---|---|")
    for kind in NOISES:
        rings = np.concatenate([detect(s, MIN_ENTRIES) != 0 for s in drawn(kind, 1, rows, entries)])
        looked = rings[:, MIN_ENTRIES - 1 :]
        each = looked.mean(axis=1)
        rate = float(each.mean())
        error = (
            1.96 * float(each.std(ddof=1)) / np.sqrt(rows)
        )  # series, not checks, are independent
        new = float((looked[:, 1:] & ~looked[:, :-1]).mean())
        ever = float(rings[:, :SHORT].any(axis=1).mean())
        print(
            f"| {kind} | {looked.size:,} | {1000 * rate:.2f} "
            f"({1000 * max(0.0, rate - error):.2f} to {1000 * (rate + error):.2f}) "
            f"| {1000 * new:.2f} | {100 * ever:.1f} % |",
            flush=True,
        )
        highest = max(highest, rate)
    return highest


BANDS = ((12, 20), (21, 30), (31, 45), (46, 60), (61, 100), (101, 130))


def by_length(rows: int, kinds: Sequence[str] = tuple(ALL)) -> float:
    """Print how often series of each length ring; returns the highest of the rates."""
    print(f"\nThis gate: alarms per 1,000 checks by the length of the series, {rows:,} series each")
    print("| noise | " + " | ".join(f"{a} to {b}" for a, b in BANDS) + " |")
    print("|---|" + "---|" * len(BANDS))
    highest = 0.0
    for kind in kinds:
        rings = [gate_rings(s, MIN_ENTRIES) != 0 for s in drawn(kind, 3, rows, BANDS[-1][1])]
        rates = np.concatenate(rings).mean(axis=0)
        shown = [float(rates[a - 1 : b].mean()) for a, b in BANDS]
        print(
            f"| {kind} | " + " | ".join(f"{1000 * rate:.2f}" for rate in shown) + " |", flush=True
        )
        highest = max(highest, *shown)
    return highest


def power(name: str, detect: Detect, rows: int, before: int) -> None:
    """Print how soon steps ring, to the side they went."""
    print(f"\n{name}: a step after {before} quiet entries, {rows:,} series; share seen within")
    print("| noise | step | " + " | ".join(f"{n}" for n in AFTER) + " new entries |")
    print("|---|---|" + "---|" * len(AFTER))
    for kind in NOISES:
        for step in (2, 3):
            seen = []
            for series in drawn(kind, 2, rows, before + max(AFTER)):
                series[:, before:] += step * NOISE
                seen.append(detect(series, before + 1)[:, before:] > 0)
            hits = np.concatenate(seen)
            shares = [f"{100 * hits[:, :n].any(axis=1).mean():.0f} %" for n in AFTER]
            print(f"| {kind} | {step} sigma | " + " | ".join(shares) + " |", flush=True)


def simulated(entries: int, rows: int) -> float:
    """The threshold that the worst of the noises passes at the target's rate."""
    passed = []
    for number, draw in enumerate(ALL.values()):
        scores = [
            np.abs(look(draw(np.random.default_rng([entries, number, part]), BATCH, entries)).score)
            for part in range(rows // BATCH)
        ]
        passed.append(np.quantile(np.concatenate(scores), 1 - TARGET))
    return float(max(passed)) * thresholds.threshold(entries)


LENGTHS = (*range(MIN_ENTRIES, 37), 38, 40, 42, 45, 48, 52, 56, 60, 66, 72, 80, 90, 100, 112)


def print_thresholds(rows: int) -> None:
    """The module `ledger/thresholds.py`, made anew."""
    source = Path(thresholds.__file__).read_text(encoding="utf-8")
    head, rest = source.split("= (\n", 1)
    _, tail = rest.split("\n)\n", 1)
    pairs = "\n".join(f"    ({n}, {simulated(n, rows):.3f})," for n in LENGTHS)
    print(f"{head}= (\n{pairs}\n)\n{tail}", end="")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer series")
    parser.add_argument("--thresholds", action="store_true", help="print the table of thresholds")
    parser.add_argument(
        "--steps", action="store_true", help="only series that come in steps, by their length"
    )
    given = parser.parse_args(words)
    if given.thresholds:
        print_thresholds(40_000 if given.quick else 400_000)
        return 0
    began = time.monotonic()
    rows = 400 if given.quick else 10_000
    if given.steps:
        rate = by_length(rows if given.quick else 2 * rows, tuple(ROUNDED))
        print(f"\n{time.monotonic() - began:.0f} s")
        return int(rate > PROMISED and not given.quick)
    rate = false_alarms("This gate", gate_rings, rows, LONG)
    rate = max(rate, by_length(rows if given.quick else 4 * rows))
    for before in (50, 100):
        power("This gate", gate_rings, rows // 4, before)
    if _has_otava():
        few = 10 if given.quick else 300
        compared = {
            "This gate, on the series that Otava is given": gate_rings,
            **{f"Otava at p {p:g}": otava_rings(p) for p in OTAVA_P},
        }
        for name, detect in compared.items():
            false_alarms(name, detect, few, SHORT)
            for before in (50, 100):
                power(name, detect, 2 * few, before)
        for kind in NOISES:
            whole = next(drawn(kind, 1, 5 * few, SHORT))
            share = 100 * np.mean([bool(otava(values, OTAVA_P[0])) for values in whole])
            print(f"Otava asked once for {SHORT} entries, {kind}: {share:.1f} % alarm")
    print(f"\n{time.monotonic() - began:.0f} s")
    return int(rate > PROMISED and not given.quick)


def _has_otava() -> bool:
    try:
        import otava.analysis  # noqa: F401 - is it there?
    except ImportError:
        print("\nApache Otava is not installed: pip install apache-otava for its figures")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
