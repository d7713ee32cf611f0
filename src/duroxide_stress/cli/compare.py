"""`compare`: two recordings, or two sides that are run in turn for it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duroxide_stress.cli.ledger import where_filed
from duroxide_stress.cli.options import (
    JsonPath,
    LedgerDirectory,
    Out,
    PlanWords,
    Quiet,
    with_plan_words,
)
from duroxide_stress.cli.output import put, say
from duroxide_stress.cli.paths import Document, refuse_paths
from duroxide_stress.cli.run import read_plan
from duroxide_stress.errors import UsageError

if TYPE_CHECKING:
    from duroxide_stress.ledger.compare import Wanted
    from duroxide_stress.ledger.compare_result import Comparison
    from duroxide_stress.plan import Plan
    from duroxide_stress.versus.sides import Asked
    from duroxide_stress.versus.turns import Turn, Turns

WITHOUT = ("plan_file", "repeat")
"""Plan words that have no place here: a side is an argument, and rounds are what repeats."""


class CompareFailOn(StrEnum):
    """What beside a violated promise makes the exit code differ from 0."""

    PROMISES = "promises"
    SLOWER = "slower"


Base = Annotated[
    str | None,
    typer.Argument(
        help="A recording, its result.json, or an id or label of the ledger; or, alone, what was run "
        "in turn."
    ),
]
Candidate = Annotated[
    str | None, typer.Argument(help="What is compared with it.", show_default=False)
]
Engines = Annotated[
    list[str],
    typer.Option(
        "--engine",
        help="Run in turn: an engine release (duroxide==0.1.28), the path of a wheel, or "
        "`installed`; given twice, the base first.",
    ),
]
Variants = Annotated[
    list[str],
    typer.Option(
        "--variant",
        help="Run in turn: a side's own options of run, `wide: --config 4/8`; given twice.",
    ),
]
Rounds = Annotated[
    int | None, typer.Option(help="How often each side runs each cell in turn [default: 4].")
]
Envs = Annotated[
    Path | None,
    typer.Option(help="Where engine environments are kept [default: below ~/.cache]."),
]
AcrossMachines = Annotated[
    bool, typer.Option("--across-machines", help="Compare results of different machines.")
]
AcrossSettings = Annotated[
    bool, typer.Option("--across-settings", help="Compare cells whose settings differ.")
]
Untrusted = Annotated[
    bool,
    typer.Option(
        "--untrusted", help="Count runs whose figures are untrustworthy, as on a busy machine."
    ),
]
MarkdownPath = Annotated[
    str | None, typer.Option(help="Write the comparison as Markdown to a file, - for stdout.")
]
FailOnSlower = Annotated[
    CompareFailOn,
    typer.Option("--fail-on", help="With `slower`, a confirmed slowdown exits with 4."),
]


@partial(with_plan_words, without=WITHOUT)
def compare(  # noqa: PLR0913, PLR0917 - one parameter an option
    words: PlanWords,
    base: Base = None,
    candidate: Candidate = None,
    engine: Engines = [],  # noqa: B006 - typer's way to say that it may be left out
    variant: Variants = [],  # noqa: B006 - as above
    rounds: Rounds = None,
    envs: Envs = None,
    across_machines: AcrossMachines = False,
    across_settings: AcrossSettings = False,
    untrusted: Untrusted = False,
    out: Out = None,
    ledger: LedgerDirectory = None,
    json: JsonPath = None,
    markdown: MarkdownPath = None,
    fail_on: FailOnSlower = CompareFailOn.PROMISES,
    quiet: Quiet = False,
) -> None:
    """Say of each figure whether the candidate is faster, slower, or whether nobody can tell.

    Exit codes: 0 no regression, 1 the candidate violates a promise, 2 usage, 3 nothing could be
    told (with --fail-on slower: of some cell), 4 slower (only with --fail-on slower), 130
    interrupted.
    """
    refuse_paths(json=json, markdown=markdown)
    in_turn = {"--engine": engine, "--variant": variant, "--rounds": rounds, "--envs": envs}
    _refuse_mixture(words, base, {**in_turn, "--out": out, "--ledger": ledger})
    from duroxide_stress.ledger.compare import Wanted

    wanted = Wanted(across_machines, across_settings, untrusted)
    home: Path | None = None
    if engine or variant:
        sides = (engine, variant, 4 if rounds is None else rounds)
        found, home = _run_in_turn(words, sides, (out, envs), wanted, quiet=quiet)
    elif base is not None and candidate is not None:
        found = _read(base, candidate, wanted, ledger)
    elif base is not None:
        from duroxide_stress.versus.compared import compare_turns, read_turns

        home = Path(base)
        found = compare_turns(home, read_turns(home), wanted)
    else:
        raise UsageError(
            "nothing to compare: name two recordings, or two --engine or --variant to run in turn"
        )
    _show(found, home, json, markdown)
    raise typer.Exit(found.exit_code(fail_on_slower=fail_on is CompareFailOn.SLOWER))


def _refuse_mixture(words: PlanWords, base: str | None, in_turn: dict[str, Any]) -> None:
    """Recordings that exist are not run, and what is run is no recording."""
    asked = in_turn["--engine"] or in_turn["--variant"]
    if base is not None and asked:
        raise UsageError(
            "recordings are compared as they are: leave out the paths, or --engine and --variant"
        )
    if asked and in_turn["--ledger"]:
        raise UsageError("--ledger names recordings to compare: what is run in turn is not filed")
    if not asked:
        named = {flag: value for flag, value in in_turn.items() if flag != "--ledger"}
        idle = [flag for flag, value in named.items() if value not in (None, [])]
        idle += [f"--{name.replace('_', '-')}" for name, v in words.items() if v not in (None, [])]
        if idle:
            raise UsageError(
                f"{', '.join(idle)} would do nothing: only what is run in turn (two --engine or "
                "--variant) has a plan"
            )


def _read(base: str, candidate: str, wanted: Wanted, ledger: Path | None) -> Comparison:
    import msgspec

    from duroxide_stress.ledger.compare import compare
    from duroxide_stress.ledger.compare_sources import read_source

    filed = where_filed(ledger)
    words = ["duroxide-stress", "compare", base, candidate]
    command = shlex.join([*words, *(["--ledger", str(ledger)] if ledger else [])])
    wanted = msgspec.structs.replace(wanted, command=command)
    return compare(read_source(base, filed), read_source(candidate, filed), wanted)


def _run_in_turn(
    words: PlanWords,
    sides: tuple[list[str], list[str], int],
    places: tuple[Path | None, Path | None],
    wanted: Wanted,
    *,
    quiet: bool,
) -> tuple[Comparison, Path]:
    import msgspec

    from duroxide_stress.cli.display import Interrupts
    from duroxide_stress.recording.store import write_json
    from duroxide_stress.runner import prepare_directory
    from duroxide_stress.versus.compared import compare_turns
    from duroxide_stress.versus.environments import default_cache
    from duroxide_stress.versus.sides import make_turns, read_asked
    from duroxide_stress.versus.turns import run_turns

    tell: Callable[[str], None] = (lambda text: None) if quiet else _tell
    asked = read_asked(*sides, lambda own, name: _side_plan(words, own, name))
    command = _command(_shared_command(words, asked), sides)
    turns = make_turns(asked, places[1] or default_cache(), command, tell)
    home = prepare_directory(places[0], asked.plans[0])
    with Interrupts() as interrupts:
        whole = run_turns(turns, home, _Teller(turns, tell, lambda: interrupts.asked))
    wanted = msgspec.structs.replace(wanted, interrupted=not whole)
    found = compare_turns(home, turns, wanted)
    write_json(home / "compare.json", found)
    return found, home


class _Teller:
    """Says what runs, a line a run."""

    def __init__(
        self, turns: Turns, tell: Callable[[str], None], asked: Callable[[], bool]
    ) -> None:
        from duroxide_stress.units import format_duration

        self._turns, self._tell, self.interrupted = turns, tell, asked
        total = 2 * turns.rounds * len(turns.base.cells)
        duration = format_duration(round(turns.estimated_secs))
        tell(f"{total} runs in turn ({turns.order}), about {duration}")

    def began(self, turn: Turn, number: int, total: int) -> None:
        side = self._turns.base if turn.side == "base" else self._turns.candidate
        cell = turn.cell
        self._tell(
            f"{number}/{total} round {turn.round}: {side.name}, {cell.scenario} on "
            f"{cell.provider} at {cell.config.concurrency}"
        )


def _tell(text: str) -> None:
    from duroxide_stress.reports.text import one_line

    say(one_line(text) + "\n", sys.stderr)


def _side_plan(shared: PlanWords, own: list[str], name: str) -> Plan:
    """The plan of a side: its own words over those that both share. Raises UsageError."""
    import msgspec

    words = {**shared, **{k: v for k, v in _parsed(own, name).items() if v not in (None, [])}}
    plan: Plan = read_plan(words)
    return msgspec.structs.replace(plan, name="compare")


def _parsed(words: list[str], name: str) -> PlanWords:
    """Plan words as the command line of `run` would read them."""
    found: PlanWords = {}

    def capture(words: PlanWords) -> None:
        found.update(words)

    app = typer.Typer(add_completion=False)
    app.command()(with_plan_words(capture, without=WITHOUT))
    try:
        app(words, standalone_mode=False)
    except Exception as error:
        said = getattr(error, "format_message", None)  # the base of these errors has no public name
        if said is None:
            raise
        raise UsageError(f"--variant {name}: {said()}") from error
    return found


def _shared_command(words: PlanWords, asked: Asked) -> str:
    """The words of `run` for what both sides share; the base's own, where these make no plan alone."""
    try:
        plan: Plan = read_plan(words)
    except UsageError:
        return asked.plans[0].command
    return plan.command


def _command(run: str, sides: tuple[list[str], list[str], int]) -> str:
    """The words that repeat the comparison."""
    engines, variants, rounds = sides
    words = ["duroxide-stress", "compare"]
    words += [word for text in engines for word in ("--engine", text)]
    words += [word for text in variants for word in ("--variant", text)]
    words += ["--rounds", str(rounds)]
    return shlex.join([*words, *shlex.split(run)[2:]])  # after duroxide-stress run


def _show(found: Comparison, home: Path | None, json: str | None, markdown: str | None) -> None:
    from duroxide_stress.ledger.compare_result import document
    from duroxide_stress.reports import compare as report
    from duroxide_stress.reports import compare_markdown

    documents = []
    if json is not None:
        documents.append(Document("--json", json, lambda: document(found)))
    if markdown is not None:
        documents.append(Document("--markdown", markdown, lambda: compare_markdown.render(found)))
    kept = "" if home is None else f"; the runs are in {home}"
    put(lambda width: report.render(found, home, width), documents, kept)
