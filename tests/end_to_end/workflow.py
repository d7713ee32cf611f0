"""As much of a GitHub runner as the action's own steps need: expressions, outputs, `shell: bash`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
"""As the hosted runner starts it."""


class Action:
    """The composite action, step by step, below `home`."""

    def __init__(self, home: Path, **inputs: str) -> None:
        self.document = self._document()
        self.home = home
        self.summary = home / "summary.md"
        self._output = home / "output"
        (home / "temp").mkdir()
        (home / "work").mkdir()
        declared = self.inputs()
        assert set(inputs) <= set(declared)
        self.context = {f"inputs.{name}": value["default"] for name, value in declared.items()}
        self.context |= {f"inputs.{name}": value for name, value in inputs.items()}
        self.context["github.action_path"] = str(ROOT)
        self.context["steps.install.outputs.bin"] = str(Path(sys.executable).parent)

    @staticmethod
    def _document() -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
        return found

    @classmethod
    def inputs(cls) -> dict[str, Any]:
        """The inputs that it declares."""
        return dict(cls._document()["inputs"])

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """The steps that run a script, by their id."""
        return {step["id"]: step for step in self.document["runs"]["steps"] if "run" in step}

    def step(self, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a step's script with its environment, and take up its outputs."""
        step = self.steps[name]
        self._output.write_text("")
        given = {
            **os.environ,
            "RUNNER_TEMP": str(self.home / "temp"),
            "GITHUB_OUTPUT": str(self._output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            **{key: self._resolved(value) for key, value in step["env"].items()},
            **environment,
        }
        done = subprocess.run(
            [*BASH, step["run"]],
            cwd=self.home / "work",
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )
        for line in self._output.read_text().splitlines():
            key, _, value = line.partition("=")
            self.context[f"steps.{name}.outputs.{key}"] = value
        return done

    def _resolved(self, text: str) -> str:
        """A value without its expressions; a step that did not run has empty outputs."""
        return EXPRESSION.sub(lambda found: self.context.get(found[1], ""), text)
