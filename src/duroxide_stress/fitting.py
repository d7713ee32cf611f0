"""What a plan's faults and nodes allow: which of them can be read, and on which providers they fit."""

from __future__ import annotations

from collections.abc import Sequence

from duroxide_stress.errors import UsageError
from duroxide_stress.faults.base import Fault
from duroxide_stress.faults.registry import misfit, read_fault
from duroxide_stress.faults.settings import Spec
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.providers.base import Provider
from duroxide_stress.providers.registry import provider_named


def readable(texts: Sequence[str], problems: list[str]) -> list[tuple[Fault, Spec]]:
    """The faults that can be read, and done on this machine; what is wrong with the others is added to
    `problems`."""
    found: list[tuple[Fault, Spec]] = []
    for text in dict.fromkeys(texts):
        try:
            found.append(read_fault(text))
        except UsageError as error:
            problems += error.problems
    if sum(fault.name == "crash" for fault, _ in found) > 1:
        problems.append("a cell can have one crash: give one of them")
    for fault, spec in found:
        if why := fault.unavailable():
            problems.append(f"fault {spec.text} cannot be done here: {why}")
    return found


def fitting(
    named: Sequence[str],
    of_suite: Sequence[str],
    faults: Sequence[tuple[Fault, Spec]],
    config: StressTestConfig,
    problems: list[str],
) -> tuple[str, ...]:
    """The providers of a plan: those that were named, which must all fit; else those of the suite that
    nodes and faults allow; where none of these does, the first that all faults are made for."""
    fit: list[str] = []
    unfit: list[str] = []
    for name in named or of_suite:
        try:
            reasons = misfits(name, provider_named(name), faults, config)
        except UsageError as error:
            problems += error.problems
            continue
        unfit += reasons
        fit += [] if reasons else [name]
    if named:
        problems += unfit
    elif not fit:
        made_for = [fault.stores for fault, _ in faults if fault.stores]
        fit = [n for n in made_for[0] if all(n in s for s in made_for)][:1] if made_for else []
        problems += [] if fit else unfit
    return tuple(fit)


def misfits(
    name: str,
    provider: Provider,
    faults: Sequence[tuple[Fault, Spec]],
    config: StressTestConfig,
) -> list[str]:
    """Why the provider that goes by this name does not fit."""
    found = [
        f"fault {spec.text} cannot strike {name}: {why}"
        for fault, spec in faults
        if (why := misfit(fault, provider))
    ]
    if config.nodes > 1 and not provider.shared and provider.engine != "reference":
        found.append(
            f"{config.nodes} nodes cannot serve {name}: its store lives and dies with one process"
        )
    return found
