"""Plans as TOML files. Every mistake in a file is reported at once, each with its line."""

from __future__ import annotations

import os
import re
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.arrivals import read_arrivals
from duroxide_stress.config import (
    MAX_REPEAT,
    SUITES,
    Choices,
    attempt,
    build_plan,
    option_problems,
)
from duroxide_stress.errors import UsageError, shown, unknown_name
from duroxide_stress.faults.registry import read_fault
from duroxide_stress.plan import CONFIG_LIMITS, Concurrency, Plan, StressTestConfig
from duroxide_stress.providers.registry import provider_named
from duroxide_stress.scenarios.registry import SCENARIOS, scenario_named


def load_plan(path: Path, flags: Choices | None = None) -> Plan:
    """The plan a TOML file describes, with `flags` laid over it.

    Raises UsageError naming every unknown key and wrong value with its line.
    """
    return build_plan(_over(_read_choices(path), flags or Choices()))


def ledger_named_in(path: Path | None) -> Path | None:
    """The ledger that a plan file, which was loaded before, names; None where it names none."""
    if path is None:
        return None
    named = tomllib.loads(path.read_text(encoding="utf-8")).get("ledger")
    return path.parent / named if named else None


def _over(below: Choices, above: Choices) -> Choices:
    default = Choices()
    changed = {
        field: getattr(above, field)
        for field in Choices.__struct_fields__
        if field not in ("overrides", "options")
        and getattr(above, field) != getattr(default, field)
    }
    overrides = {**below.overrides, **above.overrides}
    options = {
        scenario: {**below.options.get(scenario, {}), **above.options.get(scenario, {})}
        for scenario in {**below.options, **above.options}
    }
    return msgspec.structs.replace(below, **changed, overrides=overrides, options=options)


_TOP: dict[str, str] = {
    "suite": "a text", "scenarios": "a list of texts", "providers": "a list of texts",
    "configs": "a list of texts like \"2/2\"", "repeat": "a whole number",
    "faults": "a list of texts like \"kill:every=2s\"",
    "checks": "a list of texts, files that lie relative to this one",
    "ledger": "a text, a directory that lies relative to this file",
    "stress": "a table", "options": "a table of tables, one a scenario",
}  # fmt: skip


def _read_choices(path: Path) -> Choices:
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    # ValueError is what bad TOML, bad UTF-8 and a number of 5,000 digits have in common.
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {' '.join(str(error).split())}") from error
    lines = _Lines(path, text)
    problems = [lines.at(key, _unknown(key)) for key in found if key not in _TOP]
    problems += [
        lines.at(key, f"{key} must be {_TOP[key]}, found {shown(found[key])}")
        for key in found
        if key in _TOP and not _fits_top(key, found[key])
    ]
    stress = found.get("stress", {})
    if isinstance(stress, dict):
        problems += [lines.at(key, problem, "stress") for key, problem in _stress_problems(stress)]
    fit = {key: value for key, value in found.items() if key in _TOP and _fits_top(key, value)}
    choices = Choices(
        suite=fit.get("suite"),
        scenarios=tuple(fit.get("scenarios", ())),
        providers=tuple(fit.get("providers", ())),
        configs=tuple(fit.get("configs", ())),
        repeat=fit.get("repeat"),
        faults=tuple(fit.get("faults", ())),
        overrides=fit.get("stress", {}),
        options=fit.get("options", {}),
        name=os.fsencode(path.stem).decode(errors="replace"),
        checks=tuple(str(path.parent / check) for check in fit.get("checks", ())),
    )
    problems += _name_problems(choices, lines)
    if problems:
        raise UsageError(problems)
    return choices


def _unknown(key: str) -> str:
    if key in (*CONFIG_LIMITS, "load"):
        return f"{key} belongs into the table [stress]"
    return unknown_name("key", key, _TOP)


def _fits_top(key: str, value: object) -> bool:
    if key in ("scenarios", "providers", "configs", "faults", "checks"):
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if key == "options":
        return isinstance(value, dict) and all(isinstance(v, dict) for v in value.values())
    if key == "ledger":
        return isinstance(value, str) and bool(value.strip()) and "\0" not in value
    expected = {"suite": str, "repeat": int, "stress": dict}[key]
    return isinstance(value, expected) and not isinstance(value, bool)


