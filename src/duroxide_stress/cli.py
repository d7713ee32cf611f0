"""The command line: run, plan, list, check, report. Every user error is a sentence and exit code 2."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from rich.console import Console

from duroxide_stress import __version__
from duroxide_stress.cli_options import (
    Config,
    Delay,
    Duration,
    FailOn,
    FailOnOption,
    JsonPath,
    MaxConcurrent,
    Option,
    PlanFile,
    PollInterval,
    Provider,
    Repeat,
    RunDirectory,
    Scenario,
    Seed,
    Suite,
    Tasks,
    WaitTimeout,
    WarmUp,
)
from duroxide_stress.errors import RunError, StressError, UsageError, unknown_name
from duroxide_stress.redaction import redact
from duroxide_stress.reports.text import printable
from duroxide_stress.result import RunResult
from duroxide_stress.verdict import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNKNOWN,
    Verdict,
    exit_code,
    worst,
)

if TYPE_CHECKING:
    from duroxide_stress.scenarios.base import Scenario as Scenarios

app = typer.Typer(
    name="duroxide-stress",
    help="Stress tests for durable-execution engines, first of all Duroxide.\n\n"
    "Exit codes: 0 ok, 1 a promise violated, 2 usage, 3 unknown (nothing proven), "
    "4 a target missed (only with --fail-on targets), 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def run(
    plan_file: PlanFile = None,
    suite: Suite = None,
    scenario: Scenario = [],
    provider: Provider = [],
    config: Config = [],
    option: Option = [],
    duration: Duration = None,
    max_concurrent: MaxConcurrent = None,
    tasks: Tasks = None,
    activity_delay_ms: Delay = None,
    wait_timeout: WaitTimeout = None,
    warm_up: WarmUp = None,
    poll_interval_ms: PollInterval = None,
    seed: Seed = None,
    repeat: Repeat = None,
    out: Annotated[
        Path | None, typer.Option(help="Recording directory, new or empty [default: dated].")
    ] = None,
    json: JsonPath = None,
    keep_store: Annotated[
        bool, typer.Option("--keep-store", help="Leave the stores and print where they are.")
    ] = False,
    fail_on: FailOnOption = FailOn.PROMISES,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the result.")] = False,
) -> None:
    """Run a plan, judge it, print the table."""
    from duroxide_stress.api import check_recording
    from duroxide_stress.cli_display import Interrupts, LiveDisplay, QuietDisplay, prints_aside
    from duroxide_stress.runner import prepare_directory, run_plan

    plan = _plan(plan_file, locals())
    _refuse_json_path(json)
    directory = prepare_directory(out, plan)
    console = Console(stderr=True)
    with Interrupts() as interrupts:
        live = console.is_terminal and not quiet
        display = (LiveDisplay if live else QuietDisplay)(interrupts, console)
        with closing(display), prints_aside(directory / "output.log"):
            run_plan(plan, directory, observer=display, keep_store=keep_store)
        interrupted = interrupts.asked  # a Ctrl-C from here on comes too late to cut anything off
        result = check_recording(directory)
    _show(result, directory, json)
    if interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    _leave(result, fail_on)


@app.command()
def plan(
    plan_file: PlanFile = None,
    suite: Suite = None,
    scenario: Scenario = [],
    provider: Provider = [],
    config: Config = [],
    option: Option = [],
    duration: Duration = None,
    max_concurrent: MaxConcurrent = None,
    tasks: Tasks = None,
    activity_delay_ms: Delay = None,
    wait_timeout: WaitTimeout = None,
    warm_up: WarmUp = None,
    poll_interval_ms: PollInterval = None,
    seed: Seed = None,
    repeat: Repeat = None,
) -> None:
    """Print what `run` would do with the same words, and for how long."""
    _say(_plan(plan_file, locals()).describe() + "\n")


@app.command(name="list")
def list_names(
    kind: Annotated[str, typer.Argument(help="scenarios, providers, checks or suites.")] = "all",
) -> None:
    """List what can be named."""
    from duroxide_stress.checks.registry import CHECKS
    from duroxide_stress.config import SUITES
    from duroxide_stress.providers.registry import provider_names
    from duroxide_stress.scenarios.registry import SCENARIOS

    kinds: dict[str, dict[str, str]] = {
        "scenarios": {name: _with_options(s) for name, s in SCENARIOS.items()},
        "providers": {name: _label(name) for name in provider_names()},
        "checks": {name: c.promise for name, c in CHECKS.items()},
        "suites": {name: s.summary for name, s in SUITES.items()},
    }
    if kind != "all" and kind not in kinds:
        raise UsageError(unknown_name("kind", kind, [*kinds, "all"]))
    lines = []
    for title, names in kinds.items():
        if kind in (title, "all"):
            lines.append(f"{title}:")
            wide = max(map(len, names))
            lines += [f"  {name:<{wide}}  {summary}" for name, summary in names.items()]
    _say("\n".join(lines) + "\n")


@app.command()
def check(
    run_directory: RunDirectory, json: JsonPath = None, fail_on: FailOnOption = FailOn.PROMISES
) -> None:
    """Judge a recording again; the exit code is the verdict's. Needs no engine."""
    from duroxide_stress.api import check_recording

    result = check_recording(run_directory)
    _show(result, run_directory, json)
    _leave(result, fail_on)


