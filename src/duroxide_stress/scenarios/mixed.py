"""Mixed Workloads: the other scenarios in one run, by weight.

    op 0: parallel   op 1: timers   op 2: parallel   op 3: sub-orchestrations   ...

The parts are dealt out in a fixed rotation that follows the weights as evenly as whole numbers allow,
so that no part is starved by chance. Each part is judged with its own figures as well as in total.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from duroxide_stress.plan import Cell
from duroxide_stress.program import Json, Program
from duroxide_stress.scenarios.base import Order, Release
from duroxide_stress.scenarios.options import Option, defaults
from duroxide_stress.scenarios.tree import TreeScenario, TreeWorkload

DEFAULT_WEIGHTS = {"parallel": 4, "timers": 2, "sub-orchestrations": 1, "failures": 1}
"""Long-running instances would outlast a mixed run, and large payloads would drown it: they have to
be asked for."""


class MixedWorkload:
    """Deals each op to a part; a part counts its own instances."""

    limit = None

    def __init__(self, parts: dict[str, TreeWorkload], weights: dict[str, int]) -> None:
        self._parts = parts
        self._rotation = rotation({name: weights[name] for name in parts})

    @cached_property
    def programs(self) -> dict[str, Program]:
        """All parts' programs; names do not clash because parts name them after themselves."""
        return {
            name: program
            for part in self._parts.values()
            for name, program in part.programs.items()
        }

    @property
    def release(self) -> Release | None:
        """The newer code that one part brings."""
        return next((p.release for p in self._parts.values() if p.release is not None), None)

    @property
    def register(self) -> None:
        return None

    def complaint(self, op: int, status: str, output: Json, error: str | None) -> None:
        return None

    def order(self, op: int) -> Order:
        """The op-th instance: the part's next one, under the cell's own number."""
        rounds, place = divmod(op, len(self._rotation))
        name = self._rotation[place]
        own = rounds * self._rotation.count(name) + self._rotation[:place].count(name)
        part = self._parts[name]
        root = part.roots[own % len(part.roots)]
        group = own // len(part.roots) % len(part.values)
        return part.make(op, root, part.values[group], f"{root}:{group}")


class MixedScenario:
    """Weights over the other scenarios."""

    name = "mixed"
    title = "Mixed Workloads"
    summary = "Several scenarios in one run, by weight."
    lasting = False

    def __init__(self, scenarios: tuple[TreeScenario, ...]) -> None:
        self._scenarios = {s.name: s for s in scenarios if not s.lasting}
        self.options = tuple(
            Option(name, DEFAULT_WEIGHTS.get(name, 0), 0, 100, f"weight of {name}")
            for name in self._scenarios
        )

    def clash(self, settings: Mapping[str, int]) -> str:
        """Something must be left to mix."""
        if any(settings.values()):
            return ""
        return "mixed needs a weight above 0 for at least one of its scenarios"

    def workload(self, cell: Cell) -> MixedWorkload:
        """The parts with a weight, each bound to the cell with its own options."""
        weights = {**defaults(self.options), **cell.options.get(self.name, {})}
        parts = {
            name: scenario.workload(cell)
            for name, scenario in self._scenarios.items()
            if weights[name]
        }
        return MixedWorkload(parts, weights)


def rotation(weights: dict[str, int]) -> tuple[str, ...]:
    """Each name as often as its weight says, spread evenly (the largest lag goes next)."""
    total = sum(weights.values())
    dealt = dict.fromkeys(weights, 0)
    order = []
    for turn in range(1, total + 1):
        name = max(weights, key=lambda n: weights[n] * turn / total - dealt[n])
        dealt[name] += 1
        order.append(name)
    return tuple(order)
