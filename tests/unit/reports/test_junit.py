"""JUnit XML as its readers take it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from duroxide_stress.reports.junit import FINDINGS, render, xml_text
from duroxide_stress.result import RunResult

from .hostile import NASTY, hostile_result

RUN = Path("run")


def parsed(result: RunResult) -> JUnitXml:
    """The document, read by a JUnit parser."""
    return JUnitXml.fromstring(render(result, RUN).encode())


def test_a_clean_run_is_green(clean: RunResult) -> None:
    """A case a check, and one for the verdict; what was not asked is skipped."""
    document = parsed(clean)
    (suite,) = document
    (cell,) = clean.cells
    unasked = sum(not check.asked for check in cell.checks)
    assert (document.tests, document.failures, document.errors) == (1 + len(cell.checks), 0, 0)
    assert document.skipped == unasked > 0
    assert [case.name for case in suite] == ["verdict", *(check.name for check in cell.checks)]
    assert {case.classname for case in suite} == {"parallel.reference.2/2"}
    assert suite.time == pytest.approx(cell.window.secs, abs=0.001)
    rate = next(p.value for p in suite.properties() if p.name == "orchestrations_per_sec")
    assert float(rate) == pytest.approx(cell.orchestrations_per_sec, abs=0.005)


def test_every_verdict_has_its_outcome(clean: RunResult) -> None:
    """Violated fails, unknown is an error where it was asked; a cell without checks says so itself."""
    document = parsed(hostile_result(clean))
    one, two, three = document
    outcomes = {case.name: [type(outcome) for outcome in case.result] for case in one}
    assert outcomes == {
        "verdict": [Failure],
        "outputs": [Failure],
        "timers": [Error],
        "races": [Skipped],
        "history": [],
    }
    ((cut_off,),) = [case.result for case in two]
    assert (type(cut_off), cut_off.message) == (Error, "cut off")
    assert (three.failures, three.errors) == (0, 0)
    assert (document.failures, document.errors) == (2, 2)


def test_a_failure_lists_its_findings(clean: RunResult) -> None:
    """The first of them, the worst, how many there are, and how to repeat the cell."""
    (failure,) = next(c for c in next(iter(parsed(hostile_result(clean)))) if c.name == "outputs")
    assert failure.message == "30 found in 7 things"
    assert failure.text.count("found: i") == FINDINGS
    assert "worst: i19" in failure.text
    assert "30 in all; result.json lists 20" in failure.text
    assert "repeat: run '" in failure.text
    assert "story: duroxide-stress show run" in failure.text


def test_any_text_is_valid_xml(clean: RunResult) -> None:
    """What XML 1.0 forbids stands as an escape, markup as text; line breaks in attributes survive."""
    root = ElementTree.fromstring(render(hostile_result(clean), RUN).encode())
    label = root.find("testsuite/properties/property[@name='engine']")
    assert label is not None
    assert label.get("value") == (
        r"</script>|`x``y` @team #12 \x00\x1b[31m\ud800\ufffe\u202e & <b>\r" + "\n=1+1"
    )
    every = "".join(map(chr, [*range(0x300), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1F600])) + NASTY
    assert ElementTree.fromstring(f"<a>{xml_text(every).translate({38: '', 60: ''})}</a>").text
