"""The orchestration functions that a scenario registers, gathered without running anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from duroxide_stress.engines.duroxide.interpreter import orchestration
from duroxide_stress.plan import Cell
from duroxide_stress.scenarios.base import FIRST_VERSION
from duroxide_stress.scenarios.registry import scenario_named

Orchestration: TypeAlias = Callable[[Any, Any], Any]
Code: TypeAlias = Mapping[tuple[str, str], Orchestration]
"""(name, version) → function."""


def code_of(cell: Cell, scenario: str | None = None) -> Code:
    """The code a cell was run with, as it is now; or another scenario's code for the same cell.

    Raises UsageError when the scenario is unknown or cannot be loaded.
    """
    if scenario is not None:
        cell = msgspec.structs.replace(cell, scenario=scenario)
    workload = scenario_named(cell.scenario).workload(cell)
    found = Registrations()
    for name, program in workload.programs.items():
        found.register_orchestration(name, orchestration(program, _nobody))
    if workload.release is not None:
        for name, program in workload.release.programs.items():
            newer = orchestration(program, _nobody)
            found.register_orchestration_versioned(name, workload.release.version, newer)
    if workload.register is not None:
        workload.register(found)
    return found.code


class Registrations:
    """A runtime to register on, that keeps the orchestrations and never runs an activity."""

    def __init__(self) -> None:
        self.code: dict[tuple[str, str], Orchestration] = {}

    def register_activity(self, name: str, fn: Orchestration | None = None) -> Any:
        """As `duroxide.Runtime.register_activity`, also as a decorator. Nothing is kept."""
        return (lambda function: function) if fn is None else fn

    def register_orchestration(self, name: str, fn: Orchestration | None = None) -> Any:
        """As `duroxide.Runtime.register_orchestration`, also as a decorator."""
        return self.register_orchestration_versioned(name, FIRST_VERSION, fn)

    def register_orchestration_versioned(
        self, name: str, version: str, fn: Orchestration | None = None
    ) -> Any:
        """As `duroxide.Runtime.register_orchestration_versioned`, also as a decorator."""
        if fn is None:
            return lambda function: self.register_orchestration_versioned(name, version, function)
        self.code[name, version] = fn
        return fn

    register_activity_typed = register_activity
    register_orchestration_typed = register_orchestration
    register_orchestration_versioned_typed = register_orchestration_versioned


def _nobody(instance: str) -> None:
    """Nobody waits for a hint here."""