@app.command()
def report(run_directory: RunDirectory, json: JsonPath = None) -> None:
    """Print a recording's table; exit code 0 whatever the verdict. Needs no engine."""
    from duroxide_stress.api import check_recording

    _show(check_recording(run_directory), run_directory, json)


def _label(name: str) -> str:
    from duroxide_stress.providers.registry import provider_named

    try:
        return provider_named(name).label
    except UsageError as error:  # an installed package's provider may be broken
        return str(error)


def _with_options(scenario: Scenarios) -> str:
    described = [f"\n      {scenario.name}.{o.describe()}" for o in scenario.options]
    return scenario.summary + "".join(described)


def _version(wanted: bool) -> None:
    if wanted:
        _say(f"duroxide-stress {__version__}\n")
        raise typer.Exit(EXIT_OK)


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit.")
    ] = False,
) -> None:
    pass


def _choices(given: dict[str, Any], problems: list[str]) -> Any:
    """The words of a command line as configuration choices; those that say nothing are problems."""
    from duroxide_stress.config import Choices, parse_option
    from duroxide_stress.units import parse_duration_secs

    overrides: dict[str, Any] = {}
    for field, option in (
        ("duration_secs", "duration"),
        ("wait_timeout_secs", "wait_timeout"),
        ("warmup_secs", "warm_up"),
    ):
        if given[option] is not None:
            try:
                overrides[field] = parse_duration_secs(given[option])
            except ValueError as error:
                problems.append(f"--{option.replace('_', '-')}: {error}")
    for field, option in (
        ("max_concurrent", "max_concurrent"),
        ("tasks_per_instance", "tasks"),
        ("activity_delay_ms", "activity_delay_ms"),
        ("poll_interval_ms", "poll_interval_ms"),
        ("seed", "seed"),
    ):
        if given[option] is not None:
            overrides[field] = given[option]
    options: dict[str, dict[str, Any]] = {}
    for text in _split(given["option"]):
        try:
            scenario, name, value = parse_option(text)
            options.setdefault(scenario, {})[name] = value
        except UsageError as error:
            problems += error.problems
    return Choices(
        suite=given["suite"],
        scenarios=_split(given["scenario"]),
        providers=_split(given["provider"]),
        configs=_split(given["config"]),
        repeat=given["repeat"],
        overrides=overrides,
        options=options,
    )


def _split(values: list[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _plan(plan_file: Path | None, given: dict[str, Any]) -> Any:
    """The plan a command line asks for. Raises UsageError with everything wrong with it."""
    from duroxide_stress.config import build_plan
    from duroxide_stress.config_file import load_plan

    problems: list[str] = []
    choices = _choices(given, problems)
    try:
        plan = build_plan(choices) if plan_file is None else load_plan(plan_file, choices)
    except UsageError as error:
        problems += error.problems
    if problems:
        raise UsageError(problems)
    return plan


def _refuse_json_path(json_path: str | None) -> None:
    """Find out before a long run, not after it, that its result would have nowhere to go."""
    if json_path in (None, "-"):
        return
    path = Path(json_path)
    if path.is_dir():
        raise UsageError(f"--json {path} is a directory: name a file, or - for standard output")
    if not path.parent.is_dir():
        raise UsageError(f"--json {path} cannot be written: {path.parent} is not a directory")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--json {path} cannot be written: no permission, or a read-only disk")


def _show(result: RunResult, run_directory: Path, json_path: str | None) -> None:
    """Print the report; with `--json -` the report goes to stderr and stdout is JSON alone."""
    from duroxide_stress.reports import console as console_report
    from duroxide_stress.reports import json as json_report

    stream = sys.stderr if json_path == "-" else sys.stdout
    on_terminal = stream is not None and stream.isatty()  # None where it was closed, as by >&-
    width = shutil.get_terminal_size().columns if on_terminal else None
    _say(console_report.render(result, run_directory, width), stream)
    if json_path == "-":
        _say(json_report.render(result))
    elif json_path is not None:
        try:
            Path(json_path).write_text(json_report.render(result), encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"--json {json_path} cannot be written: {error.strerror}; "
                f"the result is in {run_directory / 'result.json'}"
            ) from error


def _say(text: str, stream: TextIO | None = None) -> None:
    """Print all of it, or as much as its reader wants. Raises RunError when it cannot be written."""
    stream = stream or sys.stdout
    try:
        print(text, end="", file=stream, flush=True)
    except OSError as error:
        # What is left in the buffer has nowhere to go, and Python must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise RunError(f"the output cannot be written: {error.strerror}") from error


def _leave(result: RunResult, fail_on: FailOn) -> NoReturn:
    verdict, missed = result.verdict, False
    if fail_on is FailOn.TARGETS:
        missed = result.target_missed
        # A target without a figure to trust was not met: a gate must not pass on it.
        verdict = worst([verdict, Verdict.UNKNOWN]) if result.target_unproven else verdict
    raise typer.Exit(exit_code(verdict, target_missed=missed))


def main() -> NoReturn:
    """The console script. Turns every expected error into sentences and an exit code."""
    # Providers of the user's own are named relative to where the command is given; last, so that a
    # queue.py there does not stand in for Python's own.
    with suppress(OSError):
        sys.path.append(str(Path.cwd()))
    try:
        app()
    except StressError as error:
        problems = error.problems if isinstance(error, UsageError) else (str(error),)
        for problem in problems:
            print(f"error: {printable(' '.join(redact(problem).split()))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"error: {error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        sys.exit(EXIT_UNKNOWN)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(EXIT_OK)
