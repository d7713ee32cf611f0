"""Which ledger a command means, and what happens when it cannot be written after a run."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.cli.ledger import (
    file,
    file_after_run,
    needed,
    place_of,
    refuse_words,
    where_filed,
)
from duroxide_stress.config_file import ledger_named_in, load_plan
from duroxide_stress.errors import UsageError
from duroxide_stress.judge import judge_run
from duroxide_stress.ledger.filing import file_run
from duroxide_stress.ledger.store import Ledger
from duroxide_stress.recording.store import read_cell_end, read_run, write_json

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


@pytest.mark.parametrize("wrong", ["7", '["a"]', "true", '""', '"a\\u0000b"'])
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


def test_a_recording_that_another_run_has_taken_the_place_of(
    tmp_path: Path, pristine: Path
) -> None:
    """With `--out` used again, both entries lead to the newest recording: the older is refused."""
    run = Path(shutil.copytree(pristine, tmp_path / "run"))
    ledger = Ledger(tmp_path / "perf")
    result = judge_run(run)
    old, _ = file_run(ledger, run, result)
    head = read_run(run)
    write_json(run / "plan.json", msgspec.structs.replace(head, started_ns=head.started_ns + 1))
    new, _ = file_run(ledger, run, result)
    find = where_filed(ledger.directory)
    assert find is not None
    assert find(new.id) == run
    with pytest.raises(
        UsageError, match=rf"another run \({new.id}\) has been recorded there since"
    ):
        find(old.id)


@pytest.mark.parametrize("cut", ["interrupted", "killed", "before"])
def test_a_recording_that_was_cut_off_is_not_filed(
    cut: str, tmp_path: Path, pristine: Path
) -> None:
    """Whether Ctrl-C ended it, or nothing was left to say how, or a cell was never begun."""
    run = Path(shutil.copytree(pristine, tmp_path / "run"))
    directory = run / read_run(run).plan.cells[0].key
    end = read_cell_end(directory)
    if cut == "interrupted":
        write_json(directory / "end.json", msgspec.structs.replace(end, ended="interrupted"))
    elif cut == "killed":
        (directory / "end.json").unlink()
    else:
        shutil.rmtree(directory)
    with pytest.raises(UsageError, match=r"was cut off in or before .*: only a run that went to"):
        file(run, ledger=tmp_path / "perf")
    assert not (tmp_path / "perf").exists()


def test_words_that_no_ledger_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are refused before anything runs, all at once."""
    refuse_words("grün", None)
    monkeypatch.setenv("DUROXIDE_STRESS_MACHINE", "pool-\udcff")
    with pytest.raises(UsageError) as caught:
        refuse_words("\udcff", None)
    assert caught.value.problems == (
        "--label '\\udcff' cannot be filed: it has a lone surrogate at character 0, "
        "which UTF-8 cannot hold",
        "DUROXIDE_STRESS_MACHINE 'pool-\\udcff' cannot be filed: it has a lone surrogate at "
        "character 5, which UTF-8 cannot hold",
    )
    refuse_words(None, "pool")
    with pytest.raises(UsageError, match="--machine"):
        refuse_words(None, "\udcff")


def test_a_recording_below_a_directory_that_is_not_utf8(tmp_path: Path, pristine: Path) -> None:
    """Is filed; its path as near as UTF-8 comes."""
    run = Path(shutil.copytree(pristine, tmp_path / os.fsdecode(b"a\xff") / "run"))
    ledger = Ledger(tmp_path / "perf")
    entry, new = file_run(ledger, run, judge_run(run))
    assert new
    assert entry.run.endswith("a\ufffd/run")
    assert ledger.read() == ((entry,), ())
