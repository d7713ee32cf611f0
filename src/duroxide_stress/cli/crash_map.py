"""`crash-map`: a host killed at every named moment of an instance's life, and what came of each."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from duroxide_stress.cli.options import (
    FailOn,
    JsonPath,
    KeepStore,
    Nodes,
    Out,
    PostgresUrl,
    Quiet,
    Seed,
    only_given,
    split,
)
from duroxide_stress.cli.output import leave, put_json, say
from duroxide_stress.cli.paths import refuse_paths
from duroxide_stress.cli.run import carried_out, given_providers
from duroxide_stress.errors import UsageError, unknown_name
from duroxide_stress.verdict import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from duroxide_stress.plan import Cell, Plan

PROVIDER, SCENARIO = "sqlite-file", "parallel"
MAX_PASSES = 20
LOAD = {
    "duration_secs": 2,
    "warmup_secs": 0,
    "activity_delay_ms": 20,
    "worker_lock_timeout_ms": 2_000,
    "orchestrator_lock_timeout_ms": 2_000,
}
"""Enough to come to every moment, and no more: a cell is as long as the locks of the dead host."""
LEAST, MOST = 5, 40
"""Instances in flight; how many it takes until one has a twin, which the determinism check needs."""
GENERATIONS = {"long-running": {"period_ms": 50, "generations": 8}}
CONTINUING = ("long-running", "events", "mixed")
"""Built-in scenarios whose instances continue as new."""
RESTART_SECS = 1.0
"""What a host takes to come up again, on two cores."""


def crash_map(  # noqa: PLR0913 - a command's options
    *,
    provider: Annotated[str, typer.Option(help="The store.")] = PROVIDER,
    scenario: Annotated[
        str,
        typer.Option(
            help="What is killed; between-generations takes long-running where this never "
            "continues as new."
        ),
    ] = SCENARIO,
    moment: Annotated[
        list[str],
        typer.Option(help="A moment, repeated or separated by commas [default: all of them]."),
    ] = [],  # noqa: B006 - typer's way to say that it may be left out
    passes: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_PASSES,
            help="How many depths a moment is tried at: the 1st, 4th, 9th, 16th ... time it comes.",
        ),
    ] = 3,
    nodes: Nodes = None,
    seed: Seed = None,
    out: Out = None,
    json: JsonPath = None,
    keep_store: KeepStore = False,
    postgres_url: PostgresUrl = None,
    quiet: Quiet = False,
) -> None:
    """Kill a host at every moment of an instance's life, and print what came of each.

    Each cell of the map is a cell of its own on a new store: host-0 kills itself at the k-th time it
    comes to the moment, is started again, and everything is judged as after `run`. `check`, `report`
    and `show` read the recording. Exit codes are those of `run`: 3 also when a moment was not reached.
    """
    from duroxide_stress.reports import crash_map as report
    from duroxide_stress.units import format_duration

    refuse_paths(json=json)
    moments = split(moment)
    plan = map_plan(provider, scenario, moments, passes, only_given(nodes=nodes, seed=seed))
    given = given_providers(plan, postgres_url)
    if not quiet:
        cells = "1 cell" if len(plan.cells) == 1 else f"{len(plan.cells)} cells"
        say(f"{cells}, about {format_duration(round(estimated_secs(plan)))}\n", sys.stderr)
    result, directory, interrupted = carried_out(
        plan, out, given, keep_store=keep_store, quiet=quiet
    )
    put_json(
        lambda width: report.render(result, directory, width),
        lambda: report.document(result),
        json,
        f"; the result is in {directory / 'result.json'}",
    )
    if interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    leave(result, FailOn.PROMISES)


def map_plan(
    provider: str, scenario: str, moments: Sequence[str], passes: int, overrides: dict[str, int]
) -> Plan:
    """A plan of a cell for every moment and pass; no moments means all that the store allows.

    Raises UsageError with everything that is wrong.
    """
    from duroxide_stress.crashes import MOMENTS
    from duroxide_stress.faults.crash import WATCHED
    from duroxide_stress.plan import Plan

    problems = [unknown_name("moment", name, MOMENTS) for name in moments if name not in MOMENTS]
    if "store-write" in moments and provider != WATCHED:
        problems.append(
            f"moment store-write cannot be seen on {provider}: only on {WATCHED}; leave it out"
        )
    if problems:
        raise UsageError(problems)
    wanted = moments or [name for name in MOMENTS if name != "store-write" or provider == WATCHED]
    asked = [
        (moment, number**2) for moment in dict.fromkeys(wanted) for number in range(1, passes + 1)
    ]
    cells: list[Cell] = []
    for number, (moment, times) in enumerate(asked, 1):
        try:
            cells.append(_cell(provider, scenario, moment, times, number, overrides))
        except UsageError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise UsageError(problems)
    return Plan("crash-map", tuple(cells), _command(provider, scenario, moments, passes, overrides))


def estimated_secs(plan: Plan) -> float:
    """How long the cells take: as any, and each until its host is up again."""
    return plan.estimated_secs + RESTART_SECS * len(plan.cells)


def _cell(
    provider: str, scenario: str, moment: str, times: int, number: int, overrides: dict[str, int]
) -> Cell:
    """`number` makes its directory's name unique: the cells of a map are alike in all but the fault."""
    import msgspec

    from duroxide_stress.config import Choices, build_plan

    continues = ":" in scenario or scenario in CONTINUING
    name = scenario if moment != "between-generations" or continues else "long-running"
    choices = Choices(
        scenarios=(name,),
        providers=(provider,),
        configs=("2/2",),
        overrides={**LOAD, **overrides},
        options=GENERATIONS if name == "long-running" else {},
        faults=(f"crash:{moment},pass={times}",),
    )
    (cell,) = build_plan(choices).cells
    config = msgspec.structs.replace(cell.config, max_concurrent=_enough(cell))
    return msgspec.structs.replace(cell, config=config, repeat=number)


def _enough(cell: Cell) -> int:
    """How many instances in flight there must be for two of them to be alike."""
    from duroxide_stress.scenarios.registry import scenario_named

    workload = scenario_named(cell.scenario).workload(cell)
    seen: set[str] = set()
    for op in range(MOST):
        alike = workload.order(op).expect.alike
        if alike in seen:
            return max(LEAST, op + 1)
        seen.update({alike} - {""})
    return LEAST


def _command(
    provider: str, scenario: str, moments: Sequence[str], passes: int, overrides: dict[str, int]
) -> str:
    """The words that repeat the map."""
    words = ["duroxide-stress", "crash-map", "--provider", provider, "--scenario", scenario]
    words += [word for moment in moments for word in ("--moment", moment)]
    words += ["--passes", str(passes)]
    words += [word for name, value in overrides.items() for word in (f"--{name}", str(value))]
    return shlex.join(words)
