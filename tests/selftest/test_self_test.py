"""`duroxide-stress self-test` as a whole: what it prints, and how it leaves."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from duroxide_stress.checks.base import Check, Looked
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.cli.main import app
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding
from duroxide_stress.selftest import clean, running
from duroxide_stress.selftest.catalogue import BUGS, table
from duroxide_stress.selftest.report import render
from duroxide_stress.selftest.result import SCHEMA, CleanRun, Outcome, SelfTest
from duroxide_stress.selftest.streams import LEAKS
from duroxide_stress.selftest.tampering import TAMPERINGS

DOCS = Path(__file__).parents[2] / "docs"
FEW = ("lost start", "early timer")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bugs and two clean runs, so that the whole takes a second."""
    monkeypatch.setattr(running, "BUGS", tuple(bug for bug in BUGS if bug.name in FEW))
    monkeypatch.setattr(running, "LEAKS", ())
    monkeypatch.setattr(clean, "REFERENCE", clean.REFERENCE[:1])
    monkeypatch.setattr(clean, "STRUCK", clean.STRUCK[:1])


@pytest.mark.usefixtures("few")
def test_all_caught_and_none_alarmed_is_0(tmp_path: Path) -> None:
    """The matrix, the share and the clean runs; JSON says the same."""
    path = tmp_path / "self-test.json"
    done = CliRunner().invoke(app, ["self-test", "--quick", "--json", str(path)])
    assert done.exit_code == 0, done.output
    for words in (
        "Planted bugs: 2, caught by the check meant for them: 2 (100.0 %)",
        "Clean runs on the reference engine: 3",
        "The released engine and its stores were left out (--quick).",
        "Self-test: passed",
    ):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    told = json.loads(path.read_text())
    assert (told["schema"], told["caught"], told["passed"]) == (SCHEMA, 2, True)
    assert [outcome["name"] for outcome in told["outcomes"]] == list(FEW)


@pytest.mark.usefixtures("few")
def test_a_missing_check_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its check does not find any more is named as not found, or as weak."""
    left = {name: c for name, c in CHECKS.items() if name not in ("timers", "durability")}
    monkeypatch.setattr(running, "CHECKS", left)
    done = CliRunner().invoke(app, ["self-test", "--quick"])
    assert done.exit_code == 1
    assert "caught by the check meant for them: 0 (0.0 %)" in done.stdout
    assert (
        "Caught by other checks only (weak): 1\n  lost start (durability is silent)" in done.stdout
    )
    assert "Not caught at all: 1\n  early timer (timers)" in done.stdout
    assert "Self-test: failed" in done.stdout


@pytest.mark.usefixtures("few")
def test_a_check_that_cries_wolf_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that crashes: it could not have found anything."""

    def look(recording: Recording) -> Looked:
        return Looked(1, [Finding("wolf", "none is there")])

    monkeypatch.setitem(CHECKS, "wolf", Check("wolf", "None.", "here", "wolves", look))
    monkeypatch.setitem(
        CHECKS,
        "broken",
        Check("broken", "None.", "here", "things", lambda recording: Looked(1 // 0)),
    )
    done = CliRunner().invoke(app, ["self-test", "--quick"])
    assert done.exit_code == 1
    assert "wolf: wolf: none is there" in done.stdout
    assert "the check crashed: ZeroDivisionError" in done.stdout
    assert "Checks that fewer than two bugs are meant for" in done.stdout


@pytest.mark.usefixtures("few")
def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is printed as if it were the result."""
    whole = running.planted
    monkeypatch.setattr(
        running, "planted", lambda bug: (signal.raise_signal(signal.SIGINT), whole(bug))[1]
    )
    done = CliRunner().invoke(app, ["self-test", "--quick"])
    assert done.exit_code == 130
    assert "Self-test" not in done.stdout


def test_a_defect_that_the_engine_owns_up_to_is_no_false_alarm() -> None:
    """It is shown apart from what nobody but the checks says."""
    caught = Outcome("a bug", "It is wrong.", "planted", "outputs", {"outputs": 1}, "wrong: 1")
    defect = CleanRun("parallel on sqlite-file", True, 9, defects=("success: failed (par-1)",))
    result = SelfTest(SCHEMA, (caught,), (defect,), (), quick=False)
    assert result.passed
    assert "own history bears out: 1\n  parallel on sqlite-file: success: failed" in render(result)
    alarmed = msgspec.structs.replace(defect, defects=(), alarms=("success: failed (par-1)",))
    failed = msgspec.structs.replace(result, clean=(alarmed,))
    assert not failed.passed
    assert "false alarms: 1" in render(failed)


def test_the_docs_have_every_bug() -> None:
    """`selftest.catalogue.table()` prints what docs/self-test.md must hold; README has the numbers."""
    assert table() in (DOCS / "self-test.md").read_text(encoding="utf-8")
    bugs = len((*BUGS, *LEAKS, *TAMPERINGS))
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert f"plants {bugs} bugs" in readme
    reference = len(clean.REFERENCE) + len(clean.STRUCK) + 1
    real = len(clean.REAL) + 3
    assert (
        f"{reference} clean runs of the reference engine and {real} of the released one" in readme
    )
