"""OpenMetrics text, read by prometheus_client's own parsers."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from duroxide_stress.reports.openmetrics import render
from duroxide_stress.result import Latency, RunResult

from .hostile import hostile_result, replace

RUN = Path("run")


def samples(result: RunResult) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels; the strict parser refuses whatever is not the format."""
    found = [s for family in read(render(result, RUN)) for s in family.samples]
    by_key = {(s.name, frozenset(s.labels.items())): s.value for s in found}
    assert len(by_key) == len(found)
    return by_key


def of(result: RunResult, name: str, **labels: str) -> list[float]:
    """The values of the samples with this name and these labels, cell by cell."""
    return [
        value
        for (found, given), value in samples(result).items()
        if found == f"duroxide_stress_{name}" and labels.items() <= dict(given).items()
    ]


def test_figures_in_base_units(standard: RunResult) -> None:
    """Seconds, bytes and ratios, with the cell's labels."""
    first = {"provider": "sqlite-memory", "config": "1/1", "repeat": "1", "scenario": "parallel"}
    assert of(standard, "orchestrations_per_second", **first) == [1234.5678]
    assert of(standard, "latency_seconds", quantile="0.99", **first) == [1.2049]
    assert of(standard, "latency_seconds_count", **first) == [1790]
    assert of(standard, "latency_seconds_sum", **first) == [pytest.approx(1040.4 * 1.790)]
    assert of(standard, "memory_peak_bytes", **first) == [1042.4 * 1024 * 1024]
    assert of(standard, "success_ratio", **first) == [1.0]
    assert of(standard, "instances", end="completed", **first) == [17_901]
    assert of(standard, "target", target="throughput", state="met", **first) == [1]
    assert len(of(standard, "orchestrations_per_second")) == 4


def test_no_figure_is_no_sample(clean: RunResult) -> None:
    """And a metric without samples is not named."""
    cell = replace(clean.cells[0], orchestrations_per_sec=None, latency_ms=Latency())
    result = replace(clean, cells=(cell,))
    assert of(result, "orchestrations_per_second") == []
    assert of(result, "latency_seconds_count") == []
    assert "orchestrations_per_second{" not in render(result, RUN).replace("ceiling_o", "")
    assert "memory_peak_bytes" not in render(clean, RUN)


def test_verdicts_of_hostile_cells(clean: RunResult) -> None:
    """Labels hold any text; only checks that count have samples."""
    first, *others = hostile_result(clean).cells
    nasty = replace(first, provider='a:b\\"\n{}\x00\ud800', repeat=3)
    result = replace(clean, cells=(nasty, *others[:1]))
    assert of(result, "verdict", repeat="3", verdict="violated") == [1]
    assert of(result, "verdict", repeat="3", verdict="ok") == [0]
    assert of(result, "check", check="outputs", verdict="violated") == [1]
    assert of(result, "violations", check="outputs") == [30]
    assert of(result, "check", check="races") == []
    (provider,) = {
        dict(labels)["provider"] for _, labels in samples(result) if ("repeat", "3") in labels
    }
    assert provider == r"a:b\"\n{}\x00\ud800".replace(r"\"", '\\"')


def test_prometheus_reads_it_too(standard: RunResult) -> None:
    """As a node exporter's textfile collector does, which knows no OpenMetrics."""
    text = render(standard, RUN)
    assert text.endswith("# EOF\n")
    found = [s for family in read_prometheus(text) for s in family.samples]
    assert len(found) == len(samples(standard))
