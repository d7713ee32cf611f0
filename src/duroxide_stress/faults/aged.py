"""A store with a long life behind it: the engine runs one instance, plain SQL copies it many times.

`python -m duroxide_stress.faults.aged` does one of the two steps. Each is a process of its own: the
engine's threads are not for the supervisor, and two copies of SQLite in one process break each
other's locks.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from duroxide_stress.errors import in_words
from duroxide_stress.faults.aide import orders
from duroxide_stress.recording.records import AGED_FIRST as FIRST
from duroxide_stress.recording.records import AGED_PREFIX as PREFIX

if TYPE_CHECKING:
    import psycopg

ORCHESTRATION, ACTIVITY = "LongAgo", "LongAgoActivity"
RUN_MS = 30_000
BATCH = 100_000
"""Instances a transaction on SQLite: the write-ahead log does not outgrow the store."""
TEXTS = ("text", "character varying", "character", "json", "jsonb")

Step: TypeAlias = Literal["live", "copy"]
Columns: TypeAlias = dict[str, dict[str, str]]
"""Table → column → type, of tables with an `instance_id`; without what the store fills by itself."""


class Order(msgspec.Struct, frozen=True):
    """Which step, on which store."""

    step: Step
    store: str
    """A provider's name."""
    address: str
    instances: int


class Done(msgspec.Struct, frozen=True):
    """What is in the store afterwards."""

    rows: int = 0
    bytes: int = 0


def live(order: Order) -> Done:
    """Have the engine run one instance of one activity. Raises RuntimeError if it does not complete."""
    import duroxide

    if order.store == "postgres":
        from duroxide_stress.providers.postgres_url import Address

        at = Address.read(order.address)
        store = duroxide.PostgresProvider.connect_with_schema(at.uri, at.schema)
    else:
        store = duroxide.SqliteProvider.open(f"sqlite:{order.address}")

    def long_ago(context: Any, given: Any) -> Any:
        return (yield context.schedule_activity(ACTIVITY, given))

    runtime = duroxide.Runtime(store, duroxide.RuntimeOptions(log_level="error"))
    runtime.register_activity(ACTIVITY, lambda context, given: given)
    runtime.register_orchestration(ORCHESTRATION, long_ago)
    runtime.start()
    client = duroxide.Client(store)
    client.start_orchestration(FIRST, ORCHESTRATION, {"number": 0})
    end = client.wait_for_orchestration(FIRST, RUN_MS)
    runtime.shutdown(10_000)
    if end.status != "Completed":
        raise RuntimeError(f"the instance that is to be copied ended as {end.status}")
    return Done()


def copy_in_file(path: str, instances: int) -> Done:
    """Copy every row of `aged-0` in a SQLite file; the write-ahead log is emptied at the end.

    No statistics are made (ANALYZE): the engine never does that either, however old its store is.
    """
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -200000")  # KiB
        tables, rows = columns_in_file(db), 0
        for begin in range(1, instances, BATCH):
            span = {"first": begin, "last": min(begin + BATCH, instances) - 1}
            db.execute("BEGIN IMMEDIATE")
            for table, columns in tables.items():
                rows += db.execute(_sqlite_copy(table, columns), span).rowcount
            db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    return Done(rows, pages * page_bytes)


def columns_in_file(db: sqlite3.Connection) -> Columns:
    """See `Columns`; a single INTEGER key is the row's number, which SQLite gives."""
    found: Columns = {}
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        info = db.execute(f"PRAGMA table_info({_quoted(table)})").fetchall()
        keys = [name for _, name, _, _, _, key in info if key]
        columns = {
            name: str(kind).upper()
            for _, name, kind, *_ in info
            if not (keys == [name] and str(kind).upper() == "INTEGER")
        }
        if "instance_id" in columns:
            found[table] = columns
    return found


def _sqlite_copy(table: str, columns: dict[str, str]) -> str:
    names = [_quoted(column) for column in columns]
    copies = ", ".join(
        f"CASE typeof(t.{name}) WHEN 'text' THEN replace(t.{name}, '{FIRST}', '{PREFIX}' || n.i) "
        f"ELSE t.{name} END"
        for name in names
    )
    return (
        f"INSERT INTO {_quoted(table)} ({', '.join(names)}) "
        "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
        f"SELECT {copies} FROM n CROSS JOIN "
        f"(SELECT * FROM {_quoted(table)} WHERE instance_id = '{FIRST}') t"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def copy_on_server(address: str, instances: int) -> Done:
    """Copy every row of `aged-0` in a PostgreSQL schema, then vacuum and analyze as autovacuum would
    have done long ago. Raises psycopg.Error."""
    from psycopg.sql import SQL, Identifier

    from duroxide_stress.providers.postgres_server import open_database
    from duroxide_stress.providers.postgres_url import Address
    from duroxide_stress.providers.postgres_watch import SIZE_BYTES

    with open_database(address) as (database, schema):
        database.execute("SET statement_timeout = 0")
        tables, rows = columns_on_server(database, schema), 0
        with database.transaction():
            for table, columns in tables.items():
                rows += database.execute(_postgres_copy(table, columns, instances)).rowcount
        for table in tables:
            database.execute(SQL("VACUUM (ANALYZE) {}").format(Identifier(table)))
        if Address.read(address).data:  # nobody else's writes are hurried
            database.execute("CHECKPOINT")
        row = database.execute(SIZE_BYTES, (schema,)).fetchone()
        return Done(rows, int(row[0]) if row else 0)


def columns_on_server(database: psycopg.Connection[Any], schema: str) -> Columns:
    """See `Columns`."""
    found: Columns = {}
    rows = database.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE table_schema = %s AND table_type = 'BASE TABLE' "
        "AND is_generated = 'NEVER' AND is_identity = 'NO' "
        "AND coalesce(column_default, '') NOT LIKE 'nextval(%%' "
        "ORDER BY table_name, ordinal_position",
        (schema,),
    )
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return {table: columns for table, columns in found.items() if "instance_id" in columns}


def _postgres_copy(table: str, columns: dict[str, str], instances: int) -> Any:
    from psycopg.sql import SQL, Identifier, Literal

    new = SQL("{} || n.i").format(Literal(PREFIX))
    copies = [
        SQL("CAST(replace(CAST(t.{} AS text), {}, {}) AS {})").format(
            Identifier(name),
            Literal(FIRST),
            new,
            SQL(kind),
        )
        if kind in TEXTS
        else SQL("t.{}").format(Identifier(name))
        for name, kind in columns.items()
    ]
    return SQL(
        "INSERT INTO {} ({}) SELECT {} FROM generate_series(1, {}) AS n(i) "
        "CROSS JOIN (SELECT * FROM {} WHERE instance_id = {}) t"
    ).format(
        Identifier(table),
        SQL(", ").join(map(Identifier, columns)),
        SQL(", ").join(copies),
        Literal(instances - 1),
        Identifier(table),
        Literal(FIRST),
    )


def main() -> int:
    """Do the step that the order names, and say what came of it."""
    finished = threading.Event()
    order, speak = orders(Order, lambda: None if finished.is_set() else os._exit(1))
    try:
        if order.step == "live":
            done = live(order)
        elif order.store == "postgres":
            done = copy_on_server(order.address, order.instances)
        else:
            done = copy_in_file(order.address, order.instances)
    except Exception as error:  # noqa: BLE001 - the engine and both stores have errors of their own
        print(in_words(error), file=sys.stderr)  # noqa: T201 - the log
        return 1
    finished.set()
    speak(done)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The engine's threads may still be winding down; a normal interpreter exit would wait for them.
    os._exit(code)
