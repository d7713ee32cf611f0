"""`check` and `report`: a recording judged again, without the engine."""

from __future__ import annotations

from duroxide_stress.cli.options import FailOn, FailOnOption, JsonPath, RunDirectory
from duroxide_stress.cli.output import leave, show


def check(
    run_directory: RunDirectory, json: JsonPath = None, fail_on: FailOnOption = FailOn.PROMISES
) -> None:
    """Judge a recording again; the exit code is the verdict's. Needs no engine."""
    from duroxide_stress.api import check_recording

    result = check_recording(run_directory)
    show(result, run_directory, json)
    leave(result, fail_on)


def report(run_directory: RunDirectory, json: JsonPath = None) -> None:
    """Print a recording's table; exit code 0 whatever the verdict. Needs no engine."""
    from duroxide_stress.api import check_recording

    show(check_recording(run_directory), run_directory, json)
