"""The outputs, and the page that describes them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from duroxide_stress.judge import judge_run
from duroxide_stress.reports.registry import OUTPUTS
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

PAGE = (Path(__file__).parents[3] / "docs" / "outputs.md").read_text(encoding="utf-8")


def test_every_output_is_described() -> None:
    """In the order of the options."""
    table = re.findall(r"^\| `--([a-z]+) FILE` \|", PAGE, re.MULTILINE)
    assert table == ["json", *OUTPUTS]


def test_modules_lie_where_they_are_named() -> None:
    """They are imported when first used, which a wrong name would only then show."""
    rooms = {output.module.rpartition(".")[0] for output in OUTPUTS.values()}
    assert rooms == {"duroxide_stress.reports", "duroxide_stress.reports.html"}
    assert [out.name for out in OUTPUTS.values() if out.per_cell] == ["hgrm"]


def _cut_off(recorded: Recorded) -> None:
    (recorded.directory / "end.json").unlink()
    recorded.drop("ops", where(name="window_end"))


def _torn(recorded: Recorded) -> None:
    recorded.path("history").write_text("")


def _never_ran(recorded: Recorded) -> None:
    recorded.directory.rename(recorded.run / "away")


@pytest.mark.parametrize("damage", [_cut_off, _torn, _never_ran])
def test_a_recording_in_pieces_has_every_output(
    recorded: Recorded, damage: Callable[[Recorded], None]
) -> None:
    """Each says that nothing is proven, and none a figure that there is not."""
    damage(recorded)
    result = judge_run(recorded.run)
    assert result.verdict is Verdict.UNKNOWN
    assert result.cells[0].orchestrations_per_sec is None
    for name, sign in SIGN.items():
        text = OUTPUTS[name].render(result, recorded.run)
        assert sign in text
        assert not re.search(r"ss_orchestrations_per_second\{|=\"0\.00\"|\| 0\.00 \|", text)


SIGN = {
    "markdown": "## duroxide-stress: unknown",
    "junit": "<error message=",
    "csv": ",unknown,",
    "hgrm": "Percentile",
    "openmetrics": 'verdict="unknown"} 1.0',
}
