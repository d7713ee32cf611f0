"""`file` and `history`: results put into a ledger, and what it holds."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from duroxide_stress.cli.options import (
    CheckFiles,
    Config,
    JsonPath,
    Label,
    LedgerDirectory,
    MachineName,
    Machines,
    Provider,
    RunDirectory,
    Scenario,
    split,
)
from duroxide_stress.cli.output import put_json, say
from duroxide_stress.cli.paths import refuse_paths
from duroxide_stress.errors import UsageError, shown
from duroxide_stress.ledger.entry import Entry, run_id
from duroxide_stress.ledger.filing import file_run, refuse_cut_off
from duroxide_stress.ledger.series import Wanted
from duroxide_stress.ledger.store import Contents, Ledger
from duroxide_stress.recording.store import read_run, refuse_unfinished
from duroxide_stress.redaction import redact
from duroxide_stress.reports.text import one_line
from duroxide_stress.result import RunResult
from duroxide_stress.values import text_flaw

LEDGER, MACHINE = "DUROXIDE_STRESS_LEDGER", "DUROXIDE_STRESS_MACHINE"
"""Environment variables that stand for `--ledger` and `--machine`."""


def file(
    run_directory: RunDirectory,
    ledger: LedgerDirectory = None,
    label: Label = None,
    machine: MachineName = None,
    check: CheckFiles = [],  # noqa: B006 - typer's way to say that it may be left out
) -> None:
    """File a recording's result in a ledger; it is judged first. Needs no engine."""
    from duroxide_stress.api import check_recording
    from duroxide_stress.checks.own import load_checks

    refuse_words(label, machine)
    place = needed(ledger)
    checks = load_checks(check)
    refuse_unfinished(run_directory)
    refuse_cut_off(run_directory)  # what is refused must not leave a new ledger behind
    place.prepare()
    result = check_recording(run_directory, checks)
    say(_put_in(place, run_directory, result, label, machine))


def history(
    ledger: LedgerDirectory = None,
    scenario: Scenario = [],  # noqa: B006 - as above
    provider: Provider = [],  # noqa: B006
    config: Config = [],  # noqa: B006
    machine: Machines = [],  # noqa: B006
    last: Annotated[int, typer.Option(min=1, help="How many runs to list, at most.")] = 20,
    json: JsonPath = None,
) -> None:
    """List the runs of a ledger, the newest last: machine, engine, verdict, headline figures."""
    from duroxide_stress.reports import history as report

    refuse_paths(json=json)
    place = needed(ledger)
    contents = read_ledger(place)
    found = wanted(scenario, provider, config, machine).of(contents.entries)
    listed = found[-last:]
    put_json(
        lambda width: report.render(place.directory, listed, len(found), width),
        lambda: report.document(listed),
        json,
        "",
    )


def place_of(flag: Path | None, in_plan: Path | None = None) -> Ledger | None:
    """The ledger that is asked for: by flag, else by the plan file, else by the environment."""
    named = os.environ.get(LEDGER, "").strip()
    directory = flag or in_plan or (Path(named) if named else None)
    return None if directory is None else Ledger(directory)


def needed(flag: Path | None) -> Ledger:
    """The ledger that a command must have. Raises UsageError when none is named."""
    place = place_of(flag)
    if place is None:
        raise UsageError(f"no ledger is named: give --ledger DIR, or set {LEDGER}")
    return place


def refuse_words(label: str | None, machine: str | None) -> None:
    """Raises UsageError for a label or a machine's name that no ledger could hold."""
    words = {"--label": label, "--machine": machine, MACHINE: None if machine else _pool()}
    if problems := [
        f"{name} {shown(word)} cannot be filed: it has {flaw}"
        for name, word in words.items()
        if word is not None and (flaw := text_flaw(word))
    ]:
        raise UsageError(problems)


def read_ledger(place: Ledger) -> Contents:
    """What it holds; a sentence on standard error for each line that cannot be read."""
    contents = place.read()
    for problem in contents.problems:
        say(f"warning: {one_line(problem)}\n", sys.stderr)
    return contents


def where_filed(flag: Path | None) -> Callable[[str], Path] | None:
    """Where a run was recorded, by its id or label in the ledger; None when no ledger is named.

    The function raises UsageError for a run that the ledger does not have, or whose recording is gone
    or has given way to another.
    """
    place = place_of(flag)
    if place is None:
        return None

    def find(name: str) -> Path:
        contents = read_ledger(place)
        entry = contents.named(name)
        if entry is None:
            known = ", ".join(entry.id for entry in contents.entries[-3:]) or "nothing"
            raise UsageError(
                f"{name} is neither a path nor a run of ledger {place.directory}, "
                f"which ends with {known}"
            )
        if not Path(entry.run).is_dir():
            raise UsageError(
                f"run {name} of ledger {place.directory} was recorded in {entry.run}, which is not "
                "here: a comparison needs the recording, `trend` only the figures"
            )
        found = run_id(read_run(Path(entry.run)))
        if found != entry.id:
            raise UsageError(
                f"run {name} of ledger {place.directory} was recorded in {entry.run}, but another run "
                f"({found}) has been recorded there since: its own recording is gone"
            )
        return Path(entry.run)

    return find


def wanted(
    scenario: list[str], provider: list[str], config: list[str], machine: list[str]
) -> Wanted:
    """The cells that a command line asks for."""
    return Wanted(split(scenario), split(provider), split(config), split(machine))


def file_after_run(
    place: Ledger, run: Path, result: RunResult, label: str | None, machine: str | None
) -> None:
    """File what was just run. A ledger that cannot be written costs a warning, never the result."""
    try:
        said = _put_in(place, run, result, label, machine)
    except OSError as error:
        said = (
            f"warning: ledger {place.directory} cannot be written: {error.strerror}; "
            "file it later with: "
            f"{shlex.join(['duroxide-stress', 'file', str(run), '--ledger', str(place.directory)])}\n"
        )
    say(said, sys.stderr)


def _put_in(
    place: Ledger, run: Path, result: RunResult, label: str | None, machine: str | None
) -> str:
    machine = machine or _pool()
    entry, new = file_run(
        place, run, result, label=None if label is None else redact(label), machine=machine
    )
    if not new:
        return f"{_name(run)} is in {place.directory} already, as {entry.id}; nothing was filed\n"
    return f"Filed in {place.directory} as {entry.id}{_doubt(entry)}\n"


def _pool() -> str | None:
    return os.environ.get(MACHINE, "").strip() or None


def _name(run: Path) -> str:
    return one_line(str(run))


def _doubt(entry: Entry) -> str:
    out = sum(not cell.counts for cell in entry.cells)
    if not out:
        return ""
    return (
        f"; {out} of {len(entry.cells)} cells do not count in trends: their figures are not "
        "trustworthy, or a promise was violated"
    )
