"""The catalogue in the docs is the catalogue of the code."""

import re
from pathlib import Path

from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.faults.registry import FAULTS
from duroxide_stress.scenarios.registry import SCENARIOS

DOCS = Path(__file__).parents[2] / "docs"


def test_every_check_is_in_the_catalogue() -> None:
    """In the order in which reports show them."""
    table = re.findall(r"^\| ([a-z]+) \|", (DOCS / "checks.md").read_text(), re.MULTILINE)
    assert table[1:] == list(CHECKS)


def test_every_fault_has_its_section() -> None:
    """With the name by which it is given."""
    sections = re.findall(r"^## ([a-z-]+)$", (DOCS / "faults.md").read_text(), re.MULTILINE)
    assert set(FAULTS) <= set(sections)


def test_every_scenario_has_its_section() -> None:
    """With a picture, but for the mixture of the others."""
    text = (DOCS / "scenarios.md").read_text()
    sections = dict(re.findall(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(SCENARIOS) <= set(sections)
    for name in SCENARIOS:
        drawn = any(line.startswith("    ") for line in sections[name].splitlines())
        assert drawn or name in ("mixed", "large-payload"), name
