"""`check` and `report`: a recording judged again, without the engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from duroxide_stress.cli.options import (
    CheckFiles,
    FailOn,
    FailOnOption,
    OutputPaths,
    RunDirectory,
    with_output_paths,
)
from duroxide_stress.cli.output import leave, show, violation_told
from duroxide_stress.cli.paths import mixed
from duroxide_stress.errors import UsageError

if TYPE_CHECKING:
    from duroxide_stress.result import RunResult


@with_output_paths
def check(
    run_directory: RunDirectory,
    outputs: OutputPaths,
    check: CheckFiles = [],  # noqa: B006 - typer's way to say that it may be left out
    fail_on: FailOnOption = FailOn.PROMISES,
) -> None:
    """Judge a recording again; the exit code is the verdict's. Needs no engine."""
    result = _judged(run_directory, outputs, check)
    with violation_told(result):
        show(result, run_directory, outputs)
    leave(result, fail_on)


@with_output_paths
def report(
    run_directory: RunDirectory,
    outputs: OutputPaths,
    check: CheckFiles = [],  # noqa: B006 - as above
) -> None:
    """Print a recording's table; exit code 0 whatever the verdict. Needs no engine."""
    show(_judged(run_directory, outputs, check), run_directory, outputs)


def _judged(run: Path, outputs: OutputPaths, check: list[str]) -> RunResult:
    """A recording's result. Raises UsageError when the outputs would mix."""
    from duroxide_stress.api import check_recording
    from duroxide_stress.checks.own import load_checks

    if problems := mixed(outputs):
        raise UsageError(problems)
    result = check_recording(run, load_checks(check))
    if problems := mixed(outputs, len(result.cells)):
        raise UsageError(problems)
    return result
