"""From choices to a plan. Every mistake is found before anything starts, all at once."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from duroxide_stress.errors import UsageError, shown, unknown_name
from duroxide_stress.faults.registry import timing_problems
from duroxide_stress.fitting import fitting, readable
from duroxide_stress.plan import Cell, Concurrency, Plan, StressTestConfig
from duroxide_stress.scenarios import options as options_module
from duroxide_stress.scenarios.registry import SCENARIOS, scenario_named

FLAGS: dict[str, str] = {
    "max_concurrent": "--max-concurrent",
    "duration_secs": "--duration",
    "tasks_per_instance": "--tasks",
    "activity_delay_ms": "--activity-delay-ms",
    "wait_timeout_secs": "--wait-timeout",
    "warmup_secs": "--warm-up",
    "seed": "--seed",
    "poll_interval_ms": "--poll-interval-ms",
    "canary_every_ms": "--canary-every-ms",
    "nodes": "--nodes",
    "worker_lock_timeout_ms": "--worker-lock-timeout-ms",
    "orchestrator_lock_timeout_ms": "--orchestrator-lock-timeout-ms",
    "load": "--load",
}
"""Field of StressTestConfig → flag of `run`. The two concurrencies are `--config N/M`."""

MAX_REPEAT = 1000

_OPTION = re.compile(r"([a-z][a-z-]*)\.([a-z][a-z_-]*)=(.*)", re.DOTALL)
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class Suite(msgspec.Struct, frozen=True):
    """A named set of cells."""

    summary: str
    scenarios: tuple[str, ...]
    providers: tuple[str, ...]
    configs: tuple[str, ...]
    overrides: dict[str, Any] = {}


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
    "full": Suite(
        "Every scenario on both SQLite stores at 1/1, 2/2 and 4/8, with a canary a second.",
        tuple(SCENARIOS),
        ("sqlite-memory", "sqlite-file"),
        ("1/1", "2/2", "4/8"),
        {"canary_every_ms": 1000},
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
    options: dict[str, dict[str, Any]] = {}
    """Scenario → option → value."""
    name: str | None = None
    checks: tuple[str, ...] = ()
    """Files with checks of the user's own."""
    faults: tuple[str, ...] = ()

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
    config = _config(suite, choices)
    for name in scenarios:
        attempt(problems, partial(scenario_named, name))
    faults = readable(choices.faults, problems)
    providers = fitting(choices.providers, suite.providers, faults, config, problems)
    concurrencies = _concurrencies(choices, suite, problems)
    if not 1 <= choices.repeats <= MAX_REPEAT:
        problems.append(
            f"repeat must be between 1 and {MAX_REPEAT}, found {shown(choices.repeats)}"
        )
    problems += option_problems(choices.options) or _idle_options(choices.options, scenarios)
    problems += config.problems()
    problems += [p for fault, spec in faults for p in timing_problems(fault, spec, config)]
    if "versions" in scenarios and (config.nodes > 1 or faults):
        problems.append(
            "scenario versions brings and takes nodes of its own: run it with one node and no fault"
        )
    problems += [problem for name in scenarios for problem in _lasting_problems(name, config)]
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
            options={n: v for n, v in choices.options.items() if _serves(n, scenario)},
            faults=tuple(spec.text for _, spec in faults),
        )
        for repeat in range(1, choices.repeats + 1)
        for scenario in dict.fromkeys(scenarios)
        for provider in dict.fromkeys(providers)
        for concurrency in dict.fromkeys(concurrencies)
    )
    checks = tuple(dict.fromkeys(choices.checks))
    return Plan(choices.name or choices.suite_name, cells, _command(choices), checks)


def _lasting_problems(scenario: str, config: StressTestConfig) -> list[str]:
    """A load by the clock would be offered by none of its instances."""
    known = SCENARIOS.get(scenario)
    if known is None or not known.lasting or config.load == "closed":
        return []
    return [
        f"scenario {scenario} starts as many instances as run at once and no more, so it cannot have "
        f"the load {shown(config.load)}: leave the load out, or name scenarios without it"
    ]


OPEN_LIMIT = 10_000
"""Instances in flight that a rate by the clock may reach, unless the user says otherwise."""


def _config(suite: Suite, choices: Choices) -> StressTestConfig:
    """The suite's configuration with the user's over it."""
    given = {**suite.overrides, **choices.overrides}
    if "max_concurrent" not in given and not str(given.get("load", "closed")).startswith("closed"):
        given["max_concurrent"] = OPEN_LIMIT
    return StressTestConfig(**given)


