"""What a command line of `compare` asks for, and every way to ask for nothing."""

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duroxide_stress.cli.compare import WITHOUT, _command, _parsed, _shared_command, _side_plan
from duroxide_stress.cli.main import app
from duroxide_stress.cli.options import PLAN_WORDS
from duroxide_stress.errors import UsageError
from duroxide_stress.versus.sides import read_asked

NOTHING = _parsed([], "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing to compare"),
        (("none",), r"has no turns\.json"),
        (("none", "none"), "neither a recording nor a result"),
        (("none", "--engine", "installed"), "leave out the paths"),
        (("none", "none", "--duration", "3"), "--duration would do nothing"),
        (("none", "none", "--out", "x"), "--out would do nothing"),
        (("--engine", "installed", "--ledger", "x"), "--ledger names recordings to compare"),
        (("none", "none", "--ledger", "x"), "x is not a ledger"),
        (("--engine", "installed"), "only one side"),
        (("--variant", "a: --config 2/2", "--variant", "b: --confg 4/4"), "No such option"),
        (("--variant", "a: --config 2/2", "--variant", "b: --config x"), "not of the form N/M"),
        (("--engine", "duroxide", "--engine", "installed"), "no engine release"),
        (("none", "none", "--markdown", "no/where.md"), r"--markdown no/where\.md cannot"),
        (("none", "none", "--json", "no/where.json"), r"--json no/where\.json cannot"),
    ],
)
def test_every_mistake_is_a_sentence(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is made."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["compare", *words])
    assert isinstance(done.exception, UsageError)
    with pytest.raises(UsageError, match=said):
        raise done.exception
    assert list(tmp_path.iterdir()) == []


def test_a_sides_words_lie_over_those_of_both() -> None:
    """What it does not say stays as it is."""
    shared = _parsed(["--provider", "reference", "--config", "1/1", "--duration", "3"], "")
    plan = _side_plan(shared, ["--config", "4/8"], "wide")
    (cell,) = plan.cells
    assert (cell.provider, str(cell.config.concurrency)) == ("reference", "4/8")
    assert cell.config.duration_secs == 3
    assert set(PLAN_WORDS) - set(WITHOUT) < set(NOTHING)


def test_the_command_repeats_the_comparison() -> None:
    """Every word that shaped it is in it."""
    shared = _parsed(["--provider", "reference", "--duration", "3"], "")
    sides: tuple[list[str], list[str], int] = (
        ["duroxide==0.2.2"],
        ["a: --config 1/1", "b: --config 4/8"],
        2,
    )
    asked = read_asked(*sides, lambda words, name: _side_plan(shared, words, name))
    assert shlex.split(_command(_shared_command(shared, asked), sides)) == [
        *("duroxide-stress", "compare", "--engine", "duroxide==0.2.2"),
        *("--variant", "a: --config 1/1", "--variant", "b: --config 4/8", "--rounds", "2"),
        *("--suite", "standard", "--provider", "reference", "--duration", "3", "--seed", "1"),
    ]
