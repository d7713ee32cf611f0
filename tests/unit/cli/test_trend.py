"""What a command line of `history` and `trend` gets wrong, and what it exits with."""

from pathlib import Path
from typing import Any

import pytest
import typer

from duroxide_stress.cli.ledger import history
from duroxide_stress.cli.trend import trend
from duroxide_stress.errors import UsageError
from duroxide_stress.ledger.store import Ledger
from unit.ledger.made_up import cell, entry, runs
from unit.ledger.test_trend import values


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of twenty runs, the last four of them worse."""
    monkeypatch.delenv("DUROXIDE_STRESS_LEDGER", raising=False)
    ledger = Ledger(tmp_path / "perf")
    for made in runs(values(entries=20, step=-9.0, last=4)):
        ledger.append(made)
    return ledger.directory


@pytest.mark.parametrize(
    ("metrics", "words", "said"),
    [
        (
            ["p98", "x"],
            {},
            "unknown metric 'p98': did you mean 'p99'?\nunknown metric 'x': one of:",
        ),
        (None, {"since": "x"}, "--since 'x': no such run; duroxide-stress history lists their ids"),
        (None, {"html": "no/t.html"}, "--html no/t.html cannot be written: no is not a directory"),
        (None, {"json": "no/t.json"}, "--json no/t.json cannot be written"),
    ],
)
def test_what_is_wrong_is_said(
    place: Path, metrics: list[str] | None, words: dict[str, Any], said: str
) -> None:
    """A sentence each."""
    with pytest.raises(UsageError) as caught:
        trend(metrics, ledger=place, **words)
    assert str(caught.value).startswith(said)


def test_a_ledger_must_be_named_and_there(place: Path) -> None:
    """By both commands."""
    for command in (history, trend):
        with pytest.raises(UsageError, match="no ledger is named"):
            command()
        with pytest.raises(UsageError, match="none is not a ledger: it has no ledger"):
            command(ledger=Path("none"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({}, 4),
        ({"least": 60.0}, 0),
        ({"machine": ["elsewhere"]}, 3),
        ({"config": ["1/1"]}, 3),
        ({"config": ["2/2,1/1"]}, 4),
        ({"since": "0000000a"}, 3),
    ],
)
def test_the_gate_looks_at_what_is_asked_for(
    place: Path, words: dict[str, Any], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Filters, a later beginning, and a change that is too small to matter."""
    with pytest.raises(typer.Exit) as left:
        trend(["all"], ledger=place, gate=True, **words)
    assert left.value.exit_code == code
    assert ("GATE: WORSE" in capsys.readouterr().out) == (code == 4)


def test_only_the_last_runs_are_listed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And it is said how many there are."""
    history(ledger=place, last=3)
    said = capsys.readouterr().out
    assert "20 runs, the newest 3 of them here" in said
    assert said.count("parallel sqlite-file 2/2") == 3


def test_a_run_without_the_cells_asked_for_can_be_the_first(place: Path) -> None:
    """`--since` names a run of the ledger; what is shown from there on is another question."""
    Ledger(place).append(entry(4000, cell(scenario="timers")))
    trend(ledger=place, scenario=["timers"], since="0000000a")
    with pytest.raises(UsageError, match="no such run"):
        trend(ledger=place, scenario=["timers"], since="0000ffff")
