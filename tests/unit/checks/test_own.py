"""Checks of the user's own: what a file must hold, what it may do, and what it is judged to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bite.planted import fail
from duroxide_stress.checks.own import check_problems, load_checks, with_recorded
from duroxide_stress.errors import UsageError
from duroxide_stress.judge import judge_run
from duroxide_stress.recording.tables import Recording, empty_tables
from duroxide_stress.result import CellResult, CheckResult
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

EXAMPLES = Path(__file__).parents[3] / "examples" / "checks"
HEAD = "-- name: mine\n-- promise: All is well.\n-- source: us\n-- unit: ops\n"
SOUND = (
    "SELECT count(*) FROM ops;\n"
    "SELECT instance, 'it failed' AS what, error AS detail, 1.5 AS weight "
    "FROM ops WHERE ended = 'fail'"
)
PYTHON = """
from duroxide_stress.checks.base import Check, Looked
{}
CHECK = Check("mine", "All is well.", "us", "ops", look)
"""


def written(tmp_path: Path, name: str, text: str) -> str:
    """A check file and its path."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def judged(recorded: Recorded, *paths: str) -> CellResult:
    """The cell's judgement with these checks."""
    return judge_run(recorded.run, load_checks(paths)).cells[0]


def mine(recorded: Recorded, path: str) -> CheckResult:
    """What the one check of this file says."""
    return judged(recorded, path).checks[-1]


def test_a_sql_check_is_judged_like_a_built_in_one(recorded: Recorded, tmp_path: Path) -> None:
    """Its contract, its evidence, its findings with their weight, and the words that repeat them."""
    path = written(tmp_path, "mine.sql", HEAD + SOUND)
    clean = mine(recorded, path)
    assert (clean.name, clean.promise, clean.unit) == ("mine", "All is well.", "ops")
    assert (clean.verdict, clean.seen) == (
        Verdict.OK,
        len(recorded.lines("ops", where(type="invoke"))),
    )
    fail(recorded, 3, "locked", category="infrastructure")
    cell = judged(recorded, path)
    found = cell.checks[-1]
    assert (found.verdict, found.found) == (Verdict.VIOLATED, 1)
    (finding,) = found.findings
    assert (finding.instance, finding.what, finding.weight) == (
        recorded.instance(3),
        "it failed",
        1.5,
    )
    assert any(reason.startswith("mine: 1 found in ") for reason in cell.reasons)
    assert cell.command.endswith(f" --check {path}")


def test_too_little_evidence_is_unknown(recorded: Recorded, tmp_path: Path) -> None:
    """`need` says how much is enough; null evidence was not asked for."""
    result = mine(recorded, written(tmp_path, "a.sql", f"-- need: 9999\n{HEAD}{SOUND}"))
    assert (result.verdict, result.asked) == (Verdict.UNKNOWN, True)
    assert "needs 9999" in result.note
    nothing = HEAD + SOUND.replace("count(*)", "sum(NULL)")
    result = mine(recorded, written(tmp_path, "b.sql", nothing))
    assert (result.verdict, result.asked) == (Verdict.UNKNOWN, False)


def test_a_cell_that_was_cut_off_is_not_put_to_sql(recorded: Recorded, tmp_path: Path) -> None:
    """Half a recording looks like lost work."""
    path = written(tmp_path, "a.sql", HEAD + SOUND)
    fail(recorded, 3, "locked")
    (recorded.directory / "end.json").unlink()
    result = mine(recorded, path)
    assert (result.verdict, result.found) == (Verdict.UNKNOWN, 0)
    assert "no end.json" in result.note


def test_a_check_that_crashes_is_unknown(recorded: Recorded, tmp_path: Path) -> None:
    """The others still speak, and its error is its note."""
    broken = HEAD + SOUND.replace("count(*)", "max(error('no ' || instance))")
    for path in (
        written(tmp_path, "a.sql", broken),
        written(tmp_path, "b.py", PYTHON.format("def look(recording): raise KeyError('no key')")),
        written(tmp_path, "c.py", PYTHON.format("def look(recording): raise SystemExit(0)")),
        written(tmp_path, "d.py", PYTHON.format("def look(recording): return 3")),
        written(tmp_path, "e.py", PYTHON.format("def look(recording): return Looked('many')")),
    ):
        cell = judged(recorded, path)
        result = cell.checks[-1]
        assert result.verdict is cell.verdict is Verdict.UNKNOWN
        assert result.note.startswith("the check crashed: ")


