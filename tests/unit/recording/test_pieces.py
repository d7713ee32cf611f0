"""Record files in pieces: written on, compressed, read as one."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from duroxide_stress.errors import RecordingError
from duroxide_stress.recording import loading, pieces
from duroxide_stress.recording.pieces import Compressor, compress, count, lines_of
from duroxide_stress.recording.records import Acked
from duroxide_stress.recording.store import LINE_FILES
from duroxide_stress.recording.tables import Recording
from duroxide_stress.recording.writer import LineWriter
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, make_run, small_cell


def names(directory: Path) -> list[str]:
    """What lies there."""
    return sorted(path.name for path in directory.iterdir())


def in_pieces(recorded: Recorded, lines: int) -> None:
    """Cut every file into full pieces of so many lines, the rest still open."""
    for name in LINE_FILES:
        whole = recorded.path(name).read_bytes().splitlines(keepends=True)
        full = len(whole) // lines
        for number in range(full):
            piece = recorded.directory / f"{name}.{number + 1:05}.jsonl"
            piece.write_bytes(b"".join(whole[number * lines : (number + 1) * lines]))
        recorded.path(name).write_bytes(b"".join(whole[full * lines :]))


def test_a_full_file_goes_on_in_a_new_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is lost or torn at the border, and their order is that of the writing."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", 100)
    monkeypatch.setattr("duroxide_stress.recording.writer.BUFFER_BYTES", 1)
    with LineWriter(tmp_path / "ops.jsonl") as lines:
        for op in range(10):
            lines.write(Acked(op, 1_000_000_000, 2_000_000_000))
    assert names(tmp_path) == [f"ops.0000{n}.jsonl" for n in range(1, 6)] + ["ops.jsonl"]
    found = list(lines_of(tmp_path, "ops"))
    assert [b'"op":%d,' % op in line for op, line in enumerate(found)] == [True] * 10
    assert count(tmp_path, "ops") == 10


def test_a_writer_that_begins_again_goes_on_counting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the pieces before it are compressed."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1)
    for op in range(3):
        with LineWriter(tmp_path / "ops.jsonl") as lines:
            lines.write(Acked(op, 1, 2))
        compress(tmp_path)
    assert names(tmp_path) == [f"ops.0000{n}.jsonl.gz" for n in range(1, 4)] + ["ops.jsonl"]


def test_the_order_of_pieces(tmp_path: Path) -> None:
    """Writer by writer, full pieces by number (also beyond five digits), the open file last."""
    wanted = [
        *("effects.00001.jsonl", "effects.jsonl", "effects-host-0.00002.jsonl.gz"),
        *("effects-host-0.99999.jsonl", "effects-host-0.100000.jsonl", "effects-host-0.jsonl"),
        *("effects-host-0.2.00001.jsonl", "effects-host-0.2.jsonl"),
    ]
    for name in reversed(wanted):
        (tmp_path / name).touch()
    (tmp_path / "effectsive.jsonl").touch()
    (tmp_path / "effects-host-0.00003.jsonl.gz.partial").touch()
    assert [path.name for path in pieces.pieces(tmp_path, "effects")] == wanted


def test_only_full_pieces_are_compressed_and_nothing_is_lost(tmp_path: Path) -> None:
    """What is open stays as it is; what cannot be read as compressed was not."""
    (tmp_path / "ops.00001.jsonl").write_bytes(b"{}\n" * 1000)
    (tmp_path / "ops.jsonl").write_bytes(b"{}\n")
    (tmp_path / "effects-host-0.2.jsonl").write_bytes(b"{}\n")
    compressor = Compressor(tmp_path)
    compressor.close()
    assert names(tmp_path) == ["effects-host-0.2.jsonl", "ops.00001.jsonl.gz", "ops.jsonl"]
    assert gzip.decompress((tmp_path / "ops.00001.jsonl.gz").read_bytes()) == b"{}\n" * 1000
    assert (count(tmp_path, "ops"), count(tmp_path, "effects")) == (1001, 1)
    assert count(tmp_path, "faults") is None


def test_a_piece_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    """The process that compressed it was killed before it could take the larger away."""
    (tmp_path / "ops.00001.jsonl").write_bytes(b"{}\n" * 10)
    compress(tmp_path)
    (tmp_path / "ops.00001.jsonl").write_bytes(b"{}\n" * 10)
    assert count(tmp_path, "ops") == 10


def test_a_piece_that_cannot_be_compressed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk; no half of it is left."""
    path = tmp_path / "ops.00001.jsonl"
    path.write_bytes(b"{}\n" * 10)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    compress(tmp_path)
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("on_disk", [False, True])
def test_a_recording_in_pieces_is_judged_as_the_whole(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, compressed: bool, on_disk: bool
) -> None:
    """Piece by piece, compressed or not, in memory or on disk: the same result."""
    whole = recorded.judged()
    assert whole.verdict is Verdict.OK
    in_pieces(recorded, 7)
    if compressed:
        compress(recorded.directory)
    if on_disk:
        monkeypatch.setattr(loading, "IN_MEMORY_BYTES", 0)
    assert (recorded.directory / "ops.00003.jsonl").exists() != compressed
    assert recorded.judged() == whole


