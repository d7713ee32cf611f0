"""Lines of JSON into DuckDB: torn ends left out, compressed pieces as they are, much of it on disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from duroxide_stress.errors import RecordingError, in_words

LONG_LINE = 64 * 1024 * 1024
"""Lines up to this are read without looking how long they are: a compressed piece has none longer than
itself, and its writer ends it at this size."""
BLOCK = 1 << 20
IN_MEMORY_BYTES = 512 * 1024 * 1024
GZIP_TIMES = 10
"""What lines of JSON grow by when they are read from a compressed piece, as seen."""
MEMORY_LIMIT = "2GB"
"""What the database may use for a recording that is longer."""
THREADS = 4
"""At most: each reads with a buffer of twice the longest line, which all together must fit into that."""


class Reading(NamedTuple):
    """How lines of one kind are read, all of them or less."""

    columns: Mapping[str, str]
    select: str = "*"
    """What becomes of them: all columns of the table, some of them perhaps null."""
    where: str = "true"


def open_database(files: Sequence[Path], scratch: Path) -> duckdb.DuckDBPyConnection:
    """For tables of these files: in memory, or when they are long in a file below `scratch`, of which
    only a bounded part is in memory at a time."""
    sizes = (p.stat().st_size * (GZIP_TIMES if p.suffix == ".gz" else 1) for p in files)
    if sum(sizes) <= IN_MEMORY_BYTES:
        return duckdb.connect(":memory:")
    db = duckdb.connect(str(scratch / "tables.duckdb"))
    db.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    db.execute(f"SET threads = {min(THREADS, os.cpu_count() or 1)}")
    return db


def load(
    db: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    table: str,
    reading: Reading,
    scratch: Path,
) -> bool:
    """Make `table` of all their complete lines, in order. False, and no table, when there are none.

    Raises RecordingError with the name of a file that is damaged.
    """
    full = [path for path in files if path.stat().st_size]
    sources = [_without_torn_tail(path, scratch) for path in full]
    if not sources:
        return False
    try:
        db.execute(
            f"CREATE TABLE {table} AS SELECT {reading.select} FROM read_json($paths, "
            f"format = 'newline_delimited', maximum_object_size = {_longest(sources)}, "
            f"columns = {dict(reading.columns)!r}) WHERE {reading.where}",
            {"paths": [str(path) for path in sources]},
        )
    except duckdb.OutOfMemoryException as error:
        words = in_words(error).splitlines()[0]
        raise RecordingError(f"{full[0].name} needs more memory than there is: {words}") from error
    except duckdb.Error as error:
        words = str(error).splitlines()[0]
        for path in sources:
            words = words.replace(str(path), path.name)
        if str(scratch) in words:
            raise RecordingError(f"the tables cannot be written to {scratch}: {words}") from error
        damaged = next((path for path in full if path.name in words), full[0])
        raise RecordingError(f"{damaged.name} is damaged: {words}") from error
    return True


def _without_torn_tail(path: Path, scratch: Path) -> Path:
    """The file itself, or a copy that ends with its last complete line. A full piece has no torn one."""
    if path.suffix == ".gz":
        return path
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(size - 1)
        if file.read(1) == b"\n":
            return path
        keep = size
        while keep:
            start = max(0, keep - 65_536)
            file.seek(start)
            newline = file.read(keep - start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
        copy = scratch / path.name
        file.seek(0)
        with copy.open("wb") as whole:
            shutil.copyfileobj(_Head(file, keep), whole)
    return copy


def _longest(paths: Sequence[Path]) -> int:
    """How many bytes DuckDB must be ready to read as one line."""
    longest = LONG_LINE
    for path in paths:
        if path.suffix != ".gz" and not _has_only_short_lines(path):
            with path.open("rb") as lines:
                longest = max(longest, *map(len, lines))
    return longest


def _has_only_short_lines(path: Path) -> bool:
    """Whether no line is longer than `LONG_LINE`: from line to line as far as that, without reading all
    that lies between."""
    size, start = path.stat().st_size, 0
    with path.open("rb") as file:
        while size - start > LONG_LINE:
            end, newline = start + LONG_LINE, -1
            while newline < 0:
                if end == start:
                    return False
                block = max(start, end - BLOCK)
                file.seek(block)
                newline = file.read(end - block).rfind(b"\n")
                end = block
            start = end + newline + 1
    return True


class _Head:
    """Reads at most `left` bytes of a file."""

    def __init__(self, file: Any, left: int) -> None:
        self._file, self._left = file, left

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, nothing when the head is used up."""
        block: bytes = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block
