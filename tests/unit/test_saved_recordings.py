"""Old recordings are judged as they were: a change of the format, of a check or of a figure is seen."""

from pathlib import Path

import msgspec
import pytest

from duroxide_stress.judge import judge_run
from duroxide_stress.scenarios.registry import SCENARIOS
from duroxide_stress.verdict import Verdict
from recordings.save import BLOCKED, CELLS, MAX_INSTANCES, REAL, SAVED, expectation

RUNS = sorted(path.name for path in SAVED.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", RUNS)
def test_a_saved_recording_is_judged_as_ever(name: str) -> None:
    """Verdict, counts, figures, parts, and how much each check saw and found."""
    expected = msgspec.json.decode((SAVED / name / "expected.json").read_bytes())
    found = msgspec.json.decode(msgspec.json.encode(expectation(SAVED / name)))
    for key in expected:
        assert found[key] == expected[key], key
    assert found.keys() == expected.keys()


def test_every_scenario_is_saved() -> None:
    """One recording each, one of the released engine, and one of a defect of it."""
    assert set(CELLS) == set(SCENARIOS)
    assert {*SCENARIOS, REAL, BLOCKED} == set(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_a_saved_recording_is_small(name: str) -> None:
    """A few instances, records only, nothing that tells of the machine."""
    (cell,) = judge_run(SAVED / name).cells
    assert 1 < cell.launched <= MAX_INSTANCES
    assert {path.suffix for path in Path(SAVED / name).rglob("*.*") if path.is_file()} == {
        ".json",
        ".jsonl",
    }


def test_what_is_saved_stays_below_a_megabyte() -> None:
    """It is cloned by everybody."""
    assert sum(p.stat().st_size for p in SAVED.rglob("*") if p.is_file()) < 1_000_000


def test_a_blocked_queue_stays_a_finding() -> None:
    """Duroxide 0.2.2: three of four instances never ended, and the store shows what they waited for."""
    (cell,) = judge_run(SAVED / BLOCKED).cells
    assert cell.verdict is Verdict.VIOLATED
    assert cell.failed_by_category["timeout"] == 3
    assert cell.success_rate == 25


def test_the_saved_upgrade_was_lived_through() -> None:
    """A recording of the versions scenario in which no node was replaced would hold nothing."""
    (cell,) = judge_run(SAVED / "versions").cells
    (check,) = (check for check in cell.checks if check.name == "versions")
    assert (check.verdict, check.seen > 0) == (Verdict.OK, True)
    assert "began with 1.0.0" in check.note
    assert "began with 2.0.0" in check.note
