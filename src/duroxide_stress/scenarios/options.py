"""Scenario options: an option's declaration is the only place where its default and limits live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from duroxide_stress.errors import shown, unknown_name


class Option(msgspec.Struct, frozen=True):
    """A whole number that shapes a scenario."""

    name: str
    default: int
    low: int
    high: int
    meaning: str

    def describe(self) -> str:
        """One line for `duroxide-stress list scenarios`."""
        return f"{self.name}={self.default} ({self.low} to {self.high}): {self.meaning}"


def defaults(options: Sequence[Option]) -> dict[str, int]:
    """Every option with its default."""
    return {option.name: option.default for option in options}


def problems(scenario: str, options: Sequence[Option], given: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values given for a scenario, one sentence each."""
    known = {option.name: option for option in options}
    found = []
    for name, value in given.items():
        if name not in known:
            what = f"option of {scenario}"
            found.append(
                unknown_name(what, name, known)
                if known
                else f"{scenario} has no options: {shown(name)}"
            )
            continue
        option = known[name]
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not option.low <= value <= option.high:
            found.append(
                f"{scenario}.{name} must be a whole number between {option.low} and "
                f"{option.high}, found {shown(value)}"
            )
    return found
