"""Append-only JSON lines that survive the death of their writer."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

from duroxide_stress.redaction import redact_bytes


class Records(Protocol):
    """Where records go, in order."""

    def write(self, record: msgspec.Struct) -> None:
        """Append one record."""
        ...


FLUSH_EVERY_NS = 250_000_000


class LineWriter:
    """Buffered lines, on disk at most a quarter of a second later. One thread writes.

    Raises OSError when the disk is full: what was written before stays readable.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=256 * 1024)
        self._encoder = msgspec.json.Encoder()
        self._flushed_ns = time.monotonic_ns()
        self.lines = 0

    def write(self, record: msgspec.Struct) -> None:
        """Append one record as one line."""
        self._file.write(redact_bytes(self._encoder.encode(record)) + b"\n")
        self.lines += 1
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Push lines to the operating system when the last push was long enough ago."""
        now = time.monotonic_ns()
        if now - self._flushed_ns >= FLUSH_EVERY_NS:
            self._file.flush()
            self._flushed_ns = now

    def close(self) -> None:
        """Flush and close. Calling it again does nothing."""
        self._file.close()

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
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def write(self, record: msgspec.Struct) -> None:
        """Append one record as one line. Raises OSError, also when only part could be written."""
        line = redact_bytes(msgspec.json.encode(record)) + b"\n"
        written = os.write(self._fd, line)
        while written < len(line):  # a full disk takes a part and says why at the next attempt
            written += os.write(self._fd, line[written:])

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
