"""Sides by their paths."""

from pathlib import Path

import msgspec
import pytest

from duroxide_stress.errors import UsageError
from duroxide_stress.ledger.compare_sources import Source, read_source


def test_a_recording_and_its_result_are_the_same_side(fast: Path, quick_side: Source) -> None:
    """The second is not judged again, and has its recording all the same."""
    again = read_source(str(fast / "result.json"))
    assert [s.result for s in again.samples] == [s.result for s in quick_side.samples]
    assert [s.directory for s in again.samples] == [s.directory for s in quick_side.samples]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", "its schema is None"),
        (b'{"schema": "duroxide-stress/result/9"}', "result/9"),
        (b"\xff\xfe", "no result of a run"),
        (b"[" * 100_000, "no result of a run"),
        (b'{"schema": "duroxide-stress/result/1"}', "missing required field"),
    ],
)
def test_what_is_no_result(tmp_path: Path, content: bytes, said: str) -> None:
    """One sentence, whatever the file holds."""
    path = tmp_path / "result.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_source(str(path))


def test_a_run_that_is_filed(fast: Path) -> None:
    """What is no path is looked up by its name; what is one is taken as it is."""
    where = {"7": fast}
    assert read_source("7", where.__getitem__) == msgspec.structs.replace(
        read_source(str(fast), where.__getitem__), name="7"
    )


def test_what_is_nothing(tmp_path: Path) -> None:
    """Neither a directory nor a file, or a directory without a plan."""
    with pytest.raises(UsageError, match="neither a recording nor a result"):
        read_source(str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"no plan\.json"):
        read_source(str(tmp_path))