def test_no_file_is_left_of_tables_on_disk(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They end with the judgement."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setattr(loading, "IN_MEMORY_BYTES", 0)
    recording = Recording(recorded.directory)
    assert list(scratch.rglob("tables.duckdb"))
    recording.close()
    assert list(scratch.iterdir()) == []


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "its end is missing": lambda piece: piece[:-9],
    "not compressed": lambda piece: b"x" + piece[1:],
    "other bytes within": lambda piece: piece[:40] + b"?" * 40 + piece[80:],
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_piece_is_named(recorded: Recorded, change: Callable[[bytes], bytes]) -> None:
    """For the judgement and for whoever looks for an instance."""
    in_pieces(recorded, 50)
    compress(recorded.directory)
    piece = recorded.directory / "ops.00001.jsonl.gz"
    piece.write_bytes(change(piece.read_bytes()))
    cell = recorded.judged()
    assert cell.verdict is Verdict.UNKNOWN
    assert cell.reasons[0].startswith("ops.00001.jsonl.gz is damaged: ")
    with pytest.raises(RecordingError, match=r"^ops.00001.jsonl.gz is damaged: "):
        list(lines_of(recorded.directory, "ops"))


def test_a_missing_piece_is_damage(recorded: Recorded) -> None:
    """The end knows how many lines there were."""
    owed = len(recorded.lines("ops"))
    in_pieces(recorded, 10)
    (recorded.directory / "ops.00001.jsonl").unlink()
    assert recorded.judged().reasons == (
        f"ops.jsonl is damaged: it has {owed - 10} complete lines, end.json says {owed}",
    )


def test_a_run_that_fills_pieces_is_judged_like_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Driver, host and collector go on in new pieces; nothing of it can be seen in the result."""
    whole = Recorded(make_run(tmp_path / "whole", small_cell())).judged()
    monkeypatch.setattr(pieces, "PIECE_BYTES", 5_000)
    monkeypatch.setattr("duroxide_stress.recording.writer.BUFFER_BYTES", 1_000)
    recorded = Recorded(make_run(tmp_path / "pieces", small_cell()))
    compress(recorded.directory)
    found = names(recorded.directory)
    for name in ("ops", "effects", "history"):
        assert {f"{name}.00001.jsonl.gz", f"{name}.00002.jsonl.gz", f"{name}.jsonl"} <= set(found)
    assert recorded.judged() == whole


def test_a_piece_that_is_compressed_while_it_is_read_is_read(tmp_path: Path) -> None:
    """The collector lists pieces while the compressor is at work."""
    for number in (1, 2):
        (tmp_path / f"ops.0000{number}.jsonl").write_bytes(b"{}\n" * 3)
    (tmp_path / "ops.jsonl").write_bytes(b"{}\n")
    lines = lines_of(tmp_path, "ops")
    next(lines)
    compress(tmp_path)
    assert len(list(lines)) == 6


def test_tables_that_cannot_be_written_are_no_damage(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full scratch disk is not the recording's fault; every machine has threads enough for it."""
    monkeypatch.setattr(loading, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(loading, "MEMORY_LIMIT", "1MB")
    (reason,) = recorded.judged().reasons
    assert "damaged" not in reason
    assert "memory" in reason.lower()