def test_a_python_check_has_the_contract_of_the_built_in_ones(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its queries, findings and notes; what it prints is kept out of the report."""
    look = (
        "def look(recording):\n"
        "    print('looking')\n"
        "    return Looked(recording.one('SELECT count(*) FROM ops'), note='seen')\n"
        "print('loading')"
    )
    result = mine(recorded, written(tmp_path, "mine.py", PYTHON.format(look)))
    assert (result.verdict, result.note) == (Verdict.OK, "seen")
    assert capsys.readouterr().out == ""


def test_what_a_python_check_does_to_the_tables_is_undone(
    recorded: Recorded, tmp_path: Path
) -> None:
    """Checks after it and the figures ask the same tables."""
    clean = judged(recorded)
    look = (
        "def look(recording):\n"
        "    recording.db.execute('DROP TABLE history')\n"
        "    recording.db.execute('DELETE FROM ops')\n"
        "    return Looked(1)"
    )
    dropped = judged(recorded, written(tmp_path, "mine.py", PYTHON.format(look)))
    assert dropped.checks[-1].verdict is Verdict.OK
    assert (dropped.figures, dropped.parts) == (clean.figures, clean.parts)
    assert dropped.latency_ms == clean.latency_ms


BAD = {
    "a.txt": ("", "a check is a .sql or a .py file"),
    "empty.sql": ("", "the comments at its top have no line `-- name: ...`"),
    "name.sql": (HEAD.replace("mine", "My Own") + SOUND, "its name must be at most 40 small letters"),
    "taken.sql": (HEAD.replace("mine", "success") + SOUND, "is already named 'success'"),
    "words.sql": (HEAD.replace("All is well.", " ") + SOUND, "its promise must be words, found ''"),
    "need.sql": (f"-- need: some\n{HEAD}{SOUND}", "need must be a whole number, found 'some'"),
    "zero.sql": (f"-- need: 0\n{HEAD}{SOUND}", "its need must be a whole number of at least 1"),
    "syntax.sql": (HEAD + "SELECT 1;\nSELECT fro x y", "not SQL that DuckDB reads: Parser Error"),
    "one.sql": (HEAD + "SELECT 1", "it must hold two SELECT statements, the evidence and"),
    "table.sql": (HEAD + SOUND.replace("FROM ops;", "FROM opps;"), 'Did you mean "ops"?'),
    "columns.sql": (HEAD + "SELECT 1; SELECT instance FROM ops", "found instance"),
    "two.sql": (HEAD + "SELECT 1, 2; " + SOUND.partition(";")[2], "must give one number"),
    "drop.sql": (HEAD + "DROP TABLE ops; SELECT 1", "two SELECT statements"),
    "write.sql": (HEAD + "SELECT 1; COPY ops TO 'mine.csv'", "two SELECT statements"),
    "read.sql": (HEAD + "SELECT count(*) FROM read_text('/etc/hosts'); SELECT 1", "Cannot access file"),
    "nothing.py": ("x = 1", "it must have CHECK = duroxide_stress.checks.base.Check(...), found none"),
    "other.py": ("CHECK = 3", "found one of type int"),
    "import.py": ("import nowhere", "cannot be loaded: ModuleNotFoundError: No module named"),
    "exit.py": ("raise SystemExit(0)", "cannot be loaded: RuntimeError: it called exit(0)"),
    "syntax.py": ("def", "cannot be loaded: SyntaxError: invalid syntax"),
    "look.py": (PYTHON.format("look = 3"), "its look must be a function that takes the recording"),
    "source.py": (
        PYTHON.format("look = print").replace('"us"', "None"), "its source must be words, found None"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    """It names the file, what was found and what would be right."""
    text, sentence = BAD[name]
    path = written(tmp_path, name, text)
    problems = check_problems([path])
    assert all(problem.startswith(f"check {path}") for problem in problems)
    assert any(sentence in problem for problem in problems), problems
    assert not any("\n" in problem for problem in problems)


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Also two files of one name, a missing one and one that is no text."""
    one, two = (written(tmp_path, name, HEAD + SOUND) for name in ("a.sql", "b.sql"))
    (tmp_path / "c.sql").write_bytes(b"\xff")
    bad = str(tmp_path / "c.sql")
    with pytest.raises(UsageError) as refused:
        load_checks([one, two, one, bad, "gone.sql"])
    assert refused.value.problems == (
        f"check {two}: the check of {one} is already named 'mine'",
        f"check {bad} cannot be read: it is not UTF-8",
        "check gone.sql cannot be read: No such file or directory",
    )


def test_a_name_that_no_recording_could_hold_is_refused(tmp_path: Path) -> None:
    """A plan is written in UTF-8, and names its checks."""
    (problem,) = check_problems([str(tmp_path / "a\udcff.sql")])
    assert problem.endswith("a\\udcff.sql' cannot be used: its name is not UTF-8")


def test_comments_and_semicolons_around_the_queries_do_no_harm(tmp_path: Path) -> None:
    """A query may end with words that look like a comment."""
    text = (
        f"{HEAD}-- more words\n\n-- evidence\nSELECT count(*) FROM ops;\n\n/* then */ SELECT instance,"
        " 'a -- b;' AS what, '--' AS detail FROM ops WHERE instance = '-- c;' ; -- the end\n"
    )
    assert list(load_checks([written(tmp_path, "a.sql", text)]))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "COPY ops TO '/tmp/never'",
        "ATTACH '/tmp/never.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_no_query_reaches_outside_the_tables(recorded: Recorded, sql: str) -> None:
    """Neither before there is a recording nor on one."""
    recording = Recording(recorded.directory)
    for db in (recording.db, empty_tables()):
        with pytest.raises(
            Exception, match=r"disabled by configuration|configuration has been locked"
        ):
            db.execute(sql)
        db.close()


def test_the_empty_tables_are_those_of_a_recording(recorded: Recorded) -> None:
    """What can be put to the one can be put to the other."""
    sql = "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY ALL"
    recording, empty = Recording(recorded.directory), empty_tables()
    assert recording.rows(sql) == empty.execute(sql).fetchall()
    recording.close()
    empty.close()


def planned(recorded: Recorded, *paths: str) -> None:
    """Let the recording's plan have asked for these checks."""
    head = json.loads((recorded.run / "plan.json").read_bytes())
    head["plan"]["checks"] = list(paths)
    (recorded.run / "plan.json").write_text(json.dumps(head))


def test_a_recorded_sql_check_is_read_again(recorded: Recorded, tmp_path: Path) -> None:
    """Where it still lies; its words stand in the cell's command."""
    path = written(tmp_path, "mine.sql", HEAD + SOUND)
    planned(recorded, path)
    cell = judge_run(recorded.run).cells[0]
    assert (cell.checks[-1].name, cell.checks[-1].verdict) == ("mine", Verdict.OK)
    assert cell.command.endswith(f" --check {path}")
    assert judged(recorded, path).checks == cell.checks


def test_a_recorded_check_that_is_not_there_is_named(recorded: Recorded) -> None:
    """The cell is unknown, because the question was put; nothing fails."""
    planned(recorded, "far/away.sql")
    cell = judge_run(recorded.run).cells[0]
    assert cell.verdict is Verdict.UNKNOWN
    assert cell.checks[-1].name == "away.sql"
    assert cell.checks[-1].note == (
        "check far/away.sql cannot be read: No such file or directory; "
        "give it with --check far/away.sql"
    )


def test_a_recording_does_not_choose_what_code_is_run(recorded: Recorded, tmp_path: Path) -> None:
    """A Python check that the plan names is not loaded, unless the command gives it, from anywhere."""
    marker = tmp_path / "ran"
    code = PYTHON.format(f"open({str(marker)!r}, 'w')\ndef look(recording): return Looked(1)")
    path = written(tmp_path, "mine.py", code)
    planned(recorded, "elsewhere/mine.py")
    (recorded.run / "elsewhere").mkdir()
    cell = judge_run(recorded.run).cells[0]
    assert (cell.checks[-1].name, cell.verdict) == ("mine.py", Verdict.UNKNOWN)
    assert "does not choose what code is run" in cell.checks[-1].note
    planned(recorded, path)
    judge_run(recorded.run)
    assert not marker.exists()
    planned(recorded, "elsewhere/mine.py")
    names = [check.name for check in judged(recorded, path).checks]
    assert names[-1] == "mine"
    assert "mine.py" not in names
    assert marker.exists()


def test_the_name_of_a_missing_file_cannot_break_the_table() -> None:
    """It comes from a recording, and may hold anything."""
    (check,) = with_recorded(["x/a\x1b[2J\n|b.sql"], {})
    assert check.name == "a-2J-b.sql"


@pytest.mark.parametrize("name", ["slow_starts.sql", "fair_share.py"])
def test_the_examples_look_and_find(recorded: Recorded, name: str) -> None:
    """Silent on a clean recording, and not on one that took its time."""
    path = str(EXAMPLES / name)
    clean = mine(recorded, path)
    assert (clean.verdict, clean.found) == (Verdict.OK, 0)
    for line in recorded.lines("history", where(instance=recorded.instance(3))):
        later = where(instance=recorded.instance(3), event_id=line["event_id"])
        recorded.change("history", later, ts_ms=line["ts_ms"] + 60_000)
    found = mine(recorded, path)
    assert (found.verdict, found.found) == (Verdict.VIOLATED, 1)
    assert found.findings[0].instance == recorded.instance(3)
    assert found.worst == found.findings[0]


@pytest.mark.parametrize("name", ["slow_starts.sql", "fair_share.py"])
def test_the_examples_stand_in_the_docs_as_they_are(name: str) -> None:
    """What is shown is what is run."""
    docs = (EXAMPLES.parents[1] / "docs" / "your-own-checks.md").read_text()
    assert (EXAMPLES / name).read_text() in docs
