"""The example project under a real pytest, and what the plugin costs those who do not use it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import junitparser
import psutil
import pytest

from .tool import wait_for

PROJECT = Path(__file__).parents[2] / "examples/pytest_project"
ENVIRONMENT = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
LOADED = (
    "import sys, pytest; before = set(sys.modules); import duroxide_stress.pytest_plugin; "
    "print(sorted(set(sys.modules) - before))"
)


def test_the_example_project_passes(tmp_path: Path) -> None:
    """On the released engine and the reference engine; recordings kept where the command says."""
    project = shutil.copytree(PROJECT, tmp_path / "project")
    words = ("--stress-duration", "1", "--stress-out", "kept", "--junitxml", "junit.xml")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", ".", "-p", "no:cacheprovider", *words],
        cwd=project,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    kept = {path.parents[1].name for path in (project / "kept").glob("*/*/result.json")}
    names = ("my_store_keeps_its_promises", "a_config_of_its_own", "the_plan")
    assert kept == {f"test_my_store.py-test_{name}" for name in names}
    suite = next(iter(junitparser.JUnitXml.fromfile(str(project / "junit.xml"))))
    assert suite.tests == 3
    assert "stress_recording" in (project / "junit.xml").read_text()


LONG = """
def test_long(stress):
    stress.run(provider="sqlite-file", duration_secs=120)

def test_next():
    print("went on")
"""


def test_ctrl_c_ends_the_test_run(tmp_path: Path) -> None:
    """With all processes of the cell, and without the tests that would have come next."""
    (tmp_path / "test_long.py").write_text(LONG)
    words = ("-s", "-p", "no:cacheprovider", "--stress-out", "kept", "test_long.py")
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--rootdir", ".", *words],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: list(tmp_path.glob("kept/**/effects-*.jsonl")), "the engine at work")
    nodes = psutil.Process(process.pid).children(recursive=True)
    assert nodes
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in said
    assert "went on" not in said
    wait_for(lambda: not any(node.is_running() for node in nodes), "the end of all processes")


def test_it_costs_nothing_when_unused() -> None:
    """Loading the plugin imports nothing of the package but itself."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['duroxide_stress', 'duroxide_stress.pytest_plugin']"
