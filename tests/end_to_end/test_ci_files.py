"""The GitHub Action and the GitLab job: their scripts, run as the services run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import junitparser
import pytest
import yaml

from own_checks import NEVER_GOOD

from .tool import document
from .workflow import BASH, ROOT, Action

SMALL = "--provider reference --config 2/2 --duration 1 --warm-up 0.2 --max-concurrent 18"


@pytest.fixture
def violated(tmp_path: Path) -> str:
    """Words for a run that breaks a promise, with a space in a file's name."""
    check = tmp_path / "never good.sql"
    check.write_text(NEVER_GOOD)
    return f"{SMALL} --check '{check}'"


def test_every_script_is_bash_and_takes_nothing_unquoted(tmp_path: Path) -> None:
    """Inputs reach scripts by their environment alone: text in a script could be code."""
    steps = Action(tmp_path).steps
    assert list(steps) == ["install", "run", "report", "verdict"]
    for step in steps.values():
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        subprocess.run(["bash", "-n", "-c", step["run"]], check=True)


def test_every_expression_names_something(tmp_path: Path) -> None:
    """Inputs that are declared, outputs of steps that there are."""
    action = Action(tmp_path)
    text = (ROOT / "action.yml").read_text()
    known = {*action.context, *(f"steps.run.outputs.{x}" for x in ("exit-code", "recording"))}
    known |= {"steps.report.outputs.junit"}
    named = {
        word for word in text.replace("(", " ").split() if word.startswith(("inputs.", "steps."))
    }
    assert named
    assert named <= known


