"""Record files in pieces, so that a run of hours or days stays bounded: a full piece is compressed.

<name>[-<writer>].jsonl               what its one writer still appends to
<name>[-<writer>].00001.jsonl[.gz]    full pieces in their order, which nobody writes to any more

A writer ends a piece itself, by renaming it, so that no line can come too late for its compression.
Where both forms of a piece are there, the compression was cut off in its last step, and the smaller is
whole.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from duroxide_stress.errors import RecordingError

PIECE_BYTES = 64 * 1024 * 1024
"""A piece that has so much is full."""
LOOK_SECS = 2.0
LEVEL = 1
"""Of gzip: a tenth of the size at a fifth of the time that its default takes."""
BLOCK = 1 << 20
IDLE = 19
"""The thread's niceness: what is measured goes first."""

_FULL = re.compile(r"\.\d{5,}\.jsonl(\.gz)?")


def pieces(directory: Path, name: str) -> list[Path]:
    """The files of one kind of record, each writer's in the order in which they were written."""
    found = [*directory.glob(f"{name}.*"), *directory.glob(f"{name}-*")]
    names = {path.name for path in found}
    return sorted(
        (
            path
            for path in found
            if path.name.endswith((".jsonl", ".jsonl.gz")) and f"{path.name}.gz" not in names
        ),
        key=_place,
    )


def _place(path: Path) -> tuple[str, int]:
    """Full pieces before what is still open."""
    full = _FULL.search(path.name)
    if full is None:
        return path.name.removesuffix(".jsonl"), 2**63
    return path.name[: full.start()], int(path.name[full.start() + 1 :].split(".")[0])


def last_piece(path: Path) -> int:
    """How many full pieces the open file `path` has behind it: the number of the last."""
    stem = path.name.removesuffix(".jsonl")
    taken = (
        int(found[1])
        for other in path.parent.glob(f"{stem}.*.jsonl*")
        if (found := re.fullmatch(re.escape(stem) + r"\.(\d{5,})\.jsonl(\.gz)?", other.name))
    )
    return max(taken, default=0)


def full_piece(path: Path, number: int) -> Path:
    """What the open file is called when it is full. Only its writer counts: see `last_piece`."""
    return path.with_name(f"{path.name.removesuffix('.jsonl')}.{number:05}.jsonl")


def _opened(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    try:
        return path.open("rb")
    except FileNotFoundError:  # it has been compressed since it was listed
        return cast("BinaryIO", gzip.open(path.with_name(f"{path.name}.gz"), "rb"))


def lines_of(directory: Path, name: str) -> Iterator[bytes]:
    """Every line of one kind of record, the last of a file perhaps torn.

    Raises RecordingError when a compressed piece is damaged.
    """
    for path in pieces(directory, name):
        try:
            with _opened(path) as lines:
                yield from lines
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RecordingError(f"{path.name} is damaged: {error}") from error


def count(directory: Path, name: str) -> int | None:
    """Complete lines of one kind of record; None when it was never begun."""
    files = pieces(directory, name)
    return sum(map(_complete_lines, files)) if files else None


def _complete_lines(path: Path) -> int:
    with _opened(path) as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))


class Compressor:
    """Compresses the full pieces of a directory while it fills, in a thread of the lowest priority.

    A piece that cannot be compressed (a full disk) stays as it is.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="compressor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Compress what is left and end."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        with suppress(OSError, AttributeError):  # Linux has a niceness for each thread
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), IDLE)
        while not self._over.wait(LOOK_SECS):
            compress(self._directory)
        compress(self._directory)


def compress(directory: Path) -> None:
    """Compress every full piece that is not yet."""
    for path in sorted(directory.glob("*.jsonl")):
        if _FULL.search(path.name):
            smaller = path.with_name(path.name + ".gz")
            partial = smaller.with_name(smaller.name + ".partial")
            with suppress(OSError):
                try:
                    with path.open("rb") as whole, partial.open("wb") as file:
                        with gzip.GzipFile(path.name, "wb", LEVEL, file) as small:
                            shutil.copyfileobj(whole, small, BLOCK)
                        os.fsync(file.fileno())
                    partial.replace(smaller)
                    path.unlink()
                finally:
                    partial.unlink(missing_ok=True)
