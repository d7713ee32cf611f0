"""`trend`: figures over the runs of a ledger, and the gate on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duroxide_stress.cli.ledger import needed, read_ledger, wanted
from duroxide_stress.cli.options import (
    Config,
    JsonPath,
    LedgerDirectory,
    Machines,
    Provider,
    Scenario,
)
from duroxide_stress.cli.output import put
from duroxide_stress.cli.paths import Document, refuse_paths
from duroxide_stress.errors import UsageError, shown, unknown_name
from duroxide_stress.ledger.entry import Entry
from duroxide_stress.ledger.metrics import DEFAULT, METRICS

if TYPE_CHECKING:
    from duroxide_stress.ledger.trend import Trend

ALL = "all"


def trend(  # noqa: PLR0913 - one parameter an option
    metric: Annotated[
        list[str] | None,
        typer.Argument(help=f"{', '.join(METRICS)}, or all [default: {' '.join(DEFAULT)}]."),
    ] = None,
    *,
    ledger: LedgerDirectory = None,
    scenario: Scenario = [],  # noqa: B006 - typer's way to say that it may be left out
    provider: Provider = [],  # noqa: B006
    config: Config = [],  # noqa: B006
    machine: Machines = [],  # noqa: B006
    since: Annotated[
        str | None, typer.Option(help="Leave out every run before this one, by its id.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="Runs that a table lists, at most.")] = 10,
    untrusted: Annotated[
        bool, typer.Option("--untrusted", help="Count figures also where health distrusts them.")
    ] = False,
    least: Annotated[
        float, typer.Option(min=0, max=1000, help="The smallest change that matters, per cent.")
    ] = 2.0,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate", help="Exit with 4 when the newest runs are worse, 3 if none can be judged."
        ),
    ] = False,
    html: Annotated[
        str | None, typer.Option(help="Write a page with a picture a series.", metavar="FILE")
    ] = None,
    json: JsonPath = None,
) -> None:
    """Show figures over the runs of a ledger, and whether the newest of them changed.

    A series is one metric of one cell with the same settings on the same machine. With --gate the exit
    code is 4 when the newest runs are worse, 3 when no series of the newest run could be judged.
    """
    from duroxide_stress.ledger.trend import gate_code, trends
    from duroxide_stress.reports import trend as report

    names = _metrics(metric or list(DEFAULT))
    refuse_paths(json=json, html=html)
    place = needed(ledger)
    entries = wanted(scenario, provider, config, machine).of(
        _from(since, read_ledger(place).entries)
    )
    found = trends(entries, names, untrusted=untrusted, least=least / 100)
    documents = {
        "--json": (json, lambda: report.document(found)),
        "--html": (html, lambda: _page(place.directory, found)),
    }
    put(
        lambda width: report.render(place.directory, found, last, gate=gate, width=width),
        [Document(flag, path, text) for flag, (path, text) in documents.items() if path],
        "",
    )
    if gate:
        raise typer.Exit(gate_code(found))


def _metrics(words: Sequence[str]) -> tuple[str, ...]:
    """The metrics that are asked for. Raises UsageError for names nobody knows."""
    names = [part.strip() for word in words for part in word.split(",") if part.strip()]
    if problems := [
        unknown_name("metric", n, [*METRICS, ALL]) for n in names if n not in (*METRICS, ALL)
    ]:
        raise UsageError(problems)
    return tuple(METRICS) if ALL in names else tuple(dict.fromkeys(names))


def _from(since: str | None, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries from a run on. Raises UsageError when the ledger has no such run."""
    if since is None:
        return entries
    for place, entry in enumerate(entries):
        if entry.id == since:
            return entries[place:]
    raise UsageError(
        f"--since {shown(since)}: no such run; duroxide-stress history lists their ids"
    )


def _page(directory: Path, found: Sequence[Trend]) -> str:
    from duroxide_stress.reports import trend_page

    return trend_page.render(directory, found)
