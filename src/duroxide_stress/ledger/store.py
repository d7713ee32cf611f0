"""The ledger on disk: a directory with one file, one JSON line an entry, only ever appended to."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from duroxide_stress.errors import UsageError, shown
from duroxide_stress.ledger.entry import FORMAT, Entry
from duroxide_stress.redaction import redact

FILE = "ledger.jsonl"


_ID = re.compile("[0-9a-f]{8}")
LATEST_NS = 2**63
"""In the year 2262."""
GREATEST = 1e18
"""No figure of any metric, in its unit, comes near; and its square and its sums are finite."""


class Contents(NamedTuple):
    """What a ledger holds."""

    entries: tuple[Entry, ...]
    """In the order in which their runs began."""
    problems: tuple[str, ...]
    """A sentence for each line that could not be read; none of them costs another."""

    def named(self, name: str) -> Entry | None:
        """The entry of this id, or the newest with this label."""
        newest = reversed(self.entries)
        return next((entry for entry in newest if name in (entry.id, entry.label)), None)


class _Head(msgspec.Struct):
    format: int


class Ledger:
    """Results of many runs. Several processes may file into it at once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / FILE

    def prepare(self) -> None:
        """Make the directory, and find out before a long run whether it can be filed in.

        Raises UsageError with one sentence when it cannot.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666))
        except FileExistsError as error:
            raise UsageError(
                f"ledger {self.directory} is a file: name a directory, new or a ledger's"
            ) from error
        except OSError as error:
            raise UsageError(
                f"ledger {self.directory} cannot be written: {error.strerror}"
            ) from error

    def append(self, entry: Entry) -> bool:
        """File an entry, durably. False when its run is filed already.

        A single write at the file's end, under a lock; a line that was torn there is ended first, and
        where there is a lock what a full disk cuts off is taken back. Raises OSError when it cannot be
        written.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        line = redact(msgspec.json.encode(entry).decode()).encode() + b"\n"
        number = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            with _locked(number, fcntl.LOCK_EX) as alone:
                before = _content(number)
                if any(entry.id == filed.id for filed in _read(before).entries):
                    return False
                torn = bool(before) and not before.endswith(b"\n")
                _write(number, b"\n" * torn + line, len(before) if alone else None)
        finally:
            os.close(number)
        return True

    def read(self) -> Contents:
        """Every entry that can be read. Raises UsageError when there is no ledger."""
        try:
            return self._read()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UsageError(
                f"{self.directory} is not a ledger: it has no {FILE}, which filing a run makes"
            ) from error
        except OSError as error:
            raise UsageError(f"ledger {self.directory} cannot be read: {error.strerror}") from error

    def _read(self) -> Contents:
        number = os.open(self.path, os.O_RDONLY)
        try:
            with _locked(number, fcntl.LOCK_SH):
                return _read(_content(number))
        finally:
            os.close(number)


@contextmanager
def _locked(number: int, how: int) -> Iterator[bool]:
    """The file's lock, where its file system has any, and whether it has: an appending write is whole
    without it too."""
    try:
        fcntl.flock(number, how)
        locked = True
    except OSError:
        locked = False
    yield locked  # closing the descriptor gives the lock back


def _content(number: int) -> bytes:
    with os.fdopen(os.dup(number), "rb") as file:
        file.seek(0)
        return file.read()


def _write(number: int, data: bytes, size_before: int | None) -> None:
    """Append in a single write. One that fails is taken back to the size before, when that is given:
    without a lock what others have appended since would go with it."""
    written = 0
    try:
        written = os.write(number, data)
        if written < len(data):
            raise OSError(28, "No space left on device")
        os.fsync(number)
    except OSError:
        if written and size_before is not None:
            with suppress(OSError):
                os.ftruncate(number, size_before)
        raise


def _read(content: bytes) -> Contents:
    found: dict[str, Entry] = {}
    problems = []
    lines = content.split(b"\n")
    for at, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _decoded(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            torn = at == len(lines)
            said = "it was cut off, probably while it was written" if torn else str(error)
            problems.append(f"line {at} of the ledger is damaged and left out: {said}")
            continue
        if isinstance(entry, str):
            problems.append(f"line {at} of the ledger {entry}")
        elif entry.id in found:
            problems.append(f"line {at} of the ledger is left out: {entry.id} is filed before it")
        else:
            found[entry.id] = entry
    return Contents(tuple(sorted(found.values(), key=lambda e: e.started_ns)), tuple(problems))


def _decoded(line: bytes) -> Entry | str:
    """The entry; or, of a newer format, what must be said of it."""
    made = msgspec.json.decode(line, type=_Head).format
    if made > FORMAT:
        return (
            f"has format {made} and is left out, this version reads up to {FORMAT}: "
            "upgrade duroxide-stress to read it"
        )
    entry = msgspec.json.decode(line, type=Entry)
    if wrong := _wrong(entry):
        return f"is damaged and left out: {wrong}"
    return entry


def _wrong(entry: Entry) -> str:
    """What no entry that was filed can have, as half a sentence; empty when it has nothing of it."""
    if not _ID.fullmatch(entry.id):
        return f"its id {shown(entry.id)} is not eight hexadecimal digits"
    if not all(0 <= moment < LATEST_NS for moment in (entry.started_ns, entry.filed_at_ns)):
        return "it began or was filed at a moment that cannot be"
    for cell in entry.cells:
        for name, figure in cell.values.items():
            if not abs(figure) < GREATEST:  # of what is no number too
                return f"its {shown(name)} of {figure:g} cannot be"
    return ""
