"""What commands print, where it goes, and the exit code they leave with."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, TextIO

import typer

from duroxide_stress.cli.options import FailOn
from duroxide_stress.cli.paths import STDOUT, Document, Paths, documents_of, write
from duroxide_stress.errors import RunError, StressError
from duroxide_stress.result import RunResult
from duroxide_stress.verdict import EXIT_VIOLATED, Verdict, exit_code, worst


def show(result: RunResult, run_directory: Path, paths: Paths) -> None:
    """Print the report, and write every output where it is to go."""
    from duroxide_stress.reports import console

    put(
        lambda width: console.render(result, run_directory, width),
        documents_of(result, run_directory, paths),
        f"; the result is in {run_directory / 'result.json'}",
    )


def put(report: Callable[[int | None], str], documents: Sequence[Document], kept: str) -> None:
    """Print a report made for the terminal's width, and write its documents. Where one of them goes
    to standard output it has that for itself, and the report goes to stderr.

    `kept` ends the sentence that says why one cannot be written.
    """
    stream = sys.stderr if any(d.path == STDOUT for d in documents) else sys.stdout
    on_terminal = stream is not None and stream.isatty()  # None where it was closed, as by >&-
    width = shutil.get_terminal_size().columns if on_terminal else None
    say(report(width), stream)
    write(documents, say, kept)


def put_json(
    report: Callable[[int | None], str],
    document: Callable[[], str],
    path: str | None,
    kept: str,
) -> None:
    """`put` for a command whose only document is JSON, written where `--json` says."""
    put(report, [] if path is None else [Document("--json", path, document)], kept)


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


@contextmanager
def violation_told(result: RunResult) -> Iterator[None]:
    """What then goes wrong with showing a result costs the output, and is said; a violated promise
    keeps its exit code, which no build must miss."""
    try:
        yield
    except StressError as error:
        if result.verdict is Verdict.VIOLATED:
            error.exit_code = EXIT_VIOLATED
        raise


def leave(result: RunResult, fail_on: FailOn) -> NoReturn:
    """Exit with the verdict's code, or with a missed target's where that is asked for."""
    verdict, missed = result.verdict, False
    if fail_on is FailOn.TARGETS:
        missed = result.target_missed
        # A target without a figure to trust was not met: a gate must not pass on it.
        verdict = worst([verdict, Verdict.UNKNOWN]) if result.target_unproven else verdict
    raise typer.Exit(exit_code(verdict, target_missed=missed))
