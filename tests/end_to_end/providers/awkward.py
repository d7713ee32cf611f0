"""Providers that go wrong, each in one way; named on command lines as `awkward:Name`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from duroxide_stress.providers.base import StoreAudit
from duroxide_stress.providers.sqlite import FileSqlite, InMemorySqlite


class CreateRaises(FileSqlite):
    """No store can be made."""

    def create(self, directory: Path) -> str:
        raise ValueError("no room\nfor a store")


class ConnectRaises(FileSqlite):
    """The store cannot be opened."""

    def connect(self, address: str) -> Any:
        raise ValueError("no door")


class HostDies(FileSqlite):
    """The process ends while it opens the store."""

    def connect(self, address: str) -> Any:
        os.write(1, b"these were its words\n")
        os._exit(7)


class AuditRaises(FileSqlite):
    """The store cannot be audited."""

    def audit(self, address: str) -> StoreAudit:
        raise ValueError("no books")


class SizeRaises(FileSqlite):
    """The store's size is not to be had."""

    def size_bytes(self, address: str) -> int:
        raise ValueError("no scale")


class DestroyRaises(FileSqlite):
    """The store cannot be removed."""

    def destroy(self, address: str) -> None:
        raise ValueError("it will not go")


class WithHelper(FileSqlite):
    """Opening the store starts a process that holds on to everything it inherits."""

    def connect(self, address: str) -> Any:
        wait = [sys.executable, "-c", "import time; time.sleep(600)"]
        subprocess.Popen(wait, close_fds=False)
        return super().connect(address)


class UnknownEngine(FileSqlite):
    """An engine nobody has heard of."""

    engine = "duroxid"


class Unmovable(FileSqlite):
    """Shared, but it holds a lock, which no other process can be given."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def create(self, directory: Path) -> str:
        os.write(1, b"an unmovable provider says hello\n")
        return super().create(directory)


class Unshared(InMemorySqlite):
    """Movable, but its store lives in one process."""


def not_a_provider() -> str:
    """Something else."""
    return "text"


def no_provider() -> str:
    """Cannot even be called."""
    raise ValueError("not today")
