"""Providers whose errors tell their URL with its password, and colour their label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duroxide

URL = "postgres://user:s3cr3t-pw@localhost/x"


class Connect:
    """Fails to connect, and says to what."""

    name, label, engine, shared = "leaky", "Leaky \x1b[31mRED", "duroxide", True

    def create(self, directory: Path) -> str:
        return URL

    def connect(self, address: str) -> Any:
        print(f"connecting to {address}")  # noqa: T201 - a log that tells too much
        raise RuntimeError(f"cannot reach {address} \x1b]0;title\x07")

    def destroy(self, address: str) -> None:
        raise RuntimeError(f"cannot drop {address}")


class Create(Connect):
    """Fails before anybody knows its address."""

    def create(self, directory: Path) -> str:
        raise RuntimeError(f"cannot create {URL}")


class Audit(Connect):
    """Works, but its audit fails."""

    def connect(self, address: str) -> Any:
        return duroxide.SqliteProvider.in_memory()

    def audit(self, address: str) -> Any:
        raise RuntimeError(f"cannot audit {address}")