def option_problems(options: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is wrong with scenario options, one sentence each."""
    found: list[str] = []
    for name, values in options.items():
        if name in SCENARIOS:
            scenario = SCENARIOS[name]
            wrong = options_module.problems(name, scenario.options, values)
            if not wrong:
                settings = {**options_module.defaults(scenario.options), **values}
                wrong = list(filter(None, [scenario.clash(settings)]))
            found += wrong
        else:
            found.append(unknown_name("scenario", name, SCENARIOS))
    return found


def _idle_options(options: Mapping[str, Any], scenarios: Sequence[str]) -> list[str]:
    """Options of scenarios that the plan does not run, also not as a part of a mixture."""
    return [
        f"options of {name} would do nothing: the plan runs {', '.join(dict.fromkeys(scenarios))}; "
        f"add {name} to its scenarios"
        for name in options
        if name in SCENARIOS and not any(_serves(name, scenario) for scenario in scenarios)
    ]


def _serves(name: str, scenario: str) -> bool:
    """Whether options of `name` shape cells of `scenario`: its own, and in a mixture its parts'."""
    parts = {option.name for option in SCENARIOS["mixed"].options}
    return name == scenario or (scenario == "mixed" and name in parts)


def parse_option(text: str) -> tuple[str, str, int | str]:
    """Read `timers.count=50` as (scenario, option, value). Raises UsageError.

    What is no whole number, or a very long one, stays a text: the option's declaration refuses it
    with its limits.
    """
    match = _OPTION.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"option {shown(text)} is not of the form scenario.option=number, "
            "for example timers.count=50; `duroxide-stress list scenarios` has them all"
        )
    scenario, name, value = match.groups()
    return scenario, name, int(value) if _WHOLE.fullmatch(value) else value


def parse_options(texts: Sequence[str], problems: list[str]) -> dict[str, dict[str, int | str]]:
    """Scenario → option → value of all that can be read; what is wrong is added to `problems`."""
    found: dict[str, dict[str, int | str]] = {}
    for text in texts:
        try:
            scenario, name, value = parse_option(text)
        except UsageError as error:
            problems += error.problems
        else:
            found.setdefault(scenario, {})[name] = value
    return found


def single_cell_plan(config: StressTestConfig, scenario: str, provider: str) -> Plan:
    """A plan of one cell for a configuration made in code. Raises UsageError."""
    problems = config.problems()
    attempt(problems, lambda: scenario_named(scenario))
    problems += _lasting_problems(scenario, config)
    if problems:
        raise UsageError(problems)
    cell = Cell(scenario, provider, config)
    return Plan(scenario, (cell,), cell_command(cell))


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
    words += [word for fault in cell.faults for word in ("--fault", fault)]
    return shlex.join(words + _option_words(cell.options))


def _command(choices: Choices) -> str:
    words = ["duroxide-stress", "run", "--suite", choices.suite_name]
    configs = choices.configs
    if not configs and (concurrency := _concurrency_fields(choices)):
        configs = (str(concurrency),)
    for flag, values in (
        ("--scenario", choices.scenarios),
        ("--provider", choices.providers),
        ("--config", configs),
        ("--check", choices.checks),
        ("--fault", choices.faults),
    ):
        for value in values:
            words += [flag, value]
    if choices.repeats != 1:
        words += ["--repeat", str(choices.repeats)]
    overrides = {"seed": StressTestConfig().seed, **choices.overrides}
    for field, flag in FLAGS.items():
        if field in overrides:
            words += [flag, _number(overrides[field])]
    return shlex.join(words + _option_words(choices.options))


def _option_words(options: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        word
        for scenario, values in options.items()
        for name, value in values.items()
        for word in ("--option", f"{scenario}.{name}={value}")
    ]


def _number(value: float | str) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def attempt(problems: list[str], action: Callable[[], object]) -> None:
    """Do it, and collect what it finds wrong."""
    try:
        action()
    except UsageError as error:
        problems.extend(error.problems)


def _concurrencies(choices: Choices, suite: Suite, problems: list[str]) -> list[Concurrency]:
    if not choices.configs and (concurrency := _concurrency_fields(choices)):
        return [concurrency]
    found: list[Concurrency] = []
    for text in choices.configs or suite.configs:
        try:
            found.append(Concurrency.parse(text))
        except UsageError as error:
            problems += error.problems
    return found


def _concurrency_fields(choices: Choices) -> Concurrency | None:
    """The one concurrency that `orch_concurrency` and `worker_concurrency` ask for, if either does."""
    default = StressTestConfig()
    names = ("orch_concurrency", "worker_concurrency")
    if not any(name in choices.overrides for name in names):
        return None
    return Concurrency(*(choices.overrides.get(name, getattr(default, name)) for name in names))
