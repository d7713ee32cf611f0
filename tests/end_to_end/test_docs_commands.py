"""Every command in the documents is run, or, where that takes a server, minutes or a crash of the
released engine, its words are put to the command's own parser. A command in neither tier fails here.

- Every `run` is put to `plan`, whole and unchanged. It is then also run on the reference engine, in
  virtual time and with a short window, unless it is about what that engine has not: see `only_planned`.
- What reads recordings is run on one of the reference engine; what reads a ledger, on one with a run.
- `capacity` is run on the reference engine with a small budget.
- `self-test`, `crash-map` and what compares engines or variants in turn take minutes or a registry:
  their words are parsed (they have tests of their own).
"""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from duroxide_stress.cli.main import app, main
from duroxide_stress.faults.registry import misfit, read_fault
from duroxide_stress.providers.reference import Reference
from recordings.make import make_run, small_cell

from .doc_commands import DOCUMENTS, ROOT, Shown, commands, raw_count, shown

ALL = {command.words: command for document in reversed(DOCUMENTS) for command in shown(document)}
"""Each once, where it stands first."""
USAGE_ERROR = typer.BadParameter.__mro__[1]
"""Of whichever click typer brings."""
PARSER = typer.main.get_command(app)
RUN_ONLY = (
    "--out",
    "--fail-on",
    "--postgres-url",
    "--ledger",
    "--label",
    "--metrics-port",
    "--json",
)
"""Options of `run` with a value that `plan` has not; so are those of the reports."""
SCALED = (
    "--provider",
    "--config",
    "--duration",
    "--warm-up",
    "--repeat",
    "--max-concurrent",
    "--out",
)
"""Options of `run` that make it long."""
REPORTS = ("--html", "--markdown", "--junit", "--csv", "--hgrm", "--openmetrics")
PLACEHOLDERS = {
    "stress-runs/<run>": "run",
    "<run>": "run",
    "RUN": "run",
    "RUN_DIRECTORY": "run",
    "before": "run",
    "recording": "run",
    "recordings/<test>/stress-1": "run",
    "<p>": "sqlite-file",
    "DIR": "ledger",
    "BASE": "run",
    "CANDIDATE": "run",
}
"""Words that stand for something of the reader's, and what this desk has in their place."""


