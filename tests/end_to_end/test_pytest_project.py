"""The example project under a real pytest, and what the plugin costs those who do not use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import junitparser

PROJECT = Path(__file__).parents[2] / "examples/pytest_project"
LOADED = (
    "import sys, pytest; before = set(sys.modules); import duroxide_stress.pytest_plugin; "
    "print(sorted(set(sys.modules) - before))"
)


def test_the_example_project_passes(tmp_path: Path) -> None:
    """On the released engine and the reference engine; recordings kept where the command says."""
    project = shutil.copytree(PROJECT, tmp_path / "project")
    words = ("--stress-duration", "1", "--stress-out", "kept", "--junitxml", "junit.xml")
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=project,
        env=environment,
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


def test_it_costs_nothing_when_unused() -> None:
    """Loading the plugin imports nothing of the package but itself."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['duroxide_stress', 'duroxide_stress.pytest_plugin']"
