"""`show`: what was found in a recording, and the story of one of its instances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duroxide_stress.cli.options import CheckFiles, JsonPath, RunDirectory
from duroxide_stress.cli.output import put_json
from duroxide_stress.cli.paths import refuse_paths

if TYPE_CHECKING:
    from duroxide_stress.reports.story import Story


def show(
    run_directory: RunDirectory,
    instance: Annotated[
        str | None,
        typer.Argument(help="An instance's id, or its beginning or end.", show_default=False),
    ] = None,
    cell: Annotated[str | None, typer.Option(help="Look in this cell alone.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Leave nothing of a long story out.")
    ] = False,
    check: CheckFiles = [],  # noqa: B006 - typer's way to say that it may be left out
    json: JsonPath = None,
) -> None:
    """Tell an instance's story on one page; without an instance, list those that findings name.

    The story is everything the recording has of it, in order, and where something was found it ends
    with a block for a bug report. Needs no engine. Exit code 0 whatever was found.
    """

    from duroxide_stress.checks.own import load_checks
    from duroxide_stress.judge import judge_run
    from duroxide_stress.reports import findings, story_text

    refuse_paths(json=json)
    if instance is None:
        result = judge_run(run_directory, load_checks(check))
        put_json(
            lambda width: findings.listing(result, run_directory, width),
            lambda: _document(findings.broken(result)),
            json,
            "",
        )
        return
    story = _story(run_directory, instance, cell, check)
    put_json(
        lambda width: story_text.render(story, width, everything=everything),
        lambda: _document(story),
        json,
        "",
    )


def _document(value: object) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _story(run: Path, wanted: str, cell: str | None, files: list[str]) -> Story:
    """The story of the one instance that is meant. Raises UsageError when none or several are."""
    from duroxide_stress.checks.own import load_checks, with_recorded
    from duroxide_stress.checks.registry import CHECKS
    from duroxide_stress.errors import UsageError, unknown_name
    from duroxide_stress.recording.store import read_run, refuse_unfinished
    from duroxide_stress.recording.tables import Recording
    from duroxide_stress.reports.instances import find
    from duroxide_stress.reports.story import tell

    own = load_checks(files)
    head = read_run(run)
    refuse_unfinished(run)
    cells = [planned.key for planned in head.plan.cells]
    if cell is not None and cell not in cells:
        raise UsageError(unknown_name("cell", cell, cells))
    found = find(run, cells if cell is None else [cell], wanted)
    recording = Recording(run / found.cell)
    try:
        checks = (*CHECKS.values(), *with_recorded(head.plan.checks, own))
        return tell(recording, found.instance, str(run), head, checks)
    finally:
        recording.close()