class Desk:
    """A directory that has whatever the documents speak of, and a recording of the reference engine."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for name in ("order_saga/order_saga.py", "tuned_postgres/tuned_postgres.py"):
            shutil.copy(ROOT / "examples" / name, home)
        for name in ("checks/slow_starts.sql", "checks/fair_share.py"):
            shutil.copy(ROOT / "examples" / name, home)
        for name in ("my_store.py", "plan.toml"):
            shutil.copy(ROOT / "examples/pytest_project" / name, home)
        (home / "order_saga_2.py").write_text("from order_saga import OrderSaga\n")
        (home / "my_module.py").write_text("from order_saga import OrderSaga as MyWorkflows\n")
        make_run(home / "run", small_cell())
        (home / "ledger").mkdir()
        self._parts = 0
        self.done: set[tuple[str, ...]] = set()

    @property
    def instance(self) -> str:
        """An instance of the recording."""
        first = next((self.home / "run").glob("*/ops.jsonl")).read_text().split('"instance":')[1]
        return first.split('"')[1]

    def filled(self, words: tuple[str, ...]) -> list[str]:
        """Words with placeholders filled in. What is written goes where nothing is yet."""
        return [
            self.instance if word in ("<instance>", "INSTANCE") else PLACEHOLDERS.get(word, word)
            for word in words
        ]

    def new(self) -> str:
        """A name that nothing has."""
        self._parts += 1
        return f"new-{self._parts}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One for all commands."""
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(autouse=True)
def seated(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """At the desk, where a reader's modules are found."""
    monkeypatch.chdir(desk.home)
    monkeypatch.setattr(sys, "path", [*sys.path, str(desk.home)])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(desk.home) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def typed(*words: str) -> int:
    """Type a command: its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["duroxide-stress", *words])
        with pytest.raises(SystemExit) as left:
            main()
    return int(left.value.code or 0)


def parsed(name: str, words: list[str]) -> None:
    """Put words to the command's own parser: unknown options and wrong types fail."""
    command = PARSER.commands[name]  # type: ignore[attr-defined]
    try:
        command.make_context(name, list(words)).close()
    except USAGE_ERROR as error:
        raise AssertionError(f"{name}: {error}") from error


def without(words: list[str], options: tuple[str, ...], flags: tuple[str, ...] = ()) -> list[str]:
    """Words without these options and their values, and without these flags."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in options:
            next(rest)
        elif word not in flags:
            kept.append(word)
    return kept


def values(words: list[str], option: str) -> list[str]:
    """What an option is given, each time; lists are split."""
    given = [after for word, after in itertools.pairwise(words) if word == option]
    return given if option == "--fault" else [part for text in given for part in text.split(",")]


def only_planned(words: list[str]) -> str:
    """Why a `run` cannot be repeated on the reference engine; empty when it can."""
    if any(":" in scenario for scenario in values(words, "--scenario")):
        return "workflows of the reader's own are code for the released engine"
    for fault in values(words, "--fault"):
        if why := misfit(read_fault(fault)[0], Reference()):
            return f"fault {fault}: {why}"
    return ""


def run(desk: Desk, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Planned as it stands; then run small, on the reference engine."""
    parsed("run", words)
    code = typed("plan", *without(words, (*RUN_ONLY, *REPORTS), ("--quiet", "--keep-store")))
    said = capsys.readouterr()
    if code and all("cannot be done here" in line for line in said.err.splitlines()):
        return  # a fault that needs what this machine has not
    assert code == 0, said.err
    assert "cells, about" in said.out
    if only_planned(words):
        return
    scaled = [*without(words, SCALED), "--provider", "reference", "--config", "2/2"]
    scaled += ["--warm-up", "0.1", "--duration", "5" if values(words, "--fault") else "0.3"]
    if not {"--rate", "--ramp", "--load"} & set(words):
        scaled += ["--max-concurrent", "4"]
    if values(words, "--suite") == ["full"]:
        scaled += ["--scenario", "timers"]
    if tuple(scaled) in desk.done:
        return  # another command comes to the same
    desk.done.add(tuple(scaled))
    code = typed("run", *scaled, "--out", desk.new())
    said = capsys.readouterr()
    # Such a run may be too small to know something, or miss a target.
    assert code in (0, 3, 4), said.out + said.err
    assert "Verdict: " in said.out + said.err


def read(desk: Desk, words: list[str], capsys: pytest.CaptureFixture[str], name: str) -> None:
    """On the recording. A scenario of the reader's own has no recording of this engine: parsed."""
    if not words and name not in ("plan", "list"):
        return told(name, "--help")  # a command that is spoken of
    parsed(name, words)
    if name == "replay" and "--scenario" in words:
        return None
    assert typed(name, *words) == 0, capsys.readouterr().err
    assert capsys.readouterr().out
    return None


def filed(desk: Desk, words: list[str], capsys: pytest.CaptureFixture[str], name: str) -> None:
    """On a ledger that has a run in it."""
    if not words:
        return told(name, "--help")
    parsed(name, words)
    ledger = values(words, "--ledger")
    if name != "file" and ledger and not (desk.home / ledger[0] / "ledger.jsonl").exists():
        typed("file", "run", "--ledger", ledger[0])
    # With a gate: 3 when there is nothing to compare yet.
    assert typed(name, *words) in (0, 3), capsys.readouterr().err
    return None


def compare(desk: Desk, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Two recordings; sides that are run in turn are parsed."""
    if not words:
        return told("compare", "--help")
    parsed("compare", words)
    if not {"--engine", "--variant"} & set(words) and all(
        (desk.home / w).exists() for w in words[:2]
    ):
        assert typed("compare", *words) in (0, 3, 4), capsys.readouterr().err
    return None


def told(*words: str) -> None:
    """It answers at once."""
    assert typed(*words) == 0


def capacity(desk: Desk, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A search with room for a few steps."""
    parsed("capacity", words)
    scaled = without(words, ("--provider", "--config", "--budget", "--out"))
    scaled += ["--provider", "reference", "--config", "2/2", "--budget", "20s", "--out", desk.new()]
    code = typed("capacity", *scaled)
    said = capsys.readouterr()
    assert code in (0, 3), said.out + said.err
    assert "Objective: " in said.out


Tier = Callable[[Desk, list[str], pytest.CaptureFixture[str]], None]
TIERS: dict[str, Tier] = {
    "run": run,
    "capacity": capacity,
    "self-test": lambda desk, words, capsys: parsed("self-test", words),
    "crash-map": lambda desk, words, capsys: parsed("crash-map", words),
    **{
        name: lambda desk, words, capsys, name=name: read(desk, words, capsys, name)
        for name in ("plan", "check", "report", "show", "replay", "list")
    },
    **{
        name: lambda desk, words, capsys, name=name: filed(desk, words, capsys, name)
        for name in ("file", "history", "trend")
    },
    "compare": compare,
    "--version": lambda desk, words, capsys: told("--version"),
}
"""What is done with each command. One that is not here has no tier, and fails."""


@pytest.mark.parametrize("command", [pytest.param(c, id=c.where) for c in ALL.values()])
def test_the_command_works(command: Shown, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands in the document."""
    name, *words = desk.filled(command.words)
    assert name in TIERS, (
        f"{command.where}: no tier for {name}: run it, or say why it is only parsed"
    )
    TIERS[name](desk, words, capsys)


def test_every_command_is_found() -> None:
    """None hides where the extraction does not look: in tables, in lists, across lines."""
    counted = {d.name: (len(shown(d)), raw_count(d)) for d in DOCUMENTS}
    assert sum(found for found, _ in counted.values()) > 60
    assert {name: both for name, both in counted.items() if both[0] != both[1]} == {}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("duroxide-stress run --slo 'a b'   # why", [("run", "--slo", "a b")]),
        ("x && .venv/bin/duroxide-stress run && y", [("run",)]),
        ("A='b' duroxide-stress list faults | less", [("list", "faults")]),
        ("duroxide-stress run [--nodes 1] [--fault ...]", [("run", "--nodes", "1")]),
        ("duroxide-stress report r > out.txt", [("report", "r")]),
        ("pip install duroxide-stress", []),
        ("uses: o/duroxide-stress@v1", []),
    ],
)
def test_words_end_where_the_command_does(code: str, expected: list[tuple[str, ...]]) -> None:
    """Comments, pipes and what comes after are not words of it."""
    assert commands(code) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--no-such-option"),
        ("run", "--provider", "sqlite-fail"),
        ("run", "--fault", "kill:evry=1s"),
        ("self-test", "--slow"),
        ("list", "fruits"),
        ("no-such-command",),
    ],
)
def test_a_wrong_command_would_be_found(
    words: tuple[str, ...], desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or the tests above would prove nothing."""
    with pytest.raises(AssertionError):
        test_the_command_works(Shown("here:1", words), desk, capsys)
