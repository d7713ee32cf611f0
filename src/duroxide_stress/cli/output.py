"""What commands print, where it goes, and the exit code they leave with."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, TextIO

import typer

from duroxide_stress.cli.options import FailOn
from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.result import RunResult
from duroxide_stress.verdict import Verdict, exit_code, worst


def refuse_json_path(json_path: str | None, flag: str = "--json") -> None:
    """Find out before a long run, not after it, that its result would have nowhere to go."""
    if json_path in (None, "-"):
        return
    path = Path(json_path)
    if path.is_dir():
        raise UsageError(f"{flag} {path} is a directory: name a file, or - for standard output")
    if not path.parent.is_dir():
        raise UsageError(f"{flag} {path} cannot be written: {path.parent} is not a directory")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{flag} {path} cannot be written: no permission, or a read-only disk")


def show(result: RunResult, run_directory: Path, json_path: str | None) -> None:
    """Print the report; with `--json -` the report goes to stderr and stdout is JSON alone."""
    from duroxide_stress.reports import console as console_report
    from duroxide_stress.reports import json as json_report

    put(
        lambda width: console_report.render(result, run_directory, width),
        lambda: json_report.render(result),
        json_path,
        f"; the result is in {run_directory / 'result.json'}",
    )


def put(
    report: Callable[[int | None], str],
    document: Callable[[], str],
    json_path: str | None,
    kept: str,
) -> None:
    """Print a report made for the terminal's width, and write its JSON where `--json` says.

    `kept` ends the sentence that says why it cannot be written.
    """
    stream = sys.stderr if json_path == "-" else sys.stdout
    on_terminal = stream is not None and stream.isatty()  # None where it was closed, as by >&-
    width = shutil.get_terminal_size().columns if on_terminal else None
    say(report(width), stream)
    if json_path == "-":
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # as JSON is, whatever the locale
        say(document())
    elif json_path is not None:
        try:
            Path(json_path).write_text(document(), encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"--json {json_path} cannot be written: {error.strerror}{kept}"
            ) from error


def say(text: str, stream: TextIO | None = None) -> None:
    """Print all of it, or as much as its reader wants. Raises RunError when it cannot be written."""
    stream = stream or sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # where the locale lacks a letter
    try:
        print(text, end="", file=stream, flush=True)
    except OSError as error:
        # What is left in the buffer has nowhere to go, and Python must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise RunError(f"the output cannot be written: {error.strerror}") from error


def leave(result: RunResult, fail_on: FailOn) -> NoReturn:
    """Exit with the verdict's code, or with a missed target's where that is asked for."""
    verdict, missed = result.verdict, False
    if fail_on is FailOn.TARGETS:
        missed = result.target_missed
        # A target without a figure to trust was not met: a gate must not pass on it.
        verdict = worst([verdict, Verdict.UNKNOWN]) if result.target_unproven else verdict
    raise typer.Exit(exit_code(verdict, target_missed=missed))
