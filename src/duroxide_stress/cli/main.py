"""The console script: its commands, and how every expected error becomes a sentence."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from duroxide_stress import __version__
from duroxide_stress.cli import (
    capacity,
    compare,
    crash_map,
    ledger,
    names,
    recordings,
    replay,
    run,
    selftest,
    show,
    trend,
)
from duroxide_stress.cli.output import say
from duroxide_stress.errors import StressError, UsageError
from duroxide_stress.redaction import redact
from duroxide_stress.reports.text import printable
from duroxide_stress.verdict import EXIT_INTERRUPTED, EXIT_OK, EXIT_UNKNOWN

app = typer.Typer(
    name="duroxide-stress",
    help="Stress tests for durable-execution engines, first of all Duroxide.\n\n"
    "Exit codes: 0 ok, 1 a promise violated, 2 usage, 3 unknown (nothing proven), "
    "4 a target missed (with --fail-on targets) or a regression (trend --gate, compare "
    "--fail-on slower), 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


app.command()(run.run)
app.command()(run.plan)
app.command(name="list")(names.list_names)
app.command()(recordings.check)
app.command()(recordings.report)
app.command()(show.show)
app.command()(ledger.file)
app.command()(ledger.history)
app.command()(trend.trend)
app.command()(capacity.capacity)
app.command()(compare.compare)
app.command(name="crash-map")(crash_map.crash_map)
app.command()(replay.replay)
app.command(name="self-test")(selftest.self_test)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"duroxide-stress {__version__}\n")
        raise typer.Exit(EXIT_OK)


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit.")
    ] = False,
) -> None:
    pass


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
