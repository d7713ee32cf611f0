"""Recordings as tables: what is tolerated, what is refused, and with which words."""

from pathlib import Path

import pytest

from duroxide_stress.errors import RecordingError, UsageError
from duroxide_stress.judge import judge_run
from duroxide_stress.recording.records import FORMAT
from duroxide_stress.recording.store import LINE_FILES, count_lines
from duroxide_stress.recording.tables import Recording
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

TABLES = {name: name for name in LINE_FILES} | {"ops": "ops_lines", "faults": "fault_lines"}


def rows(recorded: Recorded, table: str) -> int:
    """Load the cell and count the rows of a table."""
    recording = Recording(recorded.directory)
    try:
        return int(recording.one(f"SELECT count(*) FROM {table}"))
    finally:
        recording.close()


def cut(path: Path, size: int) -> None:
    """Take `size` bytes off the end of a file."""
    path.write_bytes(path.read_bytes()[:-size])


def refusal(recorded: Recorded) -> str:
    """The one reason for which the whole cell is unknown."""
    cell = recorded.judged()
    assert (cell.verdict, cell.checks, cell.launched) == (Verdict.UNKNOWN, (), 0)
    (reason,) = cell.reasons
    assert "\n" not in reason
    assert str(recorded.run) not in reason
    return reason


def test_one_row_an_instance(recorded: Recorded) -> None:
    """An op's lines become one row: what was owed, when it was acknowledged, how it ended."""
    recording = Recording(recorded.directory)
    (row,) = recording.rows(
        "SELECT instance, part, acked_ns > begun_ns, ended, seen_ns > acked_ns, error, fail_where, "
        "info_reason, expect_status, alike, expect_activities FROM ops WHERE op = 3"
    )
    instance = recorded.instance(3)
    assert row == (
        *(instance, "parallel", True, "ok", True, None, None, None, "Completed", "parallel:3", 3),
    )
    (end,) = recording.rows("SELECT status, ended_ms FROM ends WHERE instance = $i", i=instance)
    (last,) = recorded.lines("history", where(instance=instance, kind="OrchestrationCompleted"))
    assert end == ("Completed", last["ts_ms"])
    assert recording.mark("window_begin") == recorded.mark("window_begin")
    assert recording.mark("nothing") is None
    recording.close()


def test_one_row_a_fault(recorded: Recorded) -> None:
    """When it was due, began and was healed, or why it was skipped."""
    recording = Recording(recorded.directory)
    begin = recording.mark("window_begin")
    assert recording.rows(
        f"SELECT number, name, due_ms, target, detail, began_ns - {begin}, ended_ns - {begin}, skipped "
        "FROM faults"
    ) == [
        (0, "kill", 200, "host-0", "kill -9 of host-0", 2, 9, None),
        (1, "kill", 200, "host-1", "", None, None, "it was down"),
    ]
    recording.close()


@pytest.mark.parametrize("name", LINE_FILES)
@pytest.mark.parametrize("size", [1, 20])
def test_a_torn_last_line_of_a_cell_that_was_cut_off_is_left_out(
    recorded: Recorded, name: str, size: int
) -> None:
    """A writer that was killed loses its last line, and no other; a lost newline is a torn line."""
    (recorded.directory / "end.json").unlink()
    whole = len(recorded.lines(name))
    cut(recorded.path(name), size)
    before = recorded.path(name).read_bytes()
    assert rows(recorded, TABLES[name]) == whole - 1
    assert recorded.path(name).read_bytes() == before


@pytest.mark.parametrize("length", [65_535, 65_536, 65_537, 200_000])
def test_a_long_torn_line_is_found_to_its_beginning(recorded: Recorded, length: int) -> None:
    """However many blocks it spans."""
    (recorded.directory / "end.json").unlink()
    whole = len(recorded.lines("effects"))
    with recorded.path("effects").open("a") as file:
        file.write('{"phase": "' + "x" * length)
    assert rows(recorded, "effects") == whole


@pytest.mark.parametrize("name", LINE_FILES)
def test_a_file_of_one_torn_line_is_empty(recorded: Recorded, name: str) -> None:
    """A writer that was killed in its first line leaves no row, and no error."""
    (recorded.directory / "end.json").unlink()
    recorded.path(name).write_text('{"instance": "par')
    assert rows(recorded, TABLES[name]) == 0


@pytest.mark.parametrize("name", LINE_FILES)
def test_a_file_that_was_never_begun_is_empty(recorded: Recorded, name: str) -> None:
    """A cell that was cut off early has not all its files."""
    (recorded.directory / "end.json").unlink()
    recorded.path(name).unlink()
    assert rows(recorded, TABLES[name]) == 0


@pytest.mark.parametrize("name", LINE_FILES)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_of_another_length_than_the_end_says_is_damage(
    recorded: Recorded, name: str, change: int
) -> None:
    """A line less or a line more after the end was written: the cell proves nothing."""
    path = recorded.path(name)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1] if change < 0 else [*lines, lines[-1]]))
    there = len(lines) + change
    assert refusal(recorded) == (
        f"{name}.jsonl is damaged: it has {there} complete lines, end.json says {len(lines)}"
    )


