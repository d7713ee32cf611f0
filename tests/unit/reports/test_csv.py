"""CSV as a program and a spreadsheet read it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from duroxide_stress.reports.csv import render, safe
from duroxide_stress.result import CellResult, Latency, RunResult

from .hostile import hostile_result, replace

RUN = Path("run")
FIRST = "scenario,provider,provider_label,engine,config,repeat,seed,load,max_concurrent"


def rows(result: RunResult) -> list[dict[str, str]]:
    """The rows, read by name."""
    return list(csv.DictReader(io.StringIO(render(result, RUN), newline=""), strict=True))


def test_a_row_a_cell(standard: RunResult) -> None:
    """Under stable names; lines end as RFC 4180 wants it, and figures are those of the result."""
    text = render(standard, RUN)
    assert text.startswith(FIRST)
    assert text.count("\r\n") == text.count("\n") == 1 + len(standard.cells)
    found = rows(standard)
    for row, cell in zip(found, standard.cells, strict=True):
        assert (row["provider_label"], row["config"]) == (cell.provider_label, cell.config)
        assert float(row["orchestrations_per_sec"]) == cell.orchestrations_per_sec
        assert float(row["latency_p99_ms"]) == cell.latency_ms.p99
        assert float(row["memory_peak_mib"]) == cell.memory_mb.peak
        assert row["verdict"] == cell.verdict.value


def test_no_figure_is_an_empty_field(clean: RunResult) -> None:
    """And never 0."""
    cell: CellResult = replace(clean.cells[0], orchestrations_per_sec=None, latency_ms=Latency())
    (row,) = rows(replace(clean, cells=(cell,)))
    assert (row["orchestrations_per_sec"], row["latency_p50_ms"]) == ("", "")
    assert row["latency_samples"] == "0"


def test_checks_by_their_verdict(clean: RunResult) -> None:
    """An unknown that was not asked counts for nothing."""
    row = rows(hostile_result(clean))[0]
    assert (row["violated_checks"], row["unknown_checks"]) == ("outputs", "timers")


def test_foreign_words_are_one_field_on_one_line(clean: RunResult) -> None:
    """No formula, no control character, no second line."""
    text = render(hostile_result(clean), RUN)
    assert text.count("\r\n") == text.count("\n") == text.count("\r") == 4
    label = rows(hostile_result(clean))[0]["provider_label"]
    assert label.startswith("'=</script>|`x``y` @team")
    assert label.endswith(r"<b>\r\n=1+1")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_no_text_is_a_formula(begin: str) -> None:
    """Whatever a spreadsheet begins one with."""
    assert str(safe(f"{begin}1")).startswith("'")


def test_numbers_stay_numbers() -> None:
    """Also below zero."""
    assert safe(-1.5) == -1.5
    assert safe(None) is None
    assert safe("a=b") == "a=b"


def test_the_faults_of_a_cell_stand_in_its_row(clean: RunResult) -> None:
    """As they were written."""
    planned = replace(clean.plan.cells[0], faults=("kill:every=2s", "clock"))
    result = replace(clean, plan=replace(clean.plan, cells=(planned,)))
    assert rows(result)[0]["faults"] == "kill:every=2s clock"
