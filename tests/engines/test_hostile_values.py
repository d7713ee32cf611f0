"""Values, names and words that break where they are not taken exactly, on the released engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from duroxide_stress import CellResult, build_plan, check_recording, run_stress_test
from duroxide_stress.config import Choices
from duroxide_stress.errors import UsageError
from duroxide_stress.reports import console
from duroxide_stress.reports.json import render
from duroxide_stress.verdict import Verdict

HERE = Path(__file__).parent
CONTROLS = [chr(code) for code in range(32) if chr(code) != "\n"]


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workflows are where modules are looked for, in this process and in the nodes."""
    monkeypatch.syspath_prepend(str(HERE))


def run(scenario: str, provider: str, out: Path, instances: int) -> CellResult:
    """One small cell at 1/1 of at least so many instances, since they begin at once."""
    config: dict[str, Any] = {"duration_secs": 0.1, "warmup_secs": 0, "max_concurrent": instances}
    choices = Choices(
        scenarios=(f"hostile:{scenario}",),
        providers=(provider,),
        configs=("1/1",),
        overrides={**config, "poll_interval_ms": 5},
    )
    (cell,) = run_stress_test(build_plan(choices), out=out).cells
    return cell


def test_every_value_arrives_as_it_was_sent(tmp_path: Path) -> None:
    """Through inputs, activities, children, errors and outputs, to the letter and to the last digit;
    and ids of any kind are followed to their children."""
    cell = run("Hostile", "sqlite-file", tmp_path / "out", instances=3)
    checks = {check.name: check for check in cell.checks}
    assert [(c.name, c.findings) for c in cell.checks if c.found] == []
    assert cell.verdict is Verdict.OK
    assert checks["outputs"].seen == cell.completed >= 3
    # A call whose id was taken leads to no child.
    assert checks["children"].seen == 2 * cell.completed
    assert checks["children"].verdict is Verdict.OK


def test_a_number_one_off_at_2_to_the_53_is_found(tmp_path: Path) -> None:
    """No step between the engine and the verdict takes numbers for floats."""
    cell = run("OneOff", "sqlite-memory", tmp_path / "out", instances=2)
    (violated,) = [check for check in cell.checks if check.verdict is Verdict.VIOLATED]
    assert (violated.name, cell.verdict) == ("outputs", Verdict.VIOLATED)
    assert violated.found == 2 * cell.completed


def test_words_of_failures_are_kept_and_shown_harmlessly(tmp_path: Path) -> None:
    """Into the predicate, the recording, the verdict and its JSON as they are; onto a terminal as
    escapes."""
    out = tmp_path / "out"
    cell = run("Doomed", "sqlite-memory", out, instances=6)
    (success,) = [check for check in cell.checks if check.name == "success"]
    # The third instance is complained of in the third text's words, the sixth in the first's.
    assert success.findings[0].detail == "\x1b[31mred\x1b[0m\r\n</script><!-- --]]>"
    assert success.findings[1].detail.startswith("\0\x01\x02")
    assert success.found == cell.launched // 3
    result = check_recording(out)
    document = json.loads(render(result))
    (told,) = [c for c in document["cells"][0]["checks"] if c["name"] == "success"]
    assert told["findings"][0]["detail"] == success.findings[0].detail
    report = console.render(result, out)
    assert "\\x1b[31mred\\x1b[0m" in report
    assert not [control for control in CONTROLS if control in report]


@pytest.mark.parametrize("provider", ["sqlite-file", "sqlite-memory"])
def test_a_value_that_cannot_be_carried_ends_the_run_where_it_comes_up(
    provider: str, tmp_path: Path
) -> None:
    """It is the user's to mend: no verdict on the engine, and the recording says why it ends."""
    with pytest.raises(UsageError) as caught:
        run("Late", provider, tmp_path / "out", instances=4)
    assert str(caught.value) == (
        "scenario 'hostile:Late': the input in start(3) cannot be run and verified: "
        'NaN, which is no number of JSON at ["number"]'
    )
    (end,) = (tmp_path / "out").glob("*/end.json")
    told = json.loads(end.read_bytes())
    assert (told["ended"], told["reason"]) == ("error", str(caught.value))
