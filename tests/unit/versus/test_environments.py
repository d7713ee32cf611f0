"""Environments of engine releases: which words name one, and what is said when there is none."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duroxide
import pytest

from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.versus import environments
from duroxide_stress.versus.environments import python_for, read_engine
from duroxide_stress.versus.probe import missing

Answers = Callable[..., subprocess.CompletedProcess[str]]


def answering(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], tuple[int, str]]
) -> list[str]:
    """Let calls be answered by their words; those that were made are returned."""
    calls: list[str] = []

    def called(*words: str) -> subprocess.CompletedProcess[str]:
        calls.append(" ".join(words[1:]))
        if "venv" in words:
            (Path(words[-1]) / "lib/python3/site-packages").mkdir(parents=True)
        code, said = answer(calls[-1])
        return subprocess.CompletedProcess(words, code, said if code == 0 else "", said)

    monkeypatch.setattr(environments, "_called", called)
    return calls


def test_what_names_an_engine(tmp_path: Path) -> None:
    """A release, a wheel that is there, or the one that is installed."""
    wheel = tmp_path / "duroxide-0.3.0-cp39-abi3-linux_x86_64.whl"
    wheel.touch()
    assert read_engine(" duroxide == 0.2.2 ") == "duroxide==0.2.2"
    assert read_engine(str(wheel)) == str(wheel)
    assert read_engine("installed") == "installed"


@pytest.mark.parametrize(
    "text",
    ["duroxide", "duroxide>=1", "flask==1", "x.whl", "duroxide==1 --index-url=http://x", "-r x"],
)
def test_what_names_none(text: str) -> None:
    """Also what would be an option of pip's."""
    with pytest.raises(UsageError, match="--engine"):
        read_engine(text)


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine alone is installed; our packages stand behind it. The second time it is there."""
    calls = answering(monkeypatch, lambda call: (0, "0.1.28\n"))
    python = python_for("duroxide==0.1.28", tmp_path)
    assert [call.split()[1] for call in calls] == ["venv", "pip", "duroxide_stress.versus.probe"]
    (behind,) = tmp_path.glob("*/lib/python3/site-packages/*.pth")
    assert "addsitedir" in behind.read_text()
    assert python_for("duroxide==0.1.28", tmp_path) == python
    assert len(calls) == 4


def test_a_release_for_other_pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have it are named, and nothing half-made is left."""
    none = (1, "ERROR: No matching distribution found for duroxide==0.1.24")

    def answer(call: str) -> tuple[int, str]:
        return (0, "") if "venv" in call or "--python-version 3.12" in call else none

    answering(monkeypatch, answer)
    monkeypatch.setattr(environments, "OTHER_PYTHONS", ("3.0", "3.12"))
    monkeypatch.setattr(environments.sys, "version_info", SimpleNamespace(major=3, minor=11))
    with pytest.raises(UsageError, match=r"no wheel for Python 3\.11, but for 3\.12"):
        python_for("duroxide==0.1.24", tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(environments, "OTHER_PYTHONS", ("3.0",))
    with pytest.raises(UsageError, match="cannot be had"):
        python_for("duroxide==0.1.24", tmp_path)


def test_a_release_that_cannot_be_driven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it lacks is named in one sentence."""
    answering(monkeypatch, lambda call: (0, "0.1.19\nRuntimeOptions\nClient.get_status\n"))
    with pytest.raises(UsageError, match=r"0\.1\.19 .* lacks RuntimeOptions, Client\.get_status"):
        python_for("duroxide==0.1.19", tmp_path)


def test_an_environment_with_another_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would compare something else than what was asked for."""
    answering(monkeypatch, lambda call: (0, "0.2.2\n"))
    with pytest.raises(RunError, match=r"has duroxide 0\.2\.2"):
        python_for("duroxide==0.1.28", tmp_path)


def test_no_environment_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without venv says why."""
    answering(monkeypatch, lambda call: (1, "ensurepip is not available"))
    with pytest.raises(RunError, match="ensurepip is not available"):
        python_for("duroxide==0.1.28", tmp_path)


def test_the_installed_engine_lacks_nothing() -> None:
    """The list of what is wanted is true of what this tool is tested with; and it can fail."""
    assert missing(duroxide) == []
    options = SimpleNamespace(SqliteProvider=1, RuntimeOptions=lambda log_level: None)
    assert missing(options)[-3:] == [
        "RuntimeOptions.orchestration_concurrency",
        "RuntimeOptions.worker_concurrency",
        "RuntimeOptions.dispatcher_poll_interval_ms",
    ]
