"""Append-only JSON lines that survive the death of their writer.

A file has one writer, in one process; when it is full, the writer goes on in a new piece (`pieces.py`).
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

import msgspec

from duroxide_stress.recording import pieces
from duroxide_stress.redaction import redact_bytes


class Records(Protocol):
    """Where records go, in order."""

    def write(self, record: msgspec.Struct) -> None:
        """Append one record."""
        ...


FLUSH_EVERY_NS = 250_000_000
BUFFER_BYTES = 256 * 1024


class LineWriter:
    """Buffered lines, on disk at most a quarter of a second after `flush_if_due` is next called. One
    thread writes.

    Raises OSError when the disk is full: what was written before stays readable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._size = path.stat().st_size
        self._pieces = pieces.last_piece(path)
        self._lines = bytearray()
        self._encode = msgspec.json.Encoder().encode_into
        self._flushed_ns = time.monotonic_ns()

    def write(self, record: msgspec.Struct) -> None:
        """Append one record as one line."""
        lines = self._lines
        self._encode(record, lines, -1)
        lines += b"\n"
        if len(lines) >= BUFFER_BYTES:
            self._flush()

    def flush_if_due(self) -> None:
        """Push lines to the operating system when the last push was long enough ago."""
        if time.monotonic_ns() - self._flushed_ns >= FLUSH_EVERY_NS:
            self._flush()

    def close(self) -> None:
        """Flush and close. Calling it again does nothing."""
        if not self._file.closed:
            try:
                self._flush()
            finally:
                self._file.close()

    def _flush(self) -> None:
        self._flushed_ns = time.monotonic_ns()
        data, self._lines = redact_bytes(bytes(self._lines)), bytearray()
        _write_all(self._file.fileno(), data)
        self._size += len(data)
        if self._size >= pieces.PIECE_BYTES:
            self._file.close()
            self._pieces += 1
            self._path.rename(pieces.full_piece(self._path, self._pieces))
            self._file, self._size = self._path.open("ab", buffering=0), 0

    def __enter__(self) -> LineWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class DirectWriter:
    """One `write(2)` a line, no buffer: a line is on its way before the call returns.

    For activity effects, written from many threads of a process that may be killed at any
    moment: a lost line would look like an activity that never ran. O_APPEND keeps lines whole.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pieces = pieces.last_piece(path)
        self._lock = threading.Lock()
        self._fd = self._size = -1
        self._open()

    def write(self, record: msgspec.Struct) -> None:
        """Append one record as one line. Raises OSError, also when only part could be written."""
        line = redact_bytes(msgspec.json.encode(record)) + b"\n"
        with self._lock:
            _write_all(self._fd, line)
            self._size += len(line)
            if self._size >= pieces.PIECE_BYTES:
                self._close()
                self._pieces += 1
                self._path.rename(pieces.full_piece(self._path, self._pieces))
                self._open()

    def close(self) -> None:
        """Close the file. Whoever still writes gets an OSError."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        # Its number may soon be another file's, the engine's store among them.
        number, self._fd = self._fd, -1
        os.close(number)

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._path, flags, 0o644)
        self._size = os.fstat(self._fd).st_size


def _write_all(fd: int, data: bytes) -> None:
    """A full disk takes a part and says why at the next attempt."""
    written = 0
    while written < len(data):
        written += os.write(fd, data[written:] if written else data)
