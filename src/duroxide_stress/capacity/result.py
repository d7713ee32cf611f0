"""What a search over a grid found, as values: `duroxide-stress/capacity/1`."""

from __future__ import annotations

import msgspec

from duroxide_stress.capacity.steps import Step

SCHEMA = "duroxide-stress/capacity/1"
KNEE = 2.0
"""The knee is the first rate whose P50 is so many times that of the lowest rate."""


class Offering(msgspec.Struct, frozen=True):
    """One step of a grid point, and what its cells said beside it."""

    step: Step
    bound_by: str
    """What held the rate, as the cell's ceiling has it."""
    recordings: tuple[str, ...]
    """Directories below the output, one a run."""
    distrust: tuple[str, ...] = ()
    """Why its figures cannot be trusted."""


class Point(msgspec.Struct, frozen=True):
    """One provider at one config."""

    scenario: str
    provider: str
    label: str
    config: str
    probe_per_sec: float | None
    """What a closed loop completed."""
    offered: tuple[Offering, ...]
    """In the order in which they were offered."""
    low: float | None
    """Its capacity: the highest rate that held, in instances a second."""
    high: float | None
    close: bool
    """Whether high is within 10 % of low."""
    stopped: str
    confirmed: bool = False
    """Whether it held in a long step: of 40 s (at least 20 where the budget left no more), or as long as
    its samples take."""
    broken: tuple[str, ...] = ()
    """Promises that were violated at any rate, the probe among them: name and where."""
    verify: str = ""
    """The words that show that 90 % of the capacity holds."""

    @property
    def by_rate(self) -> tuple[Offering, ...]:
        return tuple(sorted(self.offered, key=lambda one: one.step.rate))

    @property
    def knee(self) -> float | None:
        """The first rate whose P50 is twice the lowest rate's; null when there is none."""
        known = [(o.step.rate, o.step.p50) for o in self.by_rate if o.step.p50 is not None]
        return next((rate for rate, p50 in known if p50 >= KNEE * known[0][1]), None)

    def at(self, rate: float | None) -> Offering | None:
        """The step of that rate."""
        return next((one for one in self.offered if one.step.rate == rate), None)


class CapacityResult(msgspec.Struct, frozen=True):
    """The whole search."""

    schema: str
    slo: str
    success: float
    arrivals: str
    """`poisson` or `constant`."""
    budget_secs: float
    seed: int
    command: str
    points: tuple[Point, ...]
    interrupted: bool = False

    @property
    def best(self) -> Point | None:
        """The grid point with the highest capacity, of those that are confirmed if any is; the first of
        several alike."""
        held = [point for point in self.points if point.low is not None]
        return max(held, key=lambda point: (point.confirmed, point.low or 0.0), default=None)

    @property
    def broken(self) -> tuple[str, ...]:
        return tuple(text for point in self.points for text in point.broken)


def document(result: CapacityResult) -> str:
    """The result as indented JSON; each point also with its knee, and the best one's name."""
    whole = msgspec.to_builtins(result)
    for data, point in zip(whole["points"], result.points, strict=True):
        data["knee"] = point.knee
    best = result.best
    whole["recommended"] = best and {"provider": best.provider, "config": best.config}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
