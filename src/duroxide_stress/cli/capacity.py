"""`capacity`: the highest rate that holds the objectives, found by itself."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duroxide_stress.cli.options import (
    Config,
    Delay,
    JsonPath,
    MaxConcurrent,
    Nodes,
    Option,
    Out,
    PollInterval,
    PostgresUrl,
    Provider,
    Quiet,
    Seed,
    Tasks,
    WarmUp,
    only_given,
    split,
)
from duroxide_stress.cli.output import put_json
from duroxide_stress.cli.paths import refuse_paths
from duroxide_stress.cli.run import given_providers
from duroxide_stress.errors import UsageError, shown
from duroxide_stress.verdict import (
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNKNOWN,
    EXIT_VIOLATED,
)

if TYPE_CHECKING:
    from duroxide_stress.capacity.result import CapacityResult
    from duroxide_stress.capacity.running import Asked

PROVIDERS, CONFIGS = ("sqlite-file",), ("2/2",)
MIN_BUDGET_SECS = 10.0


def capacity(  # noqa: PLR0913 - a command's options
    *,
    slo: Annotated[str, typer.Option(help="p50, p95, p99, p999 or mean < a duration: p99<200ms.")],
    success: Annotated[
        float, typer.Option(help="The least per cent of instances that complete.")
    ] = 100.0,
    provider: Provider = [],  # noqa: B006 - typer's way to say that it may be left out
    config: Config = [],  # noqa: B006
    scenario: Annotated[str, typer.Option(help="What is offered.")] = "parallel",
    option: Option = [],  # noqa: B006
    budget: Annotated[
        str, typer.Option(help="For the whole search, shared by the grid points.")
    ] = "5m",
    poisson: Annotated[
        bool, typer.Option("--poisson/--even", help="How instances are due at a rate.")
    ] = True,
    max_concurrent: MaxConcurrent = None,
    tasks: Tasks = None,
    activity_delay_ms: Delay = None,
    poll_interval_ms: PollInterval = None,
    warm_up: WarmUp = None,
    nodes: Nodes = None,
    seed: Seed = None,
    out: Out = None,
    json: JsonPath = None,
    postgres_url: PostgresUrl = None,
    quiet: Quiet = False,
) -> None:
    """Find the highest offered rate that holds the objectives, for each provider and config.

    A closed loop of --max-concurrent gives a first estimate; then rates are offered by the clock,
    each a recording of its own that `check`, `report` and `show` read. Exit code 0: a capacity was
    found; 1: a promise was violated, not only the latency; 2: usage; 3: no capacity was found.
    """
    overrides = only_given(
        max_concurrent=max_concurrent,
        tasks_per_instance=tasks,
        activity_delay_ms=activity_delay_ms,
        poll_interval_ms=poll_interval_ms,
        nodes=nodes,
        seed=seed,
    )
    asked = read_asked(
        {"slo": slo, "success": success, "budget": budget, "poisson": poisson, "warm_up": warm_up},
        scenario,
        (split(provider) or PROVIDERS, split(config) or CONFIGS),
        overrides,
        option,
    )
    refuse_paths(json=json)
    result, directory = _searched(asked, out, postgres_url, quiet=quiet)
    _put(result, directory, json)
    raise typer.Exit(exit_code(result))


def _put(result: CapacityResult, directory: Path, json: str | None) -> None:
    """Print the report, and write the document where it was asked for."""
    from duroxide_stress.capacity import report
    from duroxide_stress.capacity.result import document

    put_json(
        lambda width: report.render(result, directory, width),
        lambda: document(result),
        json,
        f"; the result is in {directory / 'capacity.json'}",
    )


def exit_code(result: CapacityResult) -> int:
    """What the search says in a number."""
    if result.interrupted:
        return EXIT_INTERRUPTED
    if result.broken:
        return EXIT_VIOLATED
    return EXIT_UNKNOWN if result.best is None else EXIT_OK


def read_asked(
    words: dict[str, Any],
    scenario: str,
    grid: tuple[tuple[str, ...], tuple[str, ...]],
    overrides: dict[str, Any],
    option: list[str],
) -> Asked:
    """What a command line asks for. Raises UsageError with everything wrong with it."""
    from duroxide_stress.capacity.running import Asked
    from duroxide_stress.capacity.slo import Slo, read_slo
    from duroxide_stress.config import Choices, attempt, build_plan, parse_options
    from duroxide_stress.scenarios.registry import SCENARIOS

    problems: list[str] = []
    slo: list[Slo] = []
    attempt(problems, lambda: slo.append(read_slo(words["slo"])))
    if not 0 < words["success"] <= 100:
        problems.append(
            f"--success must be more than 0 and at most 100 per cent, found {words['success']:g}"
        )
    budget = _secs("--budget", words["budget"], problems)
    if budget is not None and not MIN_BUDGET_SECS <= budget <= 86_400:
        problems.append(f"--budget must be between 10s and 24h, found {shown(words['budget'])}")
    overrides = dict(overrides)
    if words["warm_up"] is not None:
        overrides["warmup_secs"] = _secs("--warm-up", words["warm_up"], problems) or 0.0
    if scenario in SCENARIOS and SCENARIOS[scenario].lasting:
        problems.append(
            f"scenario {scenario} has no capacity: its instances last through the whole run"
        )
    choices = Choices(
        scenarios=(scenario,),
        providers=grid[0],
        configs=grid[1],
        overrides=overrides,
        options=parse_options(split(option), problems),
        name="capacity",
    )
    try:
        plan = build_plan(choices)
    except UsageError as error:
        problems += error.problems
    if problems:
        raise UsageError(problems)
    import msgspec

    plan = msgspec.structs.replace(plan, command=_command(plan.command, slo[0], words))
    return Asked(slo[0], words["success"], words["poisson"], budget or 0.0, plan)


def _secs(flag: str, text: str, problems: list[str]) -> float | None:
    from duroxide_stress.units import parse_duration_secs

    try:
        return parse_duration_secs(text)
    except ValueError as error:
        problems.append(f"{flag}: {error}")
        return None


def _command(run: str, slo: Any, words: dict[str, Any]) -> str:
    """The words that repeat the search: those of `run`, with the search's own."""
    _, _, _, _, *rest = shlex.split(run)  # duroxide-stress run --suite standard
    own = ["--slo", str(slo), "--success", f"{words['success']:g}", "--budget", words["budget"]]
    return shlex.join(
        ["duroxide-stress", "capacity", *own, *([] if words["poisson"] else ["--even"]), *rest]
    )


def _searched(
    asked: Asked, out: Path | None, postgres_url: str | None, *, quiet: bool
) -> tuple[CapacityResult, Path]:
    from duroxide_stress.capacity.running import Ground, chosen_providers, run_capacity
    from duroxide_stress.cli.display import Interrupts, shown_while
    from duroxide_stress.recording.store import write_json
    from duroxide_stress.runner import prepare_directory

    given = chosen_providers(asked.plan, given_providers(asked.plan, postgres_url))
    directory = prepare_directory(out, asked.plan)
    with Interrupts() as interrupts, shown_while(interrupts, directory, quiet=quiet) as display:
        result = run_capacity(Ground(asked, directory, display, given))
        try:
            write_json(directory / "capacity.json", result)
        except OSError as error:
            display.warned(f"{directory / 'capacity.json'} cannot be written: {error.strerror}")
    return result, directory
