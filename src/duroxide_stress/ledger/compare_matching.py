"""Which cells of two sides belong together, and what makes them unlike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from duroxide_stress.errors import UsageError
from duroxide_stress.ledger.compare_sources import CellSample, Source
from duroxide_stress.ledger.entry import Machine, machine_of
from duroxide_stress.plan import StressTestConfig

Key: TypeAlias = tuple[str, ...]
DIMENSIONS = ("scenario", "provider", "config")
SOFTWARE = {
    "duroxide_stress": "versions of duroxide-stress",
    "python": "Pythons",
    "platform": "systems",
}
"""What may differ on one machine: fields of the environment, and their names for people."""
HARMLESS = {"duration_secs": "window", "warmup_secs": "warm-up", "seed": "seed"}
"""Settings that may differ: they make figures more or less sure, not other figures."""


class Match(msgspec.Struct, frozen=True):
    """One cell with its runs on both sides."""

    name: str
    base: tuple[CellSample, ...]
    candidate: tuple[CellSample, ...]
    differ: tuple[str, ...]
    """Settings that make it another load: no verdict, unless that is what is to be compared."""
    notes: tuple[str, ...]


class Matching(msgspec.Struct, frozen=True):
    """All cells that can be compared, and what cannot."""

    matches: tuple[Match, ...]
    unmatched: tuple[str, ...]
    notes: tuple[str, ...]


def match_cells(base: Source, candidate: Source, *, on_purpose: bool) -> Matching:
    """Match by scenario, provider and config. With `on_purpose`, a dimension in which each side has a
    single value and these differ (all of one on 2/2, all of the other on 4/8) is left out."""
    apart = [d for d in DIMENSIONS if on_purpose and _constant_and_unlike(d, base, candidate)]
    kept = [d for d in DIMENSIONS if d not in apart]
    sides = [_grouped(side.samples, kept) for side in (base, candidate)]
    keys = list(dict.fromkeys([*sides[0], *sides[1]]))
    both = [key for key in keys if key in sides[0] and key in sides[1]]
    alone = [
        f"{_name(sides[place][key][0])}: only in the {side}"
        for key in keys
        for place, side in enumerate(("base", "candidate"))
        if key in sides[place] and key not in sides[1 - place]
    ]
    notes = [
        f"{d} differs on purpose: {_value(base.samples[0], d)} against "
        f"{_value(candidate.samples[0], d)}"
        for d in apart
    ]
    return Matching(
        tuple(_match(sides[0][key], sides[1][key]) for key in both), tuple(alone), tuple(notes)
    )


def _match(base: Sequence[CellSample], candidate: Sequence[CellSample]) -> Match:
    differ, notes = unlike(base[0], candidate[0])
    names = list(dict.fromkeys(_name(side[0]) for side in (base, candidate)))
    ordered = [tuple(sorted(side, key=lambda s: s.round)) for side in (base, candidate)]
    return Match(" against ".join(names), ordered[0], ordered[1], differ, notes)


def unlike(base: CellSample, candidate: CellSample) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(settings that make two cells different loads, those that do not), a sentence each."""
    found: tuple[list[str], list[str]] = ([], [])
    for field in StressTestConfig.__struct_fields__:
        values = [getattr(sample.cell.config, field) for sample in (base, candidate)]
        if values[0] != values[1] and field not in ("orch_concurrency", "worker_concurrency"):
            harmless = field in HARMLESS
            name = HARMLESS.get(field, field)
            found[harmless].append(f"{name} {_shown(values[0])} against {_shown(values[1])}")
    for name, of in (
        ("options", lambda cell: cell.options),
        ("faults", lambda cell: list(cell.faults)),
    ):
        values = [of(sample.cell) for sample in (base, candidate)]
        if values[0] != values[1]:
            found[0].append(f"{name} {values[0] or 'none'} against {values[1] or 'none'}")
    # The seed differs between rounds on purpose, and between runs it only says which draws were made.
    return tuple(found[0]), tuple(note for note in found[1] if not note.startswith("seed "))


def machines_of(environments: Iterable[dict[str, Any]]) -> list[Machine]:
    """The machines of a side, each once; what makes one is what makes one in a ledger."""
    return list(dict.fromkeys(map(machine_of, environments)))


def machines_in_words(machines: Iterable[Machine]) -> str:
    """Machines for people, on one line."""
    return "; ".join(map(str, machines))


def refuse_machines(base: Source, candidate: Source, *, across: bool) -> list[str]:
    """What to say of unlike machines. Raises UsageError unless `across`."""
    sides = [machines_of(s.environment for s in side.samples) for side in (base, candidate)]
    if sides[0] == sides[1] and len(sides[0]) == 1:
        return []
    on = [machines_in_words(side) for side in sides]
    said = f"different machines: base on {on[0]}, candidate on {on[1]}"
    if not across:
        raise UsageError(
            f"{said}: their figures say more of the machines than of the engines; "
            "--across-machines compares them all the same"
        )
    return [said]


def unlike_environments(base: Source, candidate: Source) -> list[str]:
    """What differs beside the machine and may matter, a sentence each."""
    found = []
    for field, name in SOFTWARE.items():
        sides = [
            list(dict.fromkeys(str(s.environment.get(field, "unknown")) for s in side.samples))
            for side in (base, candidate)
        ]
        if sides[0] != sides[1] and all(sides):
            found.append(f"different {name}: {', '.join(sides[0])} against {', '.join(sides[1])}")
    return found


def _grouped(samples: Sequence[CellSample], kept: Sequence[str]) -> dict[Key, list[CellSample]]:
    found: dict[Key, list[CellSample]] = {}
    for sample in samples:
        key = (str(sample.place),) if sample.place else tuple(_value(sample, d) for d in kept)
        found.setdefault(key, []).append(sample)
    return found


def _constant_and_unlike(dimension: str, base: Source, candidate: Source) -> bool:
    values = [{_value(s, dimension) for s in side.samples} for side in (base, candidate)]
    return all(len(v) == 1 for v in values) and values[0] != values[1]


def _value(sample: CellSample, dimension: str) -> str:
    cell = sample.cell
    return {
        "scenario": cell.scenario,
        "provider": cell.provider,
        "config": str(cell.config.concurrency),
    }[dimension]


def _name(sample: CellSample) -> str:
    cell = sample.cell
    return f"{cell.scenario} on {sample.result.provider_label} at {cell.config.concurrency}"


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