def test_the_action_installs_itself(tmp_path: Path) -> None:
    """From where it lies, into an environment of its own; paths may have spaces."""
    home = tmp_path / "a home"
    home.mkdir()
    action = Action(home)
    stub = tmp_path / "python3"
    stub.write_text(
        '#!/bin/sh\nmkdir -p "$4/bin"\nprintf \'#!/bin/sh\\nprintf "%%s|" "$@"\' > "$4/bin/pip"\n'
        'chmod +x "$4/bin/pip"\nprintf "%s|" "$@"\n'
    )
    stub.chmod(0o755)
    done = action.step("install", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    made = f"{home}/temp/duroxide-stress-venv"
    assert done.stdout == f"-m|venv|--system-site-packages|{made}|install|--quiet|{ROOT}[postgres]|"
    assert action.context["steps.install.outputs.bin"] == f"{made}/bin"


def test_a_clean_run(tmp_path: Path) -> None:
    """Recorded, told, and green."""
    action = Action(tmp_path, args=SMALL)
    done = action.step("run")
    assert done.returncode == 0, done.stderr
    assert "Verdict: ok" in done.stdout
    recording = Path(action.context["steps.run.outputs.recording"])
    assert recording.is_relative_to(tmp_path / "temp")
    assert document(recording / "result.json")["verdict"] == "ok"
    assert document(recording / "plan.json")["plan"]["name"] == "quick"
    assert action.step("verdict").returncode == 0


def test_a_violated_promise_fails_the_last_step_only(tmp_path: Path, violated: str) -> None:
    """So that the report and the artifact are there; words are split as a shell does."""
    action = Action(tmp_path, args=violated)
    assert action.step("run").returncode == 0
    assert action.context["steps.run.outputs.exit-code"] == "1"
    assert action.step("verdict").returncode == 1


def test_the_report_goes_into_the_step_summary(tmp_path: Path, violated: str) -> None:
    """In Markdown; JUnit and HTML lie in the recording, which is the artifact."""
    action = Action(tmp_path, args=violated)
    action.step("run")
    done = action.step("report")
    assert done.returncode == 0, done.stderr
    assert "never-good" in action.summary.read_text()
    suites = junitparser.JUnitXml.fromfile(action.context["steps.report.outputs.junit"])
    failed = [
        case.name
        for suite in suites
        for case in suite
        for found in case.result
        if isinstance(found, junitparser.Failure)
    ]
    assert any("never-good" in name for name in failed)
    recording = Path(action.context["steps.run.outputs.recording"])
    assert "<html" in (recording / "report.html").read_text()


def test_a_plan_file_and_its_mistakes(tmp_path: Path) -> None:
    """A plan takes the place of the suite; one that cannot be read is exit code 2, and said."""
    action = Action(tmp_path, plan="plan.toml", args="--duration 1")
    assert action.step("run").returncode == 0
    assert action.context["steps.run.outputs.exit-code"] == "2"
    assert action.step("report").returncode == 0
    assert "nothing was run" in action.summary.read_text()
    (tmp_path / "work/plan.toml").write_text('providers = ["reference"]\nconfigs = ["2/2"]\n')
    assert "Verdict: ok" in action.step("run").stdout
    assert action.step("verdict").returncode == 0


@pytest.mark.parametrize(
    "hostile", ["$(touch hit)", "`touch hit`", "; touch hit", "--out x && touch hit"]
)
def test_words_are_never_run(tmp_path: Path, hostile: str) -> None:
    """Whatever stands in an input is words for the tool, which refuses them."""
    action = Action(tmp_path, args=hostile)
    assert action.step("run").returncode == 0
    assert action.context["steps.run.outputs.exit-code"] == "2"
    assert not list(tmp_path.glob("**/hit"))


def test_words_that_cannot_be_split_stop_the_job(tmp_path: Path) -> None:
    """Without them another run than the one that was asked for would pass."""
    action = Action(tmp_path, args=f"{SMALL} --label 'half")
    done = action.step("run")
    assert done.returncode == 0
    assert done.stderr == (
        "error: args cannot be split into words as a shell does: No closing quotation\n"
    )
    assert action.context["steps.run.outputs.exit-code"] == "2"
    assert not (Path(action.context["steps.run.outputs.recording"]) / "plan.json").exists()
    assert action.step("report").returncode == 0
    assert "nothing was run" in action.summary.read_text()
    assert action.step("verdict").returncode == 2


@pytest.mark.parametrize(
    ("args", "more"),
    [
        ("", []),
        (" \t\n", []),
        ("''", [""]),
        (
            "--label 'a  b\n' --seed=1\n--check a\\ b",
            ["--label", "a  b\n", "--seed=1", "--check", "a b"],
        ),
        ("ü '$HOME' *", ["ü", "$HOME", "*"]),
    ],
)
def test_words_arrive_as_a_shell_splits_them(tmp_path: Path, args: str, more: list[str]) -> None:
    """None of white space alone; an empty one where it is quoted; nothing is expanded."""
    action = Action(tmp_path, args=args)
    action.context["steps.install.outputs.bin"] = str(stand_in(tmp_path))
    assert action.step("run").returncode == 0
    words = (tmp_path / "words").read_text().split("\0")[:-1]
    recording = action.context["steps.run.outputs.recording"]
    assert words == [
        *("run", "--out", recording, "--fail-on", "promises", "--suite", "quick"),
        *more,
    ]


@pytest.mark.parametrize(("given", "seen"), [("", "the job's"), ("hosted pool", "hosted pool")])
def test_the_machine_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, seen: str
) -> None:
    """Holds where the input is empty."""
    monkeypatch.setenv("DUROXIDE_STRESS_MACHINE", "the job's")
    action = Action(tmp_path, machine=given)
    action.context["steps.install.outputs.bin"] = str(stand_in(tmp_path))
    assert action.step("run").returncode == 0
    assert (tmp_path / "machine").read_text() == seen


def stand_in(home: Path) -> Path:
    """A directory with our Python, and a command that writes down what it was given."""
    found = home / "bin"
    found.mkdir()
    (found / "python").symlink_to(sys.executable)
    command = found / "duroxide-stress"
    command.write_text(
        f"#!/bin/sh\nprintf '%s\\0' \"$@\" > '{home}/words'\n"
        f"printf %s \"$DUROXIDE_STRESS_MACHINE\" > '{home}/machine'\n"
    )
    command.chmod(0o755)
    return found


def test_a_gate_needs_a_ledger(tmp_path: Path) -> None:
    """Without one it had nothing to compare, and must not pass."""
    action = Action(tmp_path, gate="true")
    action.context["steps.run.outputs.exit-code"] = "0"
    done = action.step("verdict")
    assert done.returncode == 2
    assert "gate needs a ledger" in done.stderr


