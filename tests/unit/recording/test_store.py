"""The run directory: heads are written whole, and read with a sentence for every damage."""

from pathlib import Path

import msgspec
import pytest

from duroxide_stress.config import Choices, build_plan
from duroxide_stress.errors import RecordingError, UsageError
from duroxide_stress.plan import Plan
from duroxide_stress.recording.records import FORMAT, CellEnd, CellHead, DriverEnd, RunHead
from duroxide_stress.recording.store import (
    LINE_FILES,
    count_lines,
    read_cell_end,
    read_cell_head,
    read_run,
    write_json,
)

from ..virtual import cell

RUN = RunHead(FORMAT, Plan("mine", (cell(),), "again"), {"cpus": 2}, 17)
HEAD = CellHead(
    FORMAT, cell(), "T", "P", "e", "e 1", "separate", 50.5, 10, "x", "again", lasting=True
)
END = CellEnd("finished", "", DriverEnd(launched=3), {"ops": 9})
DAMAGE = [b"", b"{", b"[]", b'{"format":1', b"\xff\xfe\x00", b'{"format": "\xff"}', b'{"x":1}']


def test_heads_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Run head, cell head and cell end go to disk and back."""
    write_json(tmp_path / "plan.json", RUN)
    write_json(tmp_path / "cell.json", HEAD)
    write_json(tmp_path / "end.json", END)
    assert read_run(tmp_path) == RUN
    assert read_cell_head(tmp_path) == HEAD
    assert read_cell_end(tmp_path) == END


def test_a_real_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Every field of every cell of the standard suite survives."""
    plan = build_plan(Choices())
    write_json(tmp_path / "plan.json", RunHead(FORMAT, plan, {}, 0))
    assert read_run(tmp_path).plan == plan


def test_a_document_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """What is left of an unfinished write is another file, and a rewrite leaves nothing behind."""
    path = tmp_path / "end.json"
    path.with_name("end.json.partial").write_bytes(b'{"ended": "fin')
    assert read_cell_end(tmp_path) is None
    write_json(path, END)
    assert read_cell_end(tmp_path) == END
    assert [p.name for p in tmp_path.iterdir()] == ["end.json"]
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize(
    ("raw", "lines"),
    [(b"", 0), (b"{}\n", 1), (b"{}\n{}\n{", 2), (b"{", 0), (b"{}\n" * 500_000 + b"{}", 500_000)],
)
def test_only_complete_lines_count(tmp_path: Path, raw: bytes, lines: int) -> None:
    """The torn last line of a killed writer is none; blocks do not lose any."""
    (tmp_path / "ops.jsonl").write_bytes(raw)
    assert count_lines(tmp_path) == {"ops": lines}


def test_lines_are_counted_per_record_file(tmp_path: Path) -> None:
    """Files that are not there are not counted, nor are others that lie beside them."""
    assert count_lines(tmp_path) == {}
    for number, name in enumerate(LINE_FILES):
        (tmp_path / f"{name}.jsonl").write_bytes(b"{}\n" * number)
    (tmp_path / "host.log").write_text("a\nb\n")
    assert count_lines(tmp_path) == {name: number for number, name in enumerate(LINE_FILES)}


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    """A missing path, a file and an empty directory are each told what they lack."""
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "gone", tmp_path / "file"):
        with pytest.raises(UsageError, match="is not a recording: no such directory"):
            read_run(path)
    with pytest.raises(UsageError, match=r"is not a recording: it has no plan\.json"):
        read_run(tmp_path)


def test_a_newer_format_is_refused_whatever_else_it_holds(tmp_path: Path) -> None:
    """The version is looked at before fields that this version cannot know."""
    for name, read in (("plan.json", read_run), ("cell.json", read_cell_head)):
        (tmp_path / name).write_bytes(msgspec.json.encode({"format": FORMAT + 1, "new": True}))
        with pytest.raises(UsageError, match=f"format {FORMAT + 1}.* reads up to {FORMAT}"):
            read(tmp_path)


@pytest.mark.parametrize("raw", DAMAGE)
def test_damaged_heads_are_a_recording_error(tmp_path: Path, raw: bytes) -> None:
    """Torn, empty or scrambled bytes name the file and never end in a traceback."""
    for name, read in (
        ("plan.json", read_run),
        ("cell.json", read_cell_head),
        ("end.json", read_cell_end),
    ):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(RecordingError, match=f"^{name} is damaged: "):
            read(tmp_path)


def test_a_right_format_with_missing_fields_is_damaged(tmp_path: Path) -> None:
    """A head of the right version must have the version's fields."""
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode({"format": FORMAT}))
    with pytest.raises(RecordingError, match=r"plan\.json is damaged: .*plan"):
        read_run(tmp_path)


def test_a_cell_that_never_began_is_told(tmp_path: Path) -> None:
    """Without a head there is nothing to judge; without an end it was cut off."""
    with pytest.raises(RecordingError, match="never begun"):
        read_cell_head(tmp_path)
    assert read_cell_end(tmp_path) is None
