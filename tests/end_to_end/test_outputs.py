"""The outputs of a result as a user asks for them."""

from __future__ import annotations

import csv
import re
import socket
import urllib.request
from pathlib import Path

import pytest
from junitparser import JUnitXml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read

from own_checks import NEVER_GOOD

from .tool import TINY, Tool, document, wait_for

FILES = {
    "--json": "r.json",
    "--markdown": "r.md",
    "--junit": "r.xml",
    "--csv": "r.csv",
    "--hgrm": "r.hgrm",
    "--openmetrics": "r.prom",
}
ALL = [word for pair in FILES.items() for word in pair]
VIRTUAL = ("run", "--provider", "reference", "--duration", "3", "--out", "out")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """A run of two cells with every output."""
    tool = Tool(tmp_path_factory.mktemp("outputs"))
    done = tool.run(*VIRTUAL, "--config", "1/1,2/2", *ALL)
    assert (done.returncode, "=== Duroxide" in done.stdout) == (0, True), done.stderr
    return tool


def test_a_run_writes_every_output(made: Tool) -> None:
    """Beside the table; each is what its reader takes, and they agree on the figures."""
    home = made.cwd
    cells = document(home / "r.json")["cells"]
    rates = [cell["orchestrations_per_sec"] for cell in cells]
    rows = list(csv.DictReader((home / "r.csv").open(newline="", encoding="utf-8")))
    assert [float(row["orchestrations_per_sec"]) for row in rows] == rates
    suites = JUnitXml.fromfile(str(home / "r.xml"))
    assert [suite.name for suite in suites] == [cell["recording"] for cell in cells]
    assert (suites.failures, suites.errors) == (0, 0)
    families = {f.name: f for f in read((home / "r.prom").read_text())}
    found = families["duroxide_stress_orchestrations_per_second"].samples
    assert [sample.value for sample in found] == rates
    assert (home / "r.md").read_text().startswith("## duroxide-stress: ok\n")
    assert not (home / "r.hgrm").exists()
    for cell in cells:
        text = (home / f"r.{cell['recording']}.hgrm").read_text()
        total = re.search(r"Total count += +(\d+)\]", text)
        assert total is not None
        assert int(total[1]) == cell["latency_ms"]["samples"]


def test_a_report_writes_the_same(made: Tool) -> None:
    """From the recording alone, byte for byte."""
    files = [word for flag, name in FILES.items() for word in (flag, f"again-{name}")]
    assert made.run("report", "out", *files).returncode == 0
    pairs = [(path, made.cwd / f"again-{path.name}") for path in made.cwd.glob("r.*")]
    assert len(pairs) == len(FILES) + 1
    for first, second in pairs:
        assert first.read_bytes() == second.read_bytes()


def test_standard_output_belongs_to_one_output(made: Tool) -> None:
    """The report goes to standard error then; two outputs there are refused, as are several cells."""
    done = made.run("report", "out", "--csv", "-")
    assert done.stdout.startswith("scenario,provider,")
    assert "=== Duroxide Stress Test Results ===" in done.stderr
    refused = made.run("check", "out", "--csv", "-", "--junit", "-")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "error: --junit and --csv would mix on standard output: - for one of them, files for others\n"
    )
    mixed = made.run("report", "out", "--hgrm", "-")
    assert (mixed.returncode, mixed.stdout) == (2, "")
    assert "would mix 2 cells" in mixed.stderr


def test_bad_places_are_told_before_anything_runs(tool: Tool) -> None:
    """All of them, together with what is wrong with the plan."""
    words = ("--duration", "soon", "--html", ".", "--csv", "gone/x.csv", "--hgrm", "-")
    done = tool.run("run", "--provider", "reference", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.partition(": ")[2][:14] for line in done.stderr.splitlines()] == [
        "--duration: no",
        "--html . is a ",
        "--csv gone/x.c",
        "--hgrm - would",
    ]
    assert list(tool.cwd.iterdir()) == []


def test_a_full_disk_costs_only_the_output(made: Tool) -> None:
    """One sentence an output, the others are written, and the result is where it says."""
    done = made.run("report", "out", "--csv", "/dev/full", "--markdown", "full.md")
    assert done.returncode == 2
    assert done.stderr == (
        "error: --csv /dev/full cannot be written: No space left on device; "
        "the result is in out/result.json\n"
    )
    assert (made.cwd / "full.md").read_text().startswith("## duroxide-stress")
    assert (made.cwd / "out" / "result.json").exists()


def test_an_output_that_cannot_be_written_hides_no_violation(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1, not 2: a build that takes 2 for a mistake in the job must not miss it. And the run is filed."""
    monkeypatch.delenv("DUROXIDE_STRESS_LEDGER", raising=False)
    (tool.cwd / "never.sql").write_text(NEVER_GOOD)
    full, check = ("--csv", "/dev/full"), ("--check", "never.sql")
    done = tool.run(*VIRTUAL, "--config", "2/2", *check, *full, "--ledger", "perf", "--out", "out")
    assert done.returncode == 1, done.stderr
    assert "never-good" in done.stdout
    assert "error: --csv /dev/full cannot be written: No space left on device" in done.stderr
    assert "Filed in perf as " in done.stderr
    assert len((tool.cwd / "perf" / "ledger.jsonl").read_text().splitlines()) == 1
    assert tool.run("check", "out", *check, *full).returncode == 1
    assert tool.run("report", "out", *check, *full).returncode == 2, "its code is no verdict"


def test_metrics_are_served_while_it_runs(tool: Tool) -> None:
    """On loopback alone, on the port that standard error tells, and no longer than the run."""
    words = (*TINY, "--duration", "4", "--provider", "sqlite-memory", "--metrics-port", "0")
    process = tool.start("run", *words, "--out", "out")
    assert process.stderr is not None
    told = re.fullmatch(
        r"metrics: (http://127\.0\.0\.1:(\d+)/metrics)\n", process.stderr.readline()
    )
    assert told is not None
    port = int(told[2])

    def completed() -> float:
        with urllib.request.urlopen(told[1], timeout=10) as answer:
            text = answer.read().decode()
        found = re.search(r"^duroxide_stress_run_instances_completed_total\{.*} (\S+)$", text, re.M)
        return float(found[1]) if found else 0.0

    first = wait_for(completed, "a completion")
    wait_for(lambda: completed() > first, "more completions")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=10)
    process.communicate(timeout=60)
    assert process.returncode == 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=10)


def test_a_metrics_port_that_is_taken(tool: Tool) -> None:
    """One sentence, exit code 2, and nothing was begun."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = tool.run("run", "--provider", "reference", "--metrics-port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: --metrics-port {port} cannot be listened on: ")
    assert len(done.stderr.splitlines()) == 1
    assert list(Path(tool.cwd).iterdir()) == []


def test_piped_it_tells_lines_of_progress(tool: Tool) -> None:
    """No control sequence among them; `--quiet` tells nothing."""
    done = tool.run(*VIRTUAL, "--config", "1/1")
    first, second = done.stderr.splitlines()
    assert re.fullmatch(r"1/1 Reference \(virtual\) 1/1: finished, \d+ launched", first)
    assert re.match(r"    20\.0/s, lately P50 1,000ms, P99 1,000ms, 0 failed", second)
    again = tool.run(*VIRTUAL[:-1], "quiet", "--quiet", "--config", "1/1")
    assert (again.returncode, again.stderr) == (0, "")