def _stress_problems(stress: dict[str, Any]) -> list[tuple[str, str]]:
    whole = {f.name for f in msgspec.structs.fields(StressTestConfig) if f.type in (int, "int")}
    problems = []
    for key, value in stress.items():
        if key == "load":
            problems += [(key, problem) for problem in _load_problems(value)]
            continue
        if key not in CONFIG_LIMITS:
            top = f"{key} belongs to the top of the file, before any table"
            problems.append(
                (key, top if key in _TOP else unknown_name("key", key, [*CONFIG_LIMITS, "load"]))
            )
            continue
        low, high = CONFIG_LIMITS[key]
        kind = "a whole number" if key in whole else "a number"
        number = isinstance(value, int if key in whole else int | float)
        if not number or isinstance(value, bool) or not low <= value <= high:
            problems.append(
                (key, f"{key} must be {kind} between {low} and {high}, found {shown(value)}")
            )
    return problems


def _load_problems(value: object) -> list[str]:
    found: list[str] = []
    if isinstance(value, str):
        attempt(found, lambda: read_arrivals(value))
        return found
    return [f'load must be a text like "constant:50/s", found {shown(value)}']


def _name_problems(choices: Choices, lines: _Lines) -> list[str]:
    """Names and configs the registries do not know, each at the line of its list."""
    problems: list[str] = []
    if choices.suite_name not in SUITES:
        problems.append(lines.at("suite", unknown_name("suite", choices.suite_name, SUITES)))
    for key, names, check in (
        ("scenarios", choices.scenarios, scenario_named),
        ("providers", choices.providers, provider_named),
        ("configs", choices.configs, Concurrency.parse),
        ("faults", choices.faults, read_fault),
    ):
        for name in names:
            found: list[str] = []
            attempt(found, partial(check, name))
            problems += [lines.at(key, problem) for problem in found]
    if choices.checks:
        from duroxide_stress.checks.own import check_problems

        problems += [lines.at("checks", problem) for problem in check_problems(choices.checks)]
    for scenario, values in choices.options.items():
        problems += _option_problems(scenario, values, lines)
    if not 1 <= choices.repeats <= MAX_REPEAT:
        problems.append(
            lines.at(
                "repeat",
                f"repeat must be between 1 and {MAX_REPEAT}, found {shown(choices.repeat)}",
            )
        )
    return problems


def _option_problems(scenario: str, values: dict[str, Any], lines: _Lines) -> list[str]:
    """Each at the line of its option; what is wrong with a scenario's options together at its table."""
    if scenario not in SCENARIOS:
        return [lines.at(scenario, p, "options") for p in option_problems({scenario: values})]
    places = {
        problem: name
        for name, value in values.items()
        for problem in option_problems({scenario: {name: value}})
    }
    return [
        lines.at(places[problem], problem, "options", scenario)
        if problem in places
        else lines.at(scenario, problem, "options")
        for problem in option_problems({scenario: values})
    ]


class _Lines:
    """Where each key stands; `tomllib` does not say. Good to the line for keys at a line's start."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._where: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in enumerate(text.splitlines(), 1):
            if header := re.match(r"\s*\[+\s*([\w.\"'-]+)\s*\]+", line):
                table = names = _parts(header.group(1))
            elif key := re.match(r"\s*([\w.\"'-]+)\s*=", line):
                names = (*table, *_parts(key.group(1)))
            else:
                continue
            for depth in range(1, len(names) + 1):
                self._where.setdefault(names[:depth], number)

    def at(self, key: str, problem: str, *tables: str) -> str:
        """The problem with its place before it: the key's line, or that of its table."""
        path = (*tables, key)
        known = (path[:depth] for depth in range(len(path), 0, -1) if path[:depth] in self._where)
        line = self._where.get(next(known, ()))
        return f"{self._path}:{line}: {problem}" if line else f"{self._path}: {problem}"


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in dotted.split("."))
