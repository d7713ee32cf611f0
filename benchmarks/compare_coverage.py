"""How often `compare` is right, on runs whose true difference is known.

    python benchmarks/compare_coverage.py [--pairs 1000] [--seed 1] [--memory 0.5]

A made-up engine keeps 20 instances in flight for 10 s. A latency is log-normal with 1 % outliers
that take three times as long, times a speed that wanders within the run (autocorrelated over half a
second), times a factor of the run's own (run-to-run noise), times a factor that the machine has in both
runs of a round. The candidate's latencies are all longer by the effect; so every figure's true change is
known. Printed for each plan of runs and each figure: the share of intervals that hold the true change
(A/A and with an effect of 10 %), of A/A figures called different, of true 10 % slowdowns called slower,
and of whole A/A comparisons in which anything is confirmed (Holm).
"""

from __future__ import annotations

import argparse
import heapq
from math import log
from typing import Any

import numpy as np

from duroxide_stress.ledger.compare_series import Series
from duroxide_stress.ledger.compare_statistics import ASSUMED_NOISE, Sample, holm, judged, within

METRICS = ("throughput", "mean", "p50", "p95", "p99")
SECS, FLIGHT, MEAN_MS = 10.0, 20, 400.0
GRID_SECS, MEMORY_SECS, WANDER = 0.1, 0.5, 0.08
ROUND_NOISE = 0.05
PLANS = (
    # name, runs a side, in turn, run-to-run noise, noise that compare is told
    ("1 run a side, no run-to-run noise (virtual time)", 1, False, 0.0, 0.0),
    ("1 run a side, run-to-run noise 5 % (assumed 5 %)", 1, False, 0.05, ASSUMED_NOISE),
    ("3 runs a side, no run-to-run noise", 3, False, 0.0, ASSUMED_NOISE),
    ("3 runs a side, run-to-run noise 3 %", 3, False, 0.03, ASSUMED_NOISE),
    ("4 rounds in turn, run-to-run noise 3 %", 4, True, 0.03, ASSUMED_NOISE),
    ("8 rounds in turn, run-to-run noise 3 %", 8, True, 0.03, ASSUMED_NOISE),
)


def run(rng: np.random.Generator, factor: float, memory_secs: float) -> Series:
    """One window of a closed loop, after two seconds of warm-up."""
    steps = int((SECS + 6) / GRID_SECS)
    keep = np.exp(-GRID_SECS / memory_secs)
    shocks = rng.normal(0, WANDER * np.sqrt(1 - keep**2), steps)
    wander = [float(rng.normal(0, WANDER))]
    for shock in shocks:
        wander.append(keep * wander[-1] + shock)
    count = int(FLIGHT * (SECS + 4) / (MEAN_MS / 1000) * 2)
    noise = rng.normal(0, 0.25, count)
    slow = np.where(rng.random(count) < 0.01, 3.0, 1.0)
    slots = [float(x) for x in rng.uniform(0, 0.4, FLIGHT)]
    heapq.heapify(slots)
    due, ended = [], []
    for number in range(count):
        at = heapq.heappop(slots)
        if at > SECS + 2:
            break
        speed = np.exp(wander[min(int(at / GRID_SECS), steps)] + noise[number]) * slow[number]
        end = at + round(MEAN_MS * factor * speed) / 1000
        due.append(at - 2)
        ended.append(end - 2)
        heapq.heappush(slots, end)
    inside = [(d, e) for d, e in zip(due, ended, strict=True) if 0 <= d < SECS]
    return Series(
        secs=SECS,
        ended_secs=tuple(e for e in ended if 0 <= e < SECS),
        due_secs=tuple(d for d, _ in inside),
        latency_ms=tuple((e - d) * 1000 for d, e in inside),
    )


def samples(series: Series) -> dict[str, Sample]:
    """The figures of a run, as a judged cell has them."""
    ordered = np.sort(np.asarray(series.latency_ms))
    found = {
        "throughput": len(series.ended_secs) / series.secs,
        "mean": float(ordered.mean()),
        **{
            name: float(ordered[int(np.ceil(share * ordered.size)) - 1])
            for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        },
    }
    return {name: Sample(log(value), within(series, name)) for name, value in found.items()}


def trial(rng: np.random.Generator, plan: Any, effect: float, memory_secs: float) -> dict[str, Any]:
    """One comparison: metric → its interval."""
    _, runs, paired, noise, told = plan
    sides: list[list[dict[str, Sample]]] = [[], []]
    for _ in range(runs):
        shared = rng.normal(0, ROUND_NOISE) if paired else 0.0
        for side, true in zip(sides, (0.0, effect), strict=True):
            factor = float(np.exp(shared + rng.normal(0, noise) + true))
            side.append(samples(run(rng, factor, memory_secs)))
    return {
        metric: judged(
            [s[metric] for s in sides[0]],
            [s[metric] for s in sides[1]],
            paired=paired,
            noise=told,
        )
        for metric in METRICS
    }


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser()
    words.add_argument("--pairs", type=int, default=1000)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument(
        "--memory", type=float, default=MEMORY_SECS, help="Seconds over which the speed wanders."
    )
    words.add_argument("--plans", default="", help="Only plans whose name begins so.")
    given = words.parse_args()
    ten = log(1.10)
    for plan in PLANS:
        if not plan[0].startswith(given.plans):
            continue
        rng = np.random.default_rng(given.seed)
        same = [trial(rng, plan, 0.0, given.memory) for _ in range(given.pairs)]
        slow = [trial(rng, plan, ten, given.memory) for _ in range(given.pairs)]
        print(f"\n{plan[0]} ({given.pairs} comparisons each)")
        print("| Figure | Holds (A/A) | Holds (10 %) | A/A called different | 10 % found | "
              "Could see (median) | No interval |")  # fmt: skip
        print("|---|---|---|---|---|---|---|")
        for metric in METRICS:
            print(_row(metric, [t[metric] for t in same], [t[metric] for t in slow], ten))
        families = sum(any(holm([t[m].p for m in METRICS])) for t in same)
        print(f"A/A comparisons with anything confirmed: {100 * families / len(same):.1f} %")


def _row(metric: str, same: list[Any], slow: list[Any], ten: float) -> str:
    sign = -1 if metric == "throughput" else 1
    known = [[x for x in found if x.half is not None] for found in (same, slow)]
    missing = len(same) + len(slow) - len(known[0]) - len(known[1])
    if not all(known):
        return f"| {metric} | - | - | - | - | - | {missing} |"
    shares = (
        np.mean([abs(x.change) <= x.half for x in known[0]]),
        np.mean([abs(x.change - sign * ten) <= x.half for x in known[1]]),
        np.mean([abs(x.change) > x.half for x in known[0]]),
        np.mean([sign * x.change > x.half for x in known[1]]),
    )
    smallest = float(np.median([np.expm1(x.smallest) for x in known[0]]))
    figures = " | ".join(f"{100 * share:.1f} %" for share in shares)
    return f"| {metric} | {figures} | {100 * smallest:.1f} % | {missing} |"


if __name__ == "__main__":
    main()
