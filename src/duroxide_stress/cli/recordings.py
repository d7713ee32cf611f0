"""`check` and `report`: a recording judged again, without the engine."""

from __future__ import annotations

from duroxide_stress.cli.options import CheckFiles, FailOn, FailOnOption, JsonPath, RunDirectory
from duroxide_stress.cli.output import leave, show


def check(
    run_directory: RunDirectory,
    check: CheckFiles = [],  # noqa: B006 - typer's way to say that it may be left out
    json: JsonPath = None,
    fail_on: FailOnOption = FailOn.PROMISES,
) -> None:
    """Judge a recording again; the exit code is the verdict's. Needs no engine."""
    from duroxide_stress.api import check_recording
    from duroxide_stress.checks.own import load_checks

    result = check_recording(run_directory, load_checks(check))
    show(result, run_directory, json)
    leave(result, fail_on)


def report(
    run_directory: RunDirectory,
    check: CheckFiles = [],  # noqa: B006 - as above
    json: JsonPath = None,
) -> None:
    """Print a recording's table; exit code 0 whatever the verdict. Needs no engine."""
    from duroxide_stress.api import check_recording
    from duroxide_stress.checks.own import load_checks

    show(check_recording(run_directory, load_checks(check)), run_directory, json)
