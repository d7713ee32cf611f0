"""Environments of engine releases: which words name one, and what is said when there is none."""

import errno
import fcntl
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
    assert read_engine("duroxide==v0.3.0rc1") == "duroxide==0.3.0rc1"
    assert read_engine(str(wheel)) == str(wheel)
    assert read_engine("installed") == "installed"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "duroxide",
            "duroxide>=1",
            "flask==1",
            "x.whl",
            "duroxide==1 --index-url=http://x",
            "-r x",
        ),
        *("duroxide==newest", "duroxide==0.2.*", "duroxide==0.2.2-1", "duroxide==\u0661.0"),
    ],
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
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
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
    with pytest.raises(RunError, match=r"has duroxide 0\.2\.2: remove .*-py3[^/]*$"):
        python_for("duroxide==0.1.28", tmp_path)
    with pytest.raises(RunError, match=r"has duroxide 0\.2\.2"):
        python_for("duroxide==0.2.2rc1", tmp_path)


def test_a_release_by_another_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros behind the last number, and before one, make no other release."""
    answering(monkeypatch, lambda call: (0, "0.2\n"))
    for name in ("0.2", "0.2.0", "0.2.0.0", "v0.02"):
        assert python_for(read_engine(f"duroxide=={name}"), tmp_path).name == "python"


def test_an_environment_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence, whichever engine it is."""
    answering(monkeypatch, lambda call: (0, "\n"))
    for engine in ("duroxide==0.2.2", "installed"):
        with pytest.raises(RunError, match="does not say which release it has"):
            python_for(engine, tmp_path)


def test_only_one_makes_an_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second waits, and finds it made."""
    held: list[bool] = []

    def answer(call: str) -> tuple[int, str]:
        (lock,) = tmp_path.glob("*.lock")
        with lock.open("ab") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held.append(False)
            except BlockingIOError:
                held.append(True)
        return 0, "0.2.2\n"

    answering(monkeypatch, answer)
    made = python_for("duroxide==0.2.2", tmp_path).parent.parent / "made.txt"
    assert held == [True, True, False]  # venv, pip, and the look at what is there
    made.unlink()
    calls = answering(monkeypatch, answer)
    monkeypatch.setattr(fcntl, "flock", lambda lock, how: made.touch())
    python_for("duroxide==0.2.2", tmp_path)
    assert [call.split()[1] for call in calls] == ["duroxide_stress.versus.probe"]


def test_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another place is asked for."""
    answering(monkeypatch, lambda call: (0, "0.2.2\n"))

    def no_lock(lock: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_lock)
    with pytest.raises(RunError, match=r"cannot be locked \(No locks available\): .*--envs DIR"):
        python_for("duroxide==0.2.2", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="no environment can be made in"):
        python_for("duroxide==0.2.2", tmp_path / "file")


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
