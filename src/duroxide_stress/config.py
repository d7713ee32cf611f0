"""From flags or a TOML file to a plan. Every mistake is found before anything starts, all at once."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.errors import UsageError, unknown_name
from duroxide_stress.plan import CONFIG_LIMITS, Cell, Concurrency, Plan, StressTestConfig
from duroxide_stress.providers.registry import provider_named
from duroxide_stress.scenarios.registry import scenario_named

FLAGS: dict[str, str] = {
    "max_concurrent": "--max-concurrent",
    "duration_secs": "--duration",
    "tasks_per_instance": "--tasks",
    "activity_delay_ms": "--activity-delay-ms",
    "wait_timeout_secs": "--wait-timeout",
    "warmup_secs": "--warm-up",
    "seed": "--seed",
    "poll_interval_ms": "--poll-interval-ms",
}
"""Field of StressTestConfig → flag of `run`. The two concurrencies are `--config N/M`."""

MAX_REPEAT = 1000


class Suite(msgspec.Struct, frozen=True):
    """A named set of cells."""

    summary: str
    scenarios: tuple[str, ...]
    providers: tuple[str, ...]
    configs: tuple[str, ...]
    overrides: dict[str, float] = {}


SUITES: dict[str, Suite] = {
    "standard": Suite(
        "The spec's table: parallel on both SQLite stores at 1/1 and 2/2, 10 s each.",
        ("parallel",),
        ("sqlite-memory", "sqlite-file"),
        ("1/1", "2/2"),
    ),
    "quick": Suite(
        "The standard suite with 2 s windows, for a first look and for CI.",
        ("parallel",),
        ("sqlite-memory", "sqlite-file"),
        ("1/1", "2/2"),
        {"duration_secs": 2, "warmup_secs": 1},
    ),
}


class Choices(msgspec.Struct, frozen=True):
    """What a user asked for, before it is checked. Empty means: as the suite has it."""

    suite: str | None = None
    scenarios: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    repeat: int | None = None
    overrides: dict[str, Any] = {}
    name: str | None = None

    @property
    def suite_name(self) -> str:
        return self.suite if self.suite is not None else "standard"

    @property
    def repeats(self) -> int:
        return self.repeat if self.repeat is not None else 1


def build_plan(choices: Choices) -> Plan:
    """The plan for these choices. Raises UsageError with every problem found."""
    problems: list[str] = []
    if choices.suite_name not in SUITES:
        problems.append(unknown_name("suite", choices.suite_name, SUITES))
    suite = SUITES.get(choices.suite_name, SUITES["standard"])
    scenarios = choices.scenarios or suite.scenarios
    providers = choices.providers or suite.providers
    for name in scenarios:
        _attempt(problems, lambda n=name: scenario_named(n))  # type: ignore[misc]
    for name in providers:
        _attempt(problems, lambda n=name: provider_named(n))  # type: ignore[misc]
    concurrencies = _concurrencies(choices, suite, problems)
    if not 1 <= choices.repeats <= MAX_REPEAT:
        problems.append(f"repeat must be between 1 and {MAX_REPEAT}, found {choices.repeats}")
    config = StressTestConfig(**{**suite.overrides, **choices.overrides})
    problems += config.problems()
    if problems:
        raise UsageError(problems)
    cells = tuple(
        Cell(
            scenario=scenario,
            provider=provider,
            config=msgspec.structs.replace(
                config,
                orch_concurrency=concurrency.orchestration,
                worker_concurrency=concurrency.worker,
            ),
            repeat=repeat,
        )
        for repeat in range(1, choices.repeats + 1)
        for scenario in dict.fromkeys(scenarios)
        for provider in dict.fromkeys(providers)
        for concurrency in dict.fromkeys(concurrencies)
    )
    return Plan(choices.name or choices.suite_name, cells, _command(choices))


def single_cell_plan(config: StressTestConfig, scenario: str, provider: str) -> Plan:
    """A plan of one cell for a configuration made in code. Raises UsageError."""
    problems = config.problems()
    _attempt(problems, lambda: scenario_named(scenario))
    if problems:
        raise UsageError(problems)
    cell = Cell(scenario, provider, config)
    return Plan(scenario, (cell,), cell_command(cell))


def load_plan(path: Path, flags: Choices | None = None) -> Plan:
    """The plan a TOML file describes, with `flags` laid over it.

    Raises UsageError naming every unknown key and wrong value with its line.
    """
    return build_plan(_over(_read_choices(path), flags or Choices()))


def cell_command(cell: Cell) -> str:
    """The words that repeat one cell."""
    config, default = cell.config, StressTestConfig()
    words = [
        "duroxide-stress",
        "run",
        "--scenario",
        cell.scenario,
        "--provider",
        cell.provider,
        "--config",
        str(config.concurrency),
    ]
    for field, flag in FLAGS.items():
        value = getattr(config, field)
        if value != getattr(default, field) or field == "seed":
            words += [flag, _number(value)]
    return shlex.join(words)


def _command(choices: Choices) -> str:
    words = ["duroxide-stress", "run", "--suite", choices.suite_name]
    configs = choices.configs
    if not configs and (concurrency := _concurrency_fields(choices)):
        configs = (str(concurrency),)
    for flag, values in (
        ("--scenario", choices.scenarios),
        ("--provider", choices.providers),
        ("--config", configs),
    ):
        for value in values:
            words += [flag, value]
    if choices.repeats != 1:
        words += ["--repeat", str(choices.repeats)]
    overrides = {"seed": StressTestConfig().seed, **choices.overrides}
    for field, flag in FLAGS.items():
        if field in overrides:
            words += [flag, _number(overrides[field])]
    return shlex.join(words)


def _number(value: float) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _attempt(problems: list[str], action: Callable[[], object]) -> None:
    try:
        action()
    except UsageError as error:
        problems.extend(error.problems)


def _concurrencies(choices: Choices, suite: Suite, problems: list[str]) -> list[Concurrency]:
    if not choices.configs and (concurrency := _concurrency_fields(choices)):
        return [concurrency]
    found: list[Concurrency] = []
    for text in choices.configs or suite.configs:
        _attempt(problems, lambda t=text: found.append(Concurrency.parse(t)))  # type: ignore[misc]
    return found


def _concurrency_fields(choices: Choices) -> Concurrency | None:
    """The one concurrency that `orch_concurrency` and `worker_concurrency` ask for, if either does."""
    default = StressTestConfig()
    names = ("orch_concurrency", "worker_concurrency")
    if not any(name in choices.overrides for name in names):
        return None
    return Concurrency(*(choices.overrides.get(name, getattr(default, name)) for name in names))


def _over(below: Choices, above: Choices) -> Choices:
    default = Choices()
    changed = {
        field: getattr(above, field)
        for field in Choices.__struct_fields__
        if field != "overrides" and getattr(above, field) != getattr(default, field)
    }
    overrides = {**below.overrides, **above.overrides}
    return msgspec.structs.replace(below, **changed, overrides=overrides)


# -- TOML ----------------------------------------------------------------------------------------

_TOP: dict[str, str] = {
    "suite": "a text", "scenarios": "a list of texts", "providers": "a list of texts",
    "configs": "a list of texts like \"2/2\"", "repeat": "a whole number",
    "stress": "a table",
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
    problems = [lines.at(key, unknown_name("key", key, _TOP)) for key in found if key not in _TOP]
    problems += [
        lines.at(key, f"{key} must be {_TOP[key]}, found {found[key]!r}")
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
        overrides=fit.get("stress", {}),
        name=path.stem,
    )
    problems += _name_problems(choices, lines)
    if problems:
        raise UsageError(problems)
    return choices


def _fits_top(key: str, value: object) -> bool:
    if key in ("scenarios", "providers", "configs"):
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    expected = {"suite": str, "repeat": int, "stress": dict}[key]
    return isinstance(value, expected) and not isinstance(value, bool)


def _stress_problems(stress: dict[str, Any]) -> list[tuple[str, str]]:
    whole = {f.name for f in msgspec.structs.fields(StressTestConfig) if f.type in (int, "int")}
    problems = []
    for key, value in stress.items():
        if key not in CONFIG_LIMITS:
            problems.append((key, unknown_name("key", key, CONFIG_LIMITS)))
            continue
        low, high = CONFIG_LIMITS[key]
        kind = "a whole number" if key in whole else "a number"
        number = isinstance(value, int if key in whole else int | float)
        if not number or isinstance(value, bool) or not low <= value <= high:
            problems.append(
                (key, f"{key} must be {kind} between {low:g} and {high:g}, found {value!r}")
            )
    return problems


def _name_problems(choices: Choices, lines: _Lines) -> list[str]:
    """Names and configs the registries do not know, each at the line of its list."""
    problems: list[str] = []
    if choices.suite_name not in SUITES:
        problems.append(lines.at("suite", unknown_name("suite", choices.suite_name, SUITES)))
    for key, names, check in (
        ("scenarios", choices.scenarios, scenario_named),
        ("providers", choices.providers, provider_named),
        ("configs", choices.configs, Concurrency.parse),
    ):
        for name in names:
            found: list[str] = []
            _attempt(found, lambda c=check, n=name: c(n))  # type: ignore[misc]
            problems += [lines.at(key, problem) for problem in found]
    if not 1 <= choices.repeats <= MAX_REPEAT:
        problems.append(
            lines.at("repeat", f"repeat must be between 1 and {MAX_REPEAT}, found {choices.repeat}")
        )
    return problems


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

    def at(self, key: str, problem: str, table: str = "") -> str:
        """The problem with its place before it."""
        line = self._where.get((table, key) if table else (key,)) or self._where.get((table,))
        return f"{self._path}:{line}: {problem}" if line else f"{self._path}: {problem}"


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in dotted.split("."))
