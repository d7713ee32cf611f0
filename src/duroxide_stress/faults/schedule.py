"""When each fault strikes, and whom: drawn from the plan's seed before anything starts.

`at` is a moment. `every` leaves between 0.75 and 1.25 of itself between two injections, the first after
a half to a whole, so that no fault falls into step with what the engine polls. With neither, a fault
strikes once in the second quarter of the window, which leaves half of it to recover in.
"""

from __future__ import annotations

import random

from duroxide_stress.faults.base import Fault, Injection
from duroxide_stress.faults.settings import Spec
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.seeds import stream

MAX_INJECTIONS = 100_000


def schedule(faults: list[tuple[Fault, Spec]], config: StressTestConfig) -> tuple[Injection, ...]:
    """All injections of a cell in the order of their times. Two cells of one configuration get the
    same, on whatever store."""
    drawn = []
    for place, (fault, spec) in enumerate(faults):
        draws = stream(config.seed, "faults", place, fault.name)
        for secs in _times(fault, spec, config, draws):
            hosts = fault.target == "host"
            target = f"host-{draws.randrange(config.nodes)}" if hosts else fault.target
            drawn.append((round(secs * 1000), place, spec, target, draws.getrandbits(32)))
    drawn.sort(key=lambda one: one[:2])
    return tuple(
        Injection(number, spec, due_ms, target, draw)
        for number, (due_ms, _, spec, target, draw) in enumerate(drawn)
    )


def _times(fault: Fault, spec: Spec, config: StressTestConfig, draws: random.Random) -> list[float]:
    window_secs = config.duration_secs
    if fault.whole:
        return [-config.warmup_secs if fault.with_load else 0.0]
    at, every = spec.secs("at"), spec.secs("every")
    if at is not None:
        return [at]
    if every is None:
        return [0.0 if fault.at_once(spec) else window_secs * draws.uniform(0.25, 0.5)]
    times: list[float] = []
    secs = every * draws.uniform(0.5, 1)
    while secs < window_secs and len(times) < MAX_INJECTIONS:
        times.append(secs)
        secs += every * draws.uniform(0.75, 1.25)
    return times
