"""The options of the command line, each declared once: its type, its flag, its help."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_type_hints

import typer

from duroxide_stress.reports.registry import OUTPUTS, Output


class FailOn(StrEnum):
    """What beside a violated promise makes the exit code differ from 0."""

    PROMISES = "promises"
    TARGETS = "targets"


Names = list[str]
PlanFile = Annotated[
    Path | None, typer.Argument(help="A TOML plan; flags are laid over it.", show_default=False)
]
Suite = Annotated[str | None, typer.Option(help="A named set of cells [default: standard].")]
Scenario = Annotated[Names, typer.Option(help="Scenarios, repeated or separated by commas.")]
Provider = Annotated[
    Names, typer.Option(help="Providers: names, or package.module:Name of your own.")
]
Config = Annotated[
    Names, typer.Option(help="Orchestration workers / activity workers, for example 2/2.")
]
Duration = Annotated[
    str | None, typer.Option(help="Measuring window: 15, 15s, 2m, 1h [default: 10s].")
]
MaxConcurrent = Annotated[int | None, typer.Option(help="Instances in flight [default: 20].")]
Tasks = Annotated[int | None, typer.Option(help="Activities per instance [default: 5].")]
Delay = Annotated[int | None, typer.Option(help="Length of an activity in ms [default: 10].")]
WaitTimeout = Annotated[
    str | None, typer.Option(help="After this an instance counts as hanging [default: 60s].")
]
WarmUp = Annotated[
    str | None, typer.Option("--warm-up", help="Load before the window [default: 2s].")
]
PollInterval = Annotated[
    int | None, typer.Option(help="The engine's idle sleep per worker in ms [default: 100].")
]
Canary = Annotated[
    int | None,
    typer.Option(help="Start a canary beside the load every so many ms [default: none]."),
]
Rate = Annotated[
    str | None,
    typer.Option(help="Open loop: instances due by the clock, for example 50/s.", metavar="N/s"),
]
Ramp = Annotated[
    str | None,
    typer.Option(help="Open loop: a rate that goes from one to another, 10..200/60s."),
]
ArrivalsKind = Annotated[
    str | None,
    typer.Option(
        "--arrivals", help="With a rate or a ramp: constant or poisson [default: constant]."
    ),
]
Load = Annotated[
    str | None,
    typer.Option(
        help="Any load: closed, constant:50/s, ramp:10..200/60s, steps:10,20,40/15s (each also with "
        ",poisson), burst:100/5s, backlog:500 [default: closed]."
    ),
]
Nodes = Annotated[int | None, typer.Option(help="Host processes on one shared store [default: 1].")]
Faults = Annotated[
    Names,
    typer.Option(
        "--fault",
        help="What to break while it runs, for example kill:every=2s; repeated. "
        "`duroxide-stress list faults` has them all.",
    ),
]
WorkerLock = Annotated[
    int | None,
    typer.Option(
        "--worker-lock-timeout-ms",
        help="How long a dead host keeps an activity [default: 30000, the engine's].",
    ),
]
OrchestratorLock = Annotated[
    int | None,
    typer.Option(
        "--orchestrator-lock-timeout-ms",
        help="How long a dead host keeps an instance [default: 5000, the engine's].",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Fixes every random choice [default: 1].")]
Option = Annotated[
    Names, typer.Option(help="A scenario's option, for example timers.count=50; repeated.")
]
Repeat = Annotated[int | None, typer.Option(help="How often to run the cells [default: 1].")]
RunDirectory = Annotated[Path, typer.Argument(help="A recording: the directory a run wrote.")]
JsonPath = Annotated[
    str | None,
    typer.Option(
        "--json", help="Write the result as JSON to a file, - for stdout.", metavar="FILE"
    ),
]
FailOnOption = Annotated[
    FailOn, typer.Option("--fail-on", help="With `targets`, a missed target exits with 4.")
]

Out = Annotated[
    Path | None, typer.Option(help="Recording directory, new or empty [default: dated].")
]
KeepStore = Annotated[
    bool, typer.Option("--keep-store", help="Leave the stores and print where they are.")
]
PostgresUrl = Annotated[
    str | None,
    typer.Option(
        help="A PostgreSQL server for provider postgres [default: an embedded one]. Better: "
        "DUROXIDE_STRESS_POSTGRES_URL in the environment, for a list of processes shows "
        "arguments. The words that repeat a run leave it out."
    ),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        min=0,
        max=65535,
        help="While it runs, Prometheus metrics on this port of 127.0.0.1; 0 takes a free one.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print only the result.")]
CheckFiles = Annotated[
    Names, typer.Option("--check", help="A check of your own, a .sql or .py file; repeated.")
]

LedgerDirectory = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        help="A directory that keeps the results of many runs [default: $DUROXIDE_STRESS_LEDGER].",
    ),
]
Label = Annotated[str | None, typer.Option(help="Your own word for the filed run.")]
MachineName = Annotated[
    str | None,
    typer.Option(
        "--machine",
        help="File under this name instead of the host's, for a pool of like machines "
        "[default: $DUROXIDE_STRESS_MACHINE].",
    ),
]
Machines = Annotated[
    Names, typer.Option("--machine", help="Machines, by the name they are filed under; repeated.")
]

PlanWords: TypeAlias = dict[str, Any]
"""The words that shape a plan, by parameter name; None or empty where one was not given."""
PLAN_WORDS: dict[str, Any] = {
    "plan_file": PlanFile,
    "suite": Suite,
    "scenario": Scenario,
    "provider": Provider,
    "config": Config,
    "option": Option,
    "duration": Duration,
    "max_concurrent": MaxConcurrent,
    "tasks": Tasks,
    "activity_delay_ms": Delay,
    "wait_timeout": WaitTimeout,
    "warm_up": WarmUp,
    "poll_interval_ms": PollInterval,
    "canary_every_ms": Canary,
    "rate": Rate,
    "ramp": Ramp,
    "arrivals": ArrivalsKind,
    "load": Load,
    "nodes": Nodes,
    "fault": Faults,
    "worker_lock_timeout_ms": WorkerLock,
    "orchestrator_lock_timeout_ms": OrchestratorLock,
    "seed": Seed,
    "repeat": Repeat,
    "check": CheckFiles,
}


def with_options(
    name: str, kinds: Mapping[str, Any], without: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Lets a command take the options `kinds` as one parameter called `name`: a dictionary of their
    values. Typer sees each of them but those it does `without`, before the command's own."""
    taken = {option: kind for option, kind in kinds.items() if option not in without}

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != name]
        hints = get_type_hints(command, include_extras=True)
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter(option, keyword, annotation=kind, default=_nothing(kind))
            for option, kind in taken.items()
        ] + [p.replace(kind=keyword, annotation=hints[p.name]) for p in own]

        @wraps(command)
        def called(**given: Any) -> None:
            values = {
                option: given.pop(option) if option in taken else _nothing(kind)
                for option, kind in kinds.items()
            }
            command(**{name: values}, **given)

        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {p.name: p.annotation for p in parameters}
        del called.__wrapped__
        return called

    return decorated


def with_plan_words(
    command: Callable[..., None], without: tuple[str, ...] = ()
) -> Callable[..., None]:
    """For a command with a parameter `words: PlanWords`."""
    return with_options("words", PLAN_WORDS, without)(command)


def _path_option(output: Output) -> Any:
    several = "; of several cells a file each" if output.per_cell else ""
    return Annotated[
        str | None,
        typer.Option(
            f"--{output.name}",
            help=f"Write {output.summary} to a file, - for stdout{several}.",
            metavar="FILE",
        ),
    ]


OutputPaths: TypeAlias = dict[str, Any]
"""Where each output goes, by its name; None where it was not asked for."""
with_output_paths = with_options(
    "outputs", {"json": JsonPath, **{name: _path_option(out) for name, out in OUTPUTS.items()}}
)
"""For a command with a parameter `outputs: OutputPaths`."""


def split(values: list[str]) -> tuple[str, ...]:
    """Words that were repeated or separated by commas."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def only_given(**options: Any) -> dict[str, Any]:
    """Those of these options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _nothing(kind: Any) -> list[str] | None:
    return [] if kind.__origin__ == Names else None
