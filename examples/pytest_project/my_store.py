"""A provider of one's own, as a team that writes a store for Duroxide would have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duroxide


class MyStore:
    """Duroxide on a SQLite file; put your own store in its place."""

    name = "my-store"
    label = "My Store"
    engine = "duroxide"
    shared = True

    def create(self, directory: Path) -> str:
        """Make an empty store and return its address."""
        return str(directory / "my.db")

    def connect(self, address: str) -> Any:
        """Open it: the SDK's own provider object."""
        return duroxide.SqliteProvider.open(f"sqlite:{address}")

    def destroy(self, address: str) -> None:
        """Remove it."""
        for suffix in ("", "-wal", "-shm"):
            Path(address + suffix).unlink(missing_ok=True)
