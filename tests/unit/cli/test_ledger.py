"""Which ledger a command means, and what happens when it cannot be written after a run."""

import shutil
from pathlib import Path

import pytest

from duroxide_stress.cli.ledger import file_after_run, needed, place_of, where_filed
from duroxide_stress.config_file import ledger_named_in, load_plan
from duroxide_stress.errors import UsageError
from duroxide_stress.judge import judge_run
from duroxide_stress.ledger.filing import file_run
from duroxide_stress.ledger.store import Ledger

LEDGER = "DUROXIDE_STRESS_LEDGER"


def test_the_flag_beats_the_plan_and_the_plan_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty variable is none."""
    monkeypatch.setenv(LEDGER, "of-environment")
    found = [place_of(Path("flag"), Path("plan")), place_of(None, Path("plan")), place_of(None)]
    assert [str(p.directory) for p in found if p] == ["flag", "plan", "of-environment"]
    for nothing in ("", "  "):
        monkeypatch.setenv(LEDGER, nothing)
        assert place_of(None) is None
    with pytest.raises(UsageError, match=f"no ledger is named: give --ledger DIR, or set {LEDGER}"):
        needed(None)


def test_the_directory_at_hand_can_be_a_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--ledger .` names one."""
    monkeypatch.delenv(LEDGER, raising=False)
    place = place_of(Path())
    assert place is not None
    assert place.directory == Path()


def test_a_plan_file_names_its_ledger(tmp_path: Path) -> None:
    """Relative to the file; none where it names none."""
    path = tmp_path / "plan.toml"
    path.write_text('ledger = "../perf"\nproviders = ["reference"]\n')
    load_plan(path)
    assert ledger_named_in(path) == tmp_path / "../perf"
    path.write_text('providers = ["reference"]\n')
    assert ledger_named_in(path) is None
    assert ledger_named_in(None) is None


@pytest.mark.parametrize("wrong", ["7", '["a"]', "true", '""'])
def test_a_plan_files_wrong_ledger_has_its_line(tmp_path: Path, wrong: str) -> None:
    """As every other key."""
    path = tmp_path / "plan.toml"
    path.write_text(f"ledger = {wrong}\n")
    with pytest.raises(UsageError) as caught:
        load_plan(path)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}:1: ledger must be a text, a directory that lies relative")


def test_a_ledger_that_cannot_be_written_costs_a_warning(
    pristine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the words that file the run later; the result stands."""
    (tmp_path / "gone").touch()
    place = Ledger(tmp_path / "gone")
    file_after_run(place, pristine, judge_run(pristine), None, None)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"warning: ledger {place.directory} cannot be written: File exists; file it later with: "
        f"duroxide-stress file {pristine} --ledger {place.directory}\n"
    )


def test_what_is_filed_and_what_does_not_count_is_said(
    pristine: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On standard error; under the machine's name of the environment."""
    monkeypatch.setenv("DUROXIDE_STRESS_MACHINE", "pool")
    place = Ledger(tmp_path / "perf")
    result = judge_run(pristine)
    file_after_run(place, pristine, result, "postgres://u:secret@h/db", None)
    file_after_run(place, pristine, result, None, None)
    (entry,) = place.read().entries
    assert entry.machine.host == "pool"
    assert entry.label == "postgres://u:***@h/db"
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"Filed in {place.directory} as {entry.id}")
    assert ("do not count" in first) == (not all(cell.counts for cell in entry.cells))
    assert second.endswith(f"already, as {entry.id}; nothing was filed")


def test_where_a_run_was_recorded(tmp_path: Path, pristine: Path) -> None:
    """By its id or its label, the newest of several; not when its recording is gone."""
    run = Path(shutil.copytree(pristine, tmp_path / "run"))
    ledger = Ledger(tmp_path / "perf")
    entry, _ = file_run(ledger, run, judge_run(run), label="before")
    find = where_filed(ledger.directory)
    assert find is not None
    assert find(entry.id) == find("before") == run
    with pytest.raises(
        UsageError, match=f"neither a path nor a run of .*, which ends with {entry.id}"
    ):
        find("after")
    shutil.rmtree(run)
    with pytest.raises(UsageError, match="which is not here: a comparison needs the recording"):
        find("before")
