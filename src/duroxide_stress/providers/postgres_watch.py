"""Figures of a cell's schema while the cell runs, from a server that may be gone at any time."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, LiteralString

from duroxide_stress.providers.postgres_url import Address, connect

if TYPE_CHECKING:
    import psycopg

PATIENCE_SECS = 1.0
"""How long a question may hold up the one who asks."""

SIZE_BYTES = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class "
    "WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('r', 'm')"
)
"""Bytes of the schema's tables with their indexes and out-of-line values."""
CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE application_name = %s AND backend_type = 'client backend'"
)


class Watch:
    """One session of our own, kept open for many questions.

    Each is put by a thread: no timeout of a server helps against one that stands still, nor against a
    network that was cut. While an answer is overdue nothing else is asked.
    """

    def __init__(self, address: str) -> None:
        self._at = Address.read(address)
        self._database: psycopg.Connection[Any] | None = None
        self._asking: threading.Thread | None = None

    def ask(self, question: LiteralString) -> int | None:
        """A number for this schema; None when there is no answer within `PATIENCE_SECS`."""
        if self._asking is not None and self._asking.is_alive():
            return None
        answers: list[int] = []
        self._asking = threading.Thread(target=self._ask, args=(question, answers), daemon=True)
        self._asking.start()
        self._asking.join(PATIENCE_SECS)
        return answers[0] if answers else None

    def close(self) -> None:
        """End the session, unless it hangs."""
        if self._asking is not None and self._asking.is_alive():
            return
        self._drop()

    def _ask(self, question: LiteralString, answers: list[int]) -> None:
        import psycopg

        kept = self._database is not None
        try:
            if self._database is None:
                self._database = connect(self._at.uri, timeout_secs=2)
                self._database.execute("SET statement_timeout = '1s'")
            row = self._database.execute(question, (self._at.schema,)).fetchone()
        except psycopg.Error:
            broke = kept and self._database is not None and self._database.broken
            self._drop()
            if broke:  # by a restart, which a new session does not mind
                self._ask(question, answers)
        else:
            answers += [int(row[0])] if row else []

    def _drop(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with contextlib.suppress(Exception):
                database.close()
