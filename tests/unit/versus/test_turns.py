"""The order of the turns, and how a side's process is ended."""

import sys
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.ledger.compare import Wanted
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.versus.compared import compare_turns, read_turns
from duroxide_stress.versus.turns import FORMAT, Turns, TurnSide, every_turn, run_turns
from recordings.make import make_run, small_cell

CELL = Cell("parallel", "reference", StressTestConfig(seed=7))


def turns_of(rounds: int, *cells: Cell, python: str = sys.executable) -> Turns:
    """The same cells on both sides."""
    return Turns(
        format=FORMAT,
        base=TurnSide("old", python, cells),
        candidate=TurnSide("new", python, cells),
        rounds=rounds,
        command="duroxide-stress compare",
    )


class Silent:
    """Wants the end before the run of this number."""

    def __init__(self, last: int | None = None) -> None:
        self._last, self.seen = last, 0

    def began(self, turn: object, number: int, total: int) -> None:
        self.seen = number

    def interrupted(self) -> bool:
        return self._last is not None and self.seen >= self._last


def test_the_sides_take_turns() -> None:
    """A B, B A, of each cell; both sides of a round make the same draws."""
    turns = turns_of(3, CELL, msgspec.structs.replace(CELL, scenario="timers"))
    every = list(every_turn(turns))
    assert turns.order == "ABBAAB"
    assert [t.side[0] for t in every] == list("bcbccbcbbcbc")
    assert [t.number for t in every] == [1, 1, 2, 2] * 3
    assert [t.cell.config.seed for t in every] == [7] * 4 + [8] * 4 + [9] * 4
    assert len({t.directory for t in every}) == len(every)


def test_a_comparison_that_was_cut_off_can_be_read(tmp_path: Path) -> None:
    """Rounds that are not there are missing, and it says so."""
    turns = turns_of(2, small_cell())
    (tmp_path / "turns.json").write_bytes(msgspec.json.encode(turns))
    for turn in list(every_turn(turns))[:2]:
        make_run(tmp_path / turn.directory, turn.cell)
    assert read_turns(tmp_path) == turns
    found = compare_turns(tmp_path, turns, Wanted(untrusted=True))
    assert found.interrupted
    assert found.exit_code() == 130
    (cell,) = found.cells
    assert cell.base.recordings == ("round-01/01-base/parallel.reference.2-2.r1",)
    assert {c.change_pct for c in cell.changes} == {0.0}


def test_nothing_of_a_side_is_no_comparison(tmp_path: Path) -> None:
    """One sentence; also for a directory that is something else, and for a damaged one."""
    with pytest.raises(UsageError, match="no runs of both sides"):
        compare_turns(tmp_path, turns_of(1, CELL), Wanted())
    with pytest.raises(UsageError, match=r"no turns\.json"):
        read_turns(tmp_path)
    (tmp_path / "turns.json").write_text("{")
    with pytest.raises(UsageError, match="is damaged"):
        read_turns(tmp_path)
    newer = msgspec.structs.replace(turns_of(1, CELL), format=FORMAT + 1)
    (tmp_path / "turns.json").write_bytes(msgspec.json.encode(newer))
    with pytest.raises(UsageError, match="upgrade duroxide-stress"):
        read_turns(tmp_path)


def test_a_side_that_leaves_no_result(tmp_path: Path) -> None:
    """Its exit code and its last words are said."""
    turns = turns_of(1, CELL, python="/bin/echo")
    with pytest.raises(
        RunError,
        match=r"old left no result \(exit code 0\): -m duroxide_stress\.versus\.tethered run",
    ):
        run_turns(turns, tmp_path, Silent())


def test_an_end_that_is_wanted_comes_between_runs(tmp_path: Path) -> None:
    """Nothing is started any more."""
    told = Silent(last=0)
    assert run_turns(turns_of(1, CELL), tmp_path, told) is False
    assert told.seen == 0
    assert [path.name for path in tmp_path.iterdir()] == ["turns.json"]


def test_a_turn_has_its_sides_checks_and_is_filed_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that the environment names is for results, of which a turn is none."""
    monkeypatch.setenv("DUROXIDE_STRESS_LEDGER", "perf")
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\nfor word; do out=$word; done\nmkdir -p "$out"\n'
        'echo "$DUROXIDE_STRESS_LEDGER|$*" > "$out/result.json"\n'
    )
    python.chmod(0o755)
    (tmp_path / "home").mkdir()
    turns = turns_of(1, CELL, python=str(python))
    checked = msgspec.structs.replace(turns.candidate, checks=("own.sql",))
    turns = msgspec.structs.replace(turns, candidate=checked)
    assert run_turns(turns, tmp_path / "home", Silent()) is True
    base, candidate = (
        (tmp_path / "home" / turn.directory / "result.json").read_text()
        for turn in every_turn(turns)
    )
    assert base.startswith("|-m duroxide_stress.versus.tethered run ")
    assert "own.sql" not in base
    assert "--check own.sql" in candidate
