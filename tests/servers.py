"""A PostgreSQL server that tests take for one of the user's: embedded, but reached by its URL alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from duroxide_stress.providers.postgres_server import Guard

PASSWORD = "p@ss/w%rd 1"
"""With what a URL must encode."""
ENCODED = "p%40ss%2Fw%25rd%201"


def temporary(prefix: str = "pg-") -> tempfile.TemporaryDirectory[str]:
    """A place for Postgres. As root it runs as another user, and every pytest session that starts
    closes the directory above all `tmp_path`s to other users."""
    return tempfile.TemporaryDirectory(prefix=prefix)


@contextmanager
def running_server() -> Iterator[str]:
    """Its URL, by which everyone is let in but `guest` and `owner`, who need the password above.
    `owner` may make schemas, `guest` may not."""
    import psycopg

    with temporary() as home:
        data = Path(home) / "postgres"
        guard = Guard("server", str(data), Path(home) / "guard.log")
        try:
            url = guard.uri()
            rules = data / "pg_hba.conf"
            rules.write_text(f"local all guest,owner scram-sha-256\n{rules.read_text()}")
            with psycopg.connect(url, autocommit=True) as database:
                for role in ("guest", "owner"):
                    database.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
                database.execute("GRANT CREATE ON DATABASE postgres TO owner")
                database.execute("SELECT pg_reload_conf()")
            yield url
        finally:
            guard.release()


def as_role(url: str, role: str, password: str = ENCODED) -> str:
    """The same server for another role, by password."""
    return url.replace("postgres@", f"{role}:{password}@", 1)


def schemas(url: str) -> list[str]:
    """The schemas of cells that are there."""
    import psycopg

    with psycopg.connect(url) as database:
        rows = database.execute(
            "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'stress_')"
        )
        return [name for (name,) in rows]


def processes(below: Path | str) -> list[psutil.Process]:
    """The Postgres servers whose data lies below this directory."""

    def words(process: Any) -> str:
        return " ".join(process.info["cmdline"] or ())

    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and str(below) in words(process)
    ]