def test_the_ledger_and_the_gate(tmp_path: Path) -> None:
    """The result is filed, and the gate asks the ledger."""
    action = Action(tmp_path, args=SMALL, ledger="kept/ledger", gate="true")
    done = action.step("run")
    assert action.context["steps.run.outputs.exit-code"] == "0", done.stderr
    assert (tmp_path / "work/kept/ledger/ledger.jsonl").is_file()
    done = action.step("verdict")  # one entry: nothing to compare it with yet
    assert done.returncode == 0, done.stderr
    assert "::warning title=duroxide-stress::The gate could judge nothing" in done.stdout
    assert "too few runs, or the newest figures cannot be trusted" in done.stdout


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (3, 0), (4, 4), (2, 2)])
def test_what_the_gate_says_is_what_the_job_does(tmp_path: Path, code: int, expected: int) -> None:
    """But for too little to judge, which is a warning."""
    action = Action(tmp_path, ledger="kept", gate="true")
    action.context["steps.run.outputs.exit-code"] = "0"
    action.context["steps.install.outputs.bin"] = str(tmp_path)
    (tmp_path / "duroxide-stress").write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n')
    (tmp_path / "duroxide-stress").chmod(0o755)
    done = action.step("verdict")
    assert done.returncode == expected
    assert done.stdout.startswith("trend --ledger kept --gate\n")
    assert ("::warning" in done.stdout) == (code == 3)


def test_the_workflows_of_the_docs_give_inputs_that_there_are() -> None:
    """Every example that uses the action, in docs/ci.md."""
    text = (ROOT / "docs/ci.md").read_text()
    steps = [step for example in examples() for step in example]
    given = [step["with"] for step in steps if "/duroxide-stress@" in step["uses"]]
    assert len(given) == 2
    assert set().union(*given) <= set(Action.inputs())
    rows = set(re.findall(r"^\| `([a-z-]+)`(?:, `([a-z-]+)`)? \|", text, re.MULTILINE))
    assert {name for row in rows for name in row if name} == set(Action.inputs())


def examples() -> list[list[dict[str, Any]]]:
    """The steps of each workflow in docs/ci.md."""
    text = (ROOT / "docs/ci.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    return [
        block if isinstance(block, list) else block["jobs"]["stress"]["steps"] for block in blocks
    ]


def test_the_kept_ledger_of_the_docs_is_kept_also_after_an_alarm() -> None:
    """Else each run is compared with the same old ones, and the change rings for ever. Another
    attempt has a key of its own, for a cache is written once."""
    (steps,) = [steps for steps in examples() if any("cache" in step["uses"] for step in steps)]
    restore, stress, save = steps
    assert restore["uses"].startswith("actions/cache/restore@")
    assert save["uses"].startswith("actions/cache/save@")
    assert "if" not in restore
    assert save["if"] == "always()"
    assert save["with"] == {name: restore["with"][name] for name in ("path", "key")}
    assert "github.run_attempt" in save["with"]["key"]
    assert restore["with"]["key"].startswith(restore["with"]["restore-keys"])
    assert stress["with"]["ledger"] == save["with"]["path"]


def gitlab() -> dict[str, Any]:
    """The job of the snippet."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docs/ci/gitlab.yml").read_text())
    return dict(found["stress"])


def test_the_gitlab_job_leaves_what_it_names(tmp_path: Path) -> None:
    """Its artifacts are what its command writes; a test report is one of them."""
    job = gitlab()
    install, run = job["script"]
    assert install == 'pip install --quiet "$STRESS_PACKAGE"'
    assert job["variables"]["STRESS_PACKAGE"].startswith("duroxide-stress[postgres] @ git+https:")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "STRESS_WORDS": f"{job['variables']['STRESS_WORDS']} {SMALL}",
    }
    done = subprocess.run(
        [*BASH, run], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    reports = job["artifacts"]["reports"]
    for name in (*job["artifacts"]["paths"], reports["junit"]):
        assert (tmp_path / name).exists(), name
    suites = junitparser.JUnitXml.fromfile(str(tmp_path / reports["junit"]))
    assert sum(suite.tests for suite in suites) > 0
