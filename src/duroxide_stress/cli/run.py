"""`run` and `plan`: what a command line or a plan file asks for, done or described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from duroxide_stress.cli.options import (
    FailOn,
    FailOnOption,
    KeepStore,
    Label,
    LedgerDirectory,
    MachineName,
    MetricsPort,
    Out,
    OutputPaths,
    PlanWords,
    PostgresUrl,
    Quiet,
    split,
    with_output_paths,
    with_plan_words,
)
from duroxide_stress.cli.output import leave, say, show, violation_told
from duroxide_stress.cli.paths import Paths, path_problems
from duroxide_stress.errors import UsageError, shown
from duroxide_stress.verdict import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from duroxide_stress.plan import Plan
    from duroxide_stress.providers.base import Provider
    from duroxide_stress.result import RunResult


@with_plan_words
@with_output_paths
def run(  # noqa: PLR0913 - one parameter an option
    words: PlanWords,
    outputs: OutputPaths,
    *,
    out: Out = None,
    keep_store: KeepStore = False,
    postgres_url: PostgresUrl = None,
    fail_on: FailOnOption = FailOn.PROMISES,
    ledger: LedgerDirectory = None,
    label: Label = None,
    machine: MachineName = None,
    metrics_port: MetricsPort = None,
    quiet: Quiet = False,
) -> None:
    """Run a plan, judge it, print the table."""
    from duroxide_stress.cli.ledger import file_after_run, place_of, refuse_words
    from duroxide_stress.config_file import ledger_named_in

    plan = read_plan(words, outputs)
    refuse_words(label, machine)
    filed_in = place_of(ledger, ledger_named_in(words["plan_file"]))
    if filed_in is not None:
        filed_in.prepare()
    providers = given_providers(plan, postgres_url)
    result, directory, interrupted = carried_out(
        plan, out, providers, keep_store=keep_store, quiet=quiet, port=metrics_port
    )
    with violation_told(result):
        try:
            show(result, directory, outputs)
        finally:  # an output that cannot be written does not cost the filing
            if filed_in is not None and not interrupted:  # cut off is no result to compare with
                file_after_run(filed_in, directory, result, label, machine)
    if interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    leave(result, fail_on)


def carried_out(
    plan: Plan,
    out: Path | None,
    providers: Mapping[str, Provider],
    *,
    keep_store: bool,
    quiet: bool,
    port: int | None = None,
) -> tuple[RunResult, Path, bool]:
    """Run a plan and judge it: the result, its recording, and whether Ctrl-C cut it off. With a `port`
    its metrics are served meanwhile."""
    from duroxide_stress.api import check_recording
    from duroxide_stress.checks.own import load_checks
    from duroxide_stress.cli.display import Interrupts, shown_while
    from duroxide_stress.cli.metrics_port import metrics_port
    from duroxide_stress.runner import prepare_directory, run_plan

    checks = load_checks(plan.checks)
    new = out is None or not out.exists()
    with metrics_port(port) as served, Interrupts() as interrupts:
        directory = prepare_directory(out, plan)
        with (
            _removed_if_refused(directory if new else None, dated=out is None),
            shown_while(interrupts, directory, quiet=quiet, plan=plan) as display,
        ):
            observer = served.watching(display)
            run_plan(plan, directory, observer=observer, providers=providers, keep_store=keep_store)
        interrupted = interrupts.asked  # a Ctrl-C from here on comes too late to cut anything off
        result = check_recording(directory, checks)
    return result, directory, interrupted


@contextmanager
def _removed_if_refused(directory: Path | None, *, dated: bool) -> Iterator[None]:
    """A run that cannot begin leaves no directory behind that it has made."""
    try:
        yield
    except UsageError:
        if directory is not None:
            with suppress(OSError):  # not empty: it had begun
                directory.rmdir()
                if dated:
                    directory.parent.rmdir()
        raise


def given_providers(plan: Plan, postgres_url: str | None) -> dict[str, Provider]:
    """Providers that the command line says more of than their names. Raises UsageError."""
    if postgres_url is None:
        return {}
    if "postgres" not in {cell.provider for cell in plan.cells}:
        raise UsageError(
            "--postgres-url would do nothing: no cell of the plan runs on postgres; "
            "add --provider postgres"
        )
    from duroxide_stress.providers.postgres import Postgres

    return {"postgres": Postgres(postgres_url)}


@with_plan_words
def plan(words: PlanWords) -> None:
    """Print what `run` would do with the same words, and for how long."""
    say(read_plan(words).describe() + "\n")


def _choices(words: PlanWords, problems: list[str]) -> Any:
    """The words of a command line as configuration choices; those that say nothing are problems."""
    from duroxide_stress.config import Choices, parse_options
    from duroxide_stress.units import parse_duration_secs

    overrides: dict[str, Any] = {}
    for field, option in (
        ("duration_secs", "duration"),
        ("wait_timeout_secs", "wait_timeout"),
        ("warmup_secs", "warm_up"),
    ):
        if words[option] is not None:
            try:
                overrides[field] = parse_duration_secs(words[option])
            except ValueError as error:
                problems.append(f"--{option.replace('_', '-')}: {error}")
    for field, option in (
        ("max_concurrent", "max_concurrent"),
        ("tasks_per_instance", "tasks"),
        ("activity_delay_ms", "activity_delay_ms"),
        ("poll_interval_ms", "poll_interval_ms"),
        ("canary_every_ms", "canary_every_ms"),
        ("nodes", "nodes"),
        ("worker_lock_timeout_ms", "worker_lock_timeout_ms"),
        ("orchestrator_lock_timeout_ms", "orchestrator_lock_timeout_ms"),
        ("seed", "seed"),
    ):
        if words[option] is not None:
            overrides[field] = words[option]
    if (load := _load(words, problems)) is not None:
        overrides["load"] = load
    if words["check"]:
        from duroxide_stress.checks.own import check_problems

        problems += check_problems(words["check"])
    return Choices(
        suite=words["suite"],
        scenarios=split(words["scenario"]),
        providers=split(words["provider"]),
        configs=split(words["config"]),
        repeat=words["repeat"],
        overrides=overrides,
        options=parse_options(split(words["option"]), problems),
        checks=tuple(words["check"]),
        faults=tuple(text.strip() for text in words["fault"]),
    )


def _load(words: PlanWords, problems: list[str]) -> str | None:
    """The load that a rate, a ramp or a whole text asks for; None when none does."""
    given = [name for name in ("rate", "ramp", "load") if words[name] is not None]
    arrivals = words["arrivals"]
    if len(given) > 1:
        problems.append(f"--{' and --'.join(given)} exclude each other; give one of them")
    if arrivals not in (None, "constant", "poisson"):
        problems.append(f"--arrivals must be constant or poisson, found {shown(arrivals)}")
    if arrivals is not None and (not given or given[0] == "load"):
        problems.append("--arrivals goes with --rate or --ramp; in --load write ,poisson behind it")
    if not given:
        return None
    name = given[0]
    text = words[name] if name == "load" else f"{_PROFILES[name]}:{words[name]}"
    return f"{text},poisson" if arrivals == "poisson" and name != "load" else str(text)


_PROFILES = {"rate": "constant", "ramp": "ramp"}


def read_plan(words: PlanWords, outputs: Paths | None = None) -> Plan:
    """The plan a command line asks for. Raises UsageError with everything that is wrong with it, or
    with where its outputs are to go."""
    from duroxide_stress.config import build_plan
    from duroxide_stress.config_file import load_plan

    problems: list[str] = []
    choices = _choices(words, problems)
    plan_file, cells = words["plan_file"], 1
    try:
        plan = build_plan(choices) if plan_file is None else load_plan(plan_file, choices)
        cells = len(plan.cells)
    except UsageError as error:
        problems += error.problems
    problems += path_problems(outputs or {}, cells)
    if problems:
        raise UsageError(problems)
    return plan
