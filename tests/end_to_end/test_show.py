"""`show`, and checks of the user's own, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bite.planted import fail
from recordings.make import Recorded

from .test_bad_input import complaints
from .test_terminal import WIDTH, Terminal, shown_lines
from .tool import TINY, Tool, document

EXAMPLES = Path(__file__).parents[2] / "examples" / "checks"
HOSTILE = "\x1b[2J\x1b]0;gone\x07 database is locked"
CHECK = """\
-- name: never-three
-- promise: No op is the third.
-- source: a test
-- unit: ops
SELECT count(*) FROM ops;
SELECT instance, 'the third' AS what, 'op ' || op AS detail FROM ops WHERE op = {};
"""


@pytest.fixture
def broken(recorded: Recorded) -> Recorded:
    """A recording with one instance that failed, in words that a terminal would obey."""
    fail(recorded, 3, HOSTILE, category="infrastructure", retryable=True)
    return recorded


def test_the_report_leads_to_the_story_and_the_story_to_the_report(
    tool: Tool, broken: Recorded
) -> None:
    """Every `story:` line of a report, and the list of instances, can be typed as it stands."""
    report = tool.run("check", broken.run)
    (words,) = {
        line.partition("story: duroxide-stress ")[2]
        for line in report.stdout.splitlines()
        if "story: " in line
    }
    listed = tool.run("show", broken.run)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert f"story: duroxide-stress {words}" in listed.stdout
    assert "success: 1 found in" in listed.stdout
    done = tool.run(*words.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Story of {broken.instance(3)}\n")
    assert "--- For a bug report" in done.stdout
    for text in (report.stdout, listed.stdout, done.stdout):
        assert not set(text) & set("\x1b\x07")
        assert "\\x1b[2J" in text


def test_a_story_as_json(tool: Tool, broken: Recorded) -> None:
    """Alone on standard output, whole, and the same in a file; the list has one too."""
    done = tool.run("show", broken.run, "0000003", "--json", "-")
    story = json.loads(done.stdout)
    assert done.returncode == 0
    assert story["instance"] == broken.instance(3)
    assert [named["check"] for named in story["findings"]] == ["success"]
    assert any(HOSTILE in (moment["detail"] or "") for moment in story["moments"])
    assert "Story of" in done.stderr
    assert tool.run("show", broken.run, "--json", "list.json").returncode == 0
    (found,) = json.loads((tool.cwd / "list.json").read_bytes())
    assert (found["check"], found["found"]) == ("success", 1)
    assert found["first"]["instance"] == broken.instance(3)


def test_what_is_no_instance_is_a_sentence(tool: Tool, recorded: Recorded) -> None:
    """Unknown, unclear, in a cell that is none, of a recording that is none."""
    run = recorded.run
    (told,) = complaints(tool, "show", run, "nobody")
    assert told.startswith(f"{run} has no instance 'nobody': its ids are like parallel-")
    (told,) = complaints(tool, "show", run, "parallel-")
    assert " ids begin or end with it: parallel-" in told
    (told,) = complaints(tool, "show", run, "0000003", "--cell", "parallel")
    assert told.startswith("unknown cell 'parallel'")
    assert complaints(tool, "show", "gone", "x") == ["gone is not a recording: no such directory"]
    (told,) = complaints(tool, "show", run, "0000003", "--json", "nowhere/x.json")
    assert told.startswith("--json nowhere/x.json cannot be written")


def test_the_story_fits_80_columns(tool: Tool, broken: Recorded) -> None:
    """But for commands and what is to be pasted."""
    seen = Terminal(tool, "show", str(broken.run), "0000003").read_to_end()
    page = seen.partition("--- For a bug report")[0]
    lines = [line for line in shown_lines(page) if "duroxide-stress" not in line]
    assert len(lines) > 20
    assert max(map(len, lines)) <= WIDTH


def test_a_run_is_held_to_checks_of_its_own(tool: Tool) -> None:
    """In the table, in the JSON, in the words that repeat it, and by `check` again."""
    (tool.cwd / "never.sql").write_text(CHECK.format(3))
    words = ("run", "--provider", "reference", *TINY, "--out", "out", "--check", "never.sql")
    done = tool.run(*words, "--check", EXAMPLES / "fair_share.py")
    assert done.returncode == 1, done.stderr
    checks = document(tool.cwd / "out" / "result.json")["cells"][0]["checks"]
    assert [(check["name"], check["verdict"]) for check in checks[-2:]] == [
        ("never-three", "violated"),
        ("fair-share", "ok"),
    ]
    assert "never-three: 1 found in" in done.stdout
    assert "--check never.sql" in done.stdout
    again = tool.run("check", "out", "--check", EXAMPLES / "fair_share.py")
    assert (again.returncode, again.stdout) == (1, done.stdout)
    (tool.cwd / "never.sql").unlink()
    without = tool.run("report", "out")
    assert without.returncode == 0
    assert "never.sql cannot be read: No such file or directory" in " ".join(without.stdout.split())


def test_a_plan_names_checks_beside_itself(tool: Tool) -> None:
    """Relative to the plan's file; what is wrong with them has its line."""
    plans = tool.cwd / "plans"
    plans.mkdir()
    (plans / "plan.toml").write_text('repeat = 1\nchecks = ["one.sql", "two.py"]\n')
    (plans / "one.sql").write_text(CHECK.format(-1))
    told = complaints(tool, "plan", "plans/plan.toml", "--check", "no.txt")
    assert told == [
        "check no.txt: a check is a .sql or a .py file; docs/your-own-checks.md shows a whole one",
        "plans/plan.toml:2: check plans/two.py cannot be read: No such file or directory",
    ]
    (plans / "two.py").write_bytes((EXAMPLES / "fair_share.py").read_bytes())
    described = tool.run("plan", "plans/plan.toml").stdout
    assert "Check of your own: plans/one.sql\nCheck of your own: plans/two.py\n" in described
    assert "--check plans/one.sql --check plans/two.py" in described


def test_a_check_of_ones_own_is_listed(tool: Tool) -> None:
    """With its promise, after the built-in ones."""
    done = tool.run("list", "checks", "--check", EXAMPLES / "slow_starts.sql")
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0
    assert last.split(maxsplit=1) == [
        "slow-starts",
        "An instance has its first turn within two seconds of its acknowledged start.",
    ]