@pytest.mark.parametrize("name", LINE_FILES)
def test_a_torn_line_in_a_cell_that_ended_is_damage(recorded: Recorded, name: str) -> None:
    """What a killed writer may leave, a finished one may not."""
    whole = len(recorded.lines(name))
    cut(recorded.path(name), 5)
    assert refusal(recorded) == (
        f"{name}.jsonl is damaged: it has {whole - 1} complete lines, end.json says {whole}"
    )


@pytest.mark.parametrize("name", LINE_FILES)
def test_a_missing_file_is_damage(recorded: Recorded, name: str) -> None:
    """The end knows of it."""
    whole = len(recorded.lines(name))
    recorded.path(name).unlink()
    assert refusal(recorded) == f"{name}.jsonl is missing, end.json says {whole} lines"


BAD_LINES = {
    "not JSON": b"what is this",
    "half a line": b'{"at_ns": 17000',
    "not UTF-8": b'{"at_ns": 1, "source": "\xff\xfe"}',
    "a text for a number": b'{"at_ns": "yesterday", "op": "three", "event_id": "x", "run": "y",'
    b' "execution": "z"}',
    "a list": b"[1, 2]",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES)
@pytest.mark.parametrize("name", LINE_FILES)
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "cut off"])
def test_a_bad_line_in_the_middle_is_damage(
    recorded: Recorded, name: str, line: bytes, ended: bool
) -> None:
    """No writer's death does that, so nothing of the file is believed; the file is named."""
    lines = recorded.path(name).read_bytes().splitlines()
    middle = len(lines) // 2
    lines[middle] = line
    recorded.path(name).write_bytes(b"\n".join(lines) + b"\n")
    if not ended:
        (recorded.directory / "end.json").unlink()
    assert refusal(recorded).startswith(f"{name}.jsonl is damaged: ")


def test_a_field_that_nobody_knows_is_passed_over(recorded: Recorded) -> None:
    """A later version of the same format may add one."""
    recorded.change("ops", where(op=3), mood="sunny")
    recorded.change("effects", where(run=3), mood={"deep": [1]})
    assert recorded.judged().verdict is Verdict.OK


@pytest.mark.parametrize("document", ["cell.json", "end.json", "store.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", "\xff", '{"x": "\xff"}', '{"format": "one"}'])
def test_a_damaged_document_makes_the_cell_unknown(
    recorded: Recorded, document: str, text: str
) -> None:
    """Cell, end or store: the document is named."""
    (recorded.directory / document).write_bytes(text.encode("latin-1"))
    if document == "store.json" and text.startswith('{"format'):
        assert recorded.judged().verdict is Verdict.UNKNOWN
    else:
        assert refusal(recorded).startswith(f"{document} is damaged: ")


def test_an_empty_cell_directory_is_a_cell_that_never_began(recorded: Recorded) -> None:
    """It is unknown, and so is the run."""
    for path in recorded.directory.iterdir():
        path.unlink()
    assert refusal(recorded) == "the cell was never begun: it has no cell.json"


def test_a_cell_without_directory_did_not_run(recorded: Recorded) -> None:
    """The run ended before it."""
    recorded.directory.rename(recorded.run / "elsewhere")
    assert refusal(recorded) == "not run: the run ended before this cell"


@pytest.mark.parametrize("document", ["plan.json", "cell.json"])
def test_a_newer_format_is_for_a_newer_version(recorded: Recorded, document: str) -> None:
    """It is the user's to upgrade: exit code 2, with both numbers, though nothing else fits."""
    path = (recorded.run if document == "plan.json" else recorded.directory) / document
    path.write_text(f'{{"format": {FORMAT + 1}, "shape": "another"}}')
    with pytest.raises(UsageError) as caught:
        judge_run(recorded.run)
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        f"{path} has recording format {FORMAT + 1}, this version reads up to {FORMAT}: "
        "upgrade duroxide-stress to read it"
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [("nothing", "no such directory"), ("file", "no such directory"), ("empty", "no plan.json")],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, kind: str, words: str) -> None:
    """One sentence, exit code 2."""
    run = tmp_path / "run"
    if kind == "file":
        run.write_text("")
    elif kind == "empty":
        run.mkdir()
    with pytest.raises(UsageError, match=f"is not a recording: .*{words}") as caught:
        judge_run(run)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", [b"", b"{", b'{"format": 1}', b"\xff\xfe"])
def test_a_damaged_plan_is_a_damaged_recording(recorded: Recorded, text: bytes) -> None:
    """Without the plan nobody knows what was run: exit code 3."""
    (recorded.run / "plan.json").write_bytes(text)
    with pytest.raises(RecordingError, match=r"^plan\.json is damaged: ") as caught:
        judge_run(recorded.run)
    assert caught.value.exit_code == 3


def test_judging_leaves_the_recording_as_it_was(recorded: Recorded) -> None:
    """Reading writes nothing."""
    before = {p: p.read_bytes() for p in recorded.run.rglob("*") if p.is_file()}
    counts = count_lines(recorded.directory)
    judge_run(recorded.run)
    assert {p: p.read_bytes() for p in recorded.run.rglob("*") if p.is_file()} == before
    assert count_lines(recorded.directory) == counts
