"""The ledger as a user types it: filed into, listed, watched."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.ledger.store import FILE, Ledger
from unit.ledger.made_up import entry, runs
from unit.ledger.test_trend import values

from .tool import Tool

REFERENCE = ("run", "--provider", "reference", "--config", "2/2", "--duration", "3", "--quiet")
FILES = """
import sys
from pathlib import Path
from duroxide_stress.ledger.store import Ledger
from unit.ledger.made_up import cell, entry
ledger = Ledger(Path(sys.argv[1]))
first = int(sys.argv[2])
for number in range(first, first + 25):
    assert ledger.append(entry(number, *[cell(number)] * 20, label="x" * 5000))
"""


@pytest.fixture(autouse=True)
def no_ledger_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is filed where whoever runs the tests keeps results."""
    for name in ("DUROXIDE_STRESS_LEDGER", "DUROXIDE_STRESS_MACHINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def filed(tool: Tool) -> Path:
    """A ledger of forty made-up runs, the last five of them worse."""
    ledger = Ledger(tool.cwd / "perf")
    ledger.prepare()
    lines = (msgspec.json.encode(made) + b"\n" for made in runs(values(step=-4.0)))
    ledger.path.write_bytes(b"".join(lines))
    return ledger.directory


def test_a_run_is_filed_and_listed(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By flag, by environment, from a saved recording, once each; on standard error, so that JSON on
    standard output stays JSON."""
    done = tool.run(*REFERENCE, "--ledger", "perf", "--label", "one", "--out", "a", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "ok"
    assert "Filed in perf as " in done.stderr
    again = tool.run("file", "a", "--ledger", "perf")
    assert again.returncode == 0
    assert "nothing was filed" in again.stdout
    monkeypatch.setenv("DUROXIDE_STRESS_LEDGER", "other")
    assert "Filed in other as " in tool.run("file", "a", "--machine", "pool").stdout
    (elsewhere,) = Ledger(tool.cwd / "other").read().entries
    listed = tool.run("history", "--ledger", "perf", "--json", "-")
    (first,) = json.loads(listed.stdout)
    assert (first["label"], elsewhere.label, elsewhere.machine.host) == ("one", None, "pool")
    assert elsewhere.id == first["id"]
    assert first["cells"][0]["values"]["throughput"] == pytest.approx(40, rel=0.1)
    assert "parallel reference 2/2" in listed.stderr
    assert max(map(len, listed.stderr.splitlines())) <= 80


def test_a_plan_file_files_beside_itself(tool: Tool) -> None:
    """And a ledger that cannot be is told before anything runs."""
    (tool.cwd / "plans").mkdir()
    plan = tool.cwd / "plans" / "plan.toml"
    plan.write_text('ledger = "../perf"\nproviders = ["reference"]\nconfigs = ["2/2"]\n')
    done = tool.run("run", plan, "--duration", "3", "--quiet")
    assert done.returncode == 0, done.stderr
    assert (tool.cwd / "perf" / FILE).is_file()
    (tool.cwd / "file").touch()
    refused = tool.run(*REFERENCE, "--ledger", "file", "--out", "never")
    assert refused.returncode == 2
    assert refused.stderr == "error: ledger file is a file: name a directory, new or a ledger's\n"
    assert not (tool.cwd / "never").exists()


def test_text_that_is_not_utf8(tool: Tool) -> None:
    """A label is refused before the run; a recording below such a directory is filed."""
    refused = tool.run(*REFERENCE, "--ledger", "perf", "--label", "\udcff", "--out", "never")
    assert refused.returncode == 2
    assert refused.stderr == (
        "error: --label '\\udcff' cannot be filed: it has a lone surrogate at character 0, which "
        "UTF-8 cannot hold\n"
    )
    assert not (tool.cwd / "never").exists()
    assert tool.run(*REFERENCE, "--out", "a").returncode == 0
    odd = tool.cwd / "odd-\udcff"
    odd.mkdir()
    (tool.cwd / "a").rename(odd / "a")
    done = tool.run("file", odd / "a", "--ledger", "perf")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Filed in perf as ")
    (filed,) = Ledger(tool.cwd / "perf").read().entries
    assert "odd-\ufffd" in filed.run


def test_several_processes_file_at_once(tool: Tool) -> None:
    """Long lines, a torn one among them at the start: every entry is whole, none is lost."""
    ledger = Ledger(tool.cwd / "perf")
    ledger.prepare()
    ledger.path.write_bytes(b'{"format":1,"id":"torn')
    path = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]
    code = f"import sys; sys.path[:0] = {path!r}\n{FILES}"
    command = [sys.executable, "-c", code, str(ledger.directory)]
    writers = [subprocess.Popen([*command, str(25 * number)]) for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    contents = ledger.read()
    assert [e.id for e in contents.entries] == [entry(n).id for n in range(100)]
    assert all(len(e.cells) == 20 for e in contents.entries)
    assert len(contents.problems) == 1
    assert len(ledger.path.read_bytes().splitlines()) == 101


def test_the_gate_rings(tool: Tool, filed: Path) -> None:
    """4 with the run, the metric and the words to look; the page and the JSON say the same."""
    done = tool.run("trend", "--ledger", filed, "--gate", "--html", "t.html", "--json", "t.json")
    assert done.returncode == 4, done.stderr
    assert "GATE: WORSE. 1 series judged." in done.stdout
    assert "throughput of parallel on sqlite-file at 2/2: Worse: -" in done.stdout
    assert "likely since\n    00000023" in done.stdout or "likely since 00000023" in done.stdout
    assert "look: duroxide-stress report /runs/35" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if str(filed) not in line) <= 80
    assert "likely since 00000023" in (tool.cwd / "t.html").read_text()
    (series,) = json.loads((tool.cwd / "t.json").read_text())
    assert series["reading"]["change"]["first_id"] == "00000023"
    assert tool.run("trend", "--ledger", filed).returncode == 0, "only the gate fails"


def test_the_gate_passes_and_proves_nothing(tool: Tool, filed: Path) -> None:
    """0 before the change; 3, loudly, where nothing could be compared. A torn line is named."""
    whole = (filed / FILE).read_bytes().splitlines(keepends=True)
    (filed / FILE).write_bytes(b"".join(whole[:35]) + whole[35][:90])
    done = tool.run("trend", "throughput", "--ledger", filed, "--gate")
    assert done.returncode == 0, done.stdout
    assert done.stderr == (
        "warning: line 36 of the ledger is damaged and left out: it was cut off, probably while it "
        "was written\n"
    )
    few = tool.run("trend", "--ledger", filed, "--since", "0000001e", "--gate")
    assert few.returncode == 3
    assert "GATE: NOTHING COMPARED" in few.stdout
    none = tool.run("trend", "p99", "--ledger", filed, "--gate")
    assert none.returncode == 3


def test_what_a_user_can_get_wrong(tool: Tool, filed: Path) -> None:
    """One sentence each, exit code 2."""
    for words, said in (
        (("trend", "p98", "--ledger", filed), "unknown metric 'p98': did you mean 'p99'?"),
        (("file", "none", "--ledger", "new"), "none is not a recording: no such directory"),
    ):
        done = tool.run(*words)
        assert done.returncode == 2, words
        assert not (tool.cwd / "new").exists()
        assert done.stderr.startswith(f"error: {said}"), done.stderr
