"""`replay` as a user types it: exit codes, sentences, 80 columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recordings.make import make_run, small_cell

from .test_terminal import WIDTH, Terminal, shown_lines
from .tool import Tool

MINE = """
print("an import that talks")


class Mine:
    name = "mine"

    def register(self, runtime):
        runtime.register_orchestration("{name}", early)

    def start(self, i):
        return "{name}", i

    def accepts(self, i, status, output, error):
        return None


def early(ctx, given):
    print("code that talks")
    return "early"
    yield
"""


@pytest.fixture(scope="session")
def parallel_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording in virtual time."""
    return make_run(tmp_path_factory.mktemp("replayed") / "run", small_cell())


def test_the_recordings_own_code_follows_it(tool: Tool, parallel_run: Path) -> None:
    """Exit code 0, and JSON that says the same."""
    done = tool.run("replay", parallel_run, "--json", "result.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Verdict: ok" in done.stdout
    result = json.loads((tool.cwd / "result.json").read_text())
    assert (result["verdict"], result["cells"][0]["places"]) == ("ok", [])


def test_changed_code_is_found_with_both_sides(tool: Tool, parallel_run: Path) -> None:
    """Exit code 1; what the code prints is kept out of the JSON."""
    (tool.cwd / "mine.py").write_text(MINE.format(name="parallel"))
    words = ("replay", parallel_run, "--scenario", "mine:Mine", "--limit", "3", "--json", "-")
    done = tool.run(*words)
    assert done.returncode == 1
    (cell,) = json.loads(done.stdout)["cells"]
    assert (cell["instances"], cell["places"][0]["count"]) == (3, 3)
    assert "talks" not in done.stderr
    assert 'code: returns "early"' in done.stderr


def test_code_that_was_never_recorded_proves_nothing(tool: Tool, parallel_run: Path) -> None:
    """Exit code 3, with the reason."""
    (tool.cwd / "mine.py").write_text(MINE.format(name="else"))
    done = tool.run("replay", parallel_run, "--scenario", "mine:Mine")
    assert done.returncode == 3
    assert "the code has none of the orchestrations in it: 'parallel'" in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--scenario", "paralel"), "unknown scenario 'paralel': did you mean 'parallel', or"),
        (("--scenario", "mine:Mine"), "module 'mine' cannot be imported"),
        (("--instance", "nobody"), "has no history of an instance 'nobody'"),
        (("--json", "."), "--json . is a directory"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tool: Tool, parallel_run: Path, words: tuple[str, ...], sentence: str
) -> None:
    """Exit code 2, never a traceback."""
    done = tool.run("replay", parallel_run, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_no_recording_is_a_sentence(tool: Tool) -> None:
    """As for every verb."""
    done = tool.run("replay", ".")
    assert done.returncode == 2
    assert "is not a recording: it has no plan.json" in done.stderr


def test_the_report_fits_80_columns(tool: Tool, parallel_run: Path) -> None:
    """Also where inputs are long."""
    (tool.cwd / "mine.py").write_text(MINE.format(name="parallel"))
    terminal = Terminal(tool, "replay", str(parallel_run), "--scenario", "mine:Mine")
    lines = shown_lines(terminal.read_to_end())
    assert terminal.process.returncode == 1
    report = [line for line in lines if str(parallel_run) not in line]
    assert max(map(len, report)) <= WIDTH
