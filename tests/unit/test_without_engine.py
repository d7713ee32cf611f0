"""A recording is judged alike on a Python that has no engine. Starts processes, and only here."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from duroxide_stress.cli import main
from recordings.make import Recorded, where

SRC = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="session")
def engineless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed packages without anything whose name begins with duroxide."""
    packages = tmp_path_factory.mktemp("engineless")
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(place).iterdir():
            if not entry.name.startswith("duroxide"):
                (packages / entry.name).symlink_to(entry)
    return packages


def bare(engineless: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run this Python with those packages and our sources alone."""
    path = os.pathsep.join([str(engineless), str(SRC)])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-S", *words],
        env=environment,
        cwd=engineless,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_there_is_no_engine_there(engineless: Path) -> None:
    """What the other tests stand on: the engine cannot be imported, everything else can."""
    assert "No module named 'duroxide'" in bare(engineless, "-c", "import duroxide").stderr
    found = bare(engineless, "-c", "import duckdb, duroxide_stress; print(duroxide_stress)")
    assert str(SRC) in found.stdout


def wrong_output(recorded: Recorded) -> None:
    """A violation."""
    recorded.change("ops", where(type="ok", op=3), output="wrong")


def cut_off(recorded: Recorded) -> None:
    """A cell that proves nothing."""
    (recorded.directory / "end.json").unlink()


@pytest.mark.parametrize(
    ("damage", "code", "verdict"),
    [(None, 0, "ok"), (wrong_output, 1, "violated"), (cut_off, 3, "unknown")],
)
def test_check_and_report_need_no_engine(
    recorded: Recorded,
    engineless: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    damage: object,
    code: int,
    verdict: str,
) -> None:
    """Verdict, table, exit code and result are the same to the letter as with the engine."""
    if callable(damage):
        damage(recorded)
    for verb, expected in (("check", code), ("report", 0)):
        words = [verb, str(recorded.run)]
        without = bare(engineless, "-m", "duroxide_stress", *words)
        result = (recorded.run / "result.json").read_bytes()
        monkeypatch.setattr(sys, "argv", ["duroxide-stress", *words])
        monkeypatch.setattr(sys, "path", list(sys.path))
        with pytest.raises(SystemExit) as left:
            main()
        assert without.returncode == left.value.code == expected
        assert without.stdout == capsys.readouterr().out
        assert without.stderr == ""
        assert f"Verdict: {verdict}" in without.stdout
        assert "| Provider " in without.stdout
        assert (recorded.run / "result.json").read_bytes() == result


def test_replay_says_that_it_needs_the_sdk(recorded: Recorded, engineless: Path) -> None:
    """It runs workflow code, whose context is the SDK's."""
    done = bare(engineless, "-m", "duroxide_stress", "replay", str(recorded.run))
    assert (done.returncode, done.stdout) == (2, "")
    assert "SDK, which is not installed here: No module named 'duroxide'" in done.stderr
