"""Lines that survive the death of their writer."""

import errno
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.recording import pieces, writer
from duroxide_stress.recording.records import Acked, Effect
from duroxide_stress.recording.store import count_lines
from duroxide_stress.recording.writer import DirectWriter, LineWriter

FULL = Path("/dev/full")


def effect(run: int, node: str = "host-0") -> Effect:
    """An effect told apart by its run number."""
    return Effect("begin", f"i|1|{run}", "i", run, 1000 + run, node)


def decoded(path: Path) -> list[Effect]:
    """Every line, each of which must be whole."""
    return [msgspec.json.decode(line, type=Effect) for line in path.read_bytes().splitlines()]


def test_buffered_lines_come_out_in_order(tmp_path: Path) -> None:
    """What was written is read back."""
    path = tmp_path / "effects.jsonl"
    with LineWriter(path) as lines:
        for run in range(1000):
            lines.write(effect(run))
    assert decoded(path) == [effect(run) for run in range(1000)]
    assert count_lines(tmp_path) == {"effects": 1000}


def test_a_line_is_pushed_out_when_the_last_push_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is killed loses at most what the flush interval allows."""
    path = tmp_path / "ops.jsonl"
    with LineWriter(path) as lines:
        monkeypatch.setattr(writer, "FLUSH_EVERY_NS", 3600 * 10**9)
        lines.write(Acked(1, 2, 3))
        lines.flush_if_due()
        assert path.read_bytes() == b""
        monkeypatch.setattr(writer, "FLUSH_EVERY_NS", 0)
        lines.write(Acked(2, 3, 4))
        lines.flush_if_due()
        assert path.read_bytes().count(b"\n") == 2


def test_a_second_writer_appends(tmp_path: Path) -> None:
    """A restarted process goes on where the last one ended."""
    path = tmp_path / "effects.jsonl"
    for run in range(3):
        with LineWriter(path) as lines:
            lines.write(effect(run))
    assert decoded(path) == [effect(run) for run in range(3)]


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    """An interrupted run may close what is closed."""
    lines = LineWriter(tmp_path / "ops.jsonl")
    lines.write(Acked(1, 2, 3))
    lines.close()
    lines.close()
    assert count_lines(tmp_path) == {"ops": 1}


def test_a_direct_line_is_there_before_the_call_returns(tmp_path: Path) -> None:
    """No buffer: a process killed right after has still left the line."""
    path = tmp_path / "effects.jsonl"
    lines = DirectWriter(path)
    for run in range(3):
        lines.write(effect(run))
        assert len(decoded(path)) == run + 1
    lines.close()


@pytest.mark.parametrize("piece_bytes", [1 << 30, 20_000, 1])
def test_direct_lines_of_many_threads_stay_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int
) -> None:
    """The engine's workers write at once, also while the file goes on in a new piece."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", piece_bytes)
    lines = DirectWriter(tmp_path / "effects.jsonl")
    expected = [effect(run, "host" * 40) for run in range(300)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lines.write, expected))
    lines.close()
    files = pieces.pieces(tmp_path, "effects")
    assert (len(files) > 1) == (piece_bytes < 1 << 30)
    found = [one for path in files for one in decoded(path)]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_a_line_torn_in_the_middle_is_an_error(tmp_path: Path) -> None:
    """When the system takes only part of a line, its reason is told and the count leaves it out."""
    path = tmp_path / "effects.jsonl"
    lines = DirectWriter(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    lines.write(effect(0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            lines.write(effect(1, "x" * 8192))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        lines.close()
    assert path.stat().st_size == 4096
    assert count_lines(tmp_path) == {"effects": 1}


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_at_once() -> None:
    """A direct line that could not be kept is never taken for written."""
    lines = DirectWriter(FULL)
    with pytest.raises(OSError) as caught:
        lines.write(effect(0))
    assert caught.value.errno == errno.ENOSPC
    lines.close()


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_at_the_close_at_the_latest() -> None:
    """Buffered lines that cannot be pushed out do not vanish silently."""
    lines = LineWriter(FULL)
    lines.write(Acked(1, 2, 3))
    with pytest.raises(OSError) as caught:
        lines.close()
    assert caught.value.errno == errno.ENOSPC
    lines.close()


@pytest.mark.parametrize("kind", [DirectWriter, LineWriter])
def test_a_piece_that_cannot_be_begun_never_writes_into_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[DirectWriter] | type[LineWriter]
) -> None:
    """The number of the closed file may be the store's by then; every later line is an error."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1)
    monkeypatch.setattr(writer, "BUFFER_BYTES", 1)
    lines = kind(tmp_path / "effects.jsonl")

    def full(path: Path, number: int) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pieces, "full_piece", full)
    with pytest.raises(OSError):
        lines.write(effect(0))
    with (tmp_path / "store.db").open("wb"):
        for run in range(3):
            with pytest.raises((OSError, ValueError)):
                lines.write(effect(run))
    assert (tmp_path / "store.db").read_bytes() == b""
