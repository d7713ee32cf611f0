"""`replay`: recorded histories against the workflow code, without an engine."""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from duroxide_stress.cli.options import JsonPath, RunDirectory
from duroxide_stress.cli.output import put_json
from duroxide_stress.cli.paths import refuse_paths
from duroxide_stress.verdict import exit_code


def replay(
    run_directory: RunDirectory,
    scenario: Annotated[
        str | None,
        typer.Option(help="Whose code: a name or package.module:Name [default: the recording's]."),
    ] = None,
    instance: Annotated[str | None, typer.Option(help="Replay this instance alone.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Replay so many instances of each cell.")
    ] = None,
    json: JsonPath = None,
) -> None:
    """Drive workflow code with recorded histories and show the first step that differs.

    No engine is started and no activity runs. Exit code 0: the code still follows every history;
    1: it does not; 3: nothing could be replayed.
    """
    from duroxide_stress.api import replay_recording
    from duroxide_stress.replay import report

    refuse_paths(json=json)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # what the code prints
        result = replay_recording(run_directory, scenario, instance=instance, limit=limit)
    put_json(
        lambda width: report.render(result, run_directory, width),
        lambda: report.document(result),
        json,
        "",
    )
    raise typer.Exit(exit_code(result.verdict))
