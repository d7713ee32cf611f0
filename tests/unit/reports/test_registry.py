"""The outputs, and the page that describes them."""

import re
from pathlib import Path

from duroxide_stress.reports.registry import OUTPUTS

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
