"""Duroxide on SQLite, in memory and in a file. Imports the engine only to open a store."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from duroxide_stress.providers.base import StoreAudit, StoreProblem
from duroxide_stress.units import MIB, NS_PER_MS

MAX_ROWS_SHOWN = 1_000
TABLES = ("instances", "executions", "history", "instance_locks", "orchestrator_queue",
          "worker_queue", "timer_queue")  # fmt: skip

# What a row that is left says of its lock; the unit is ms.
_STATE = (
    "CASE WHEN lock_token IS NULL THEN 'unserved' WHEN locked_until <= :now_ms THEN 'lock expired' "
    "ELSE 'locked' END"
)
# Question → the tables it is about and a query whose rows (instance, detail, state, attempts,
# visible since) should not be there.
ROWS: dict[str, tuple[tuple[str, ...], str]] = {
    # Rows that wait for their time (a timer that lost its race) are at rest; the unit is ms.
    "queues_empty": (
        ("orchestrator_queue", "worker_queue", "timer_queue"),
        f"SELECT instance_id, 'orchestrator_queue: ' || work_item, {_STATE}, attempt_count, "
        "visible_at FROM orchestrator_queue WHERE lock_token IS NOT NULL OR visible_at <= :now_ms "
        f"UNION ALL SELECT instance_id, 'worker_queue: ' || work_item, {_STATE}, attempt_count, "
        "visible_at FROM worker_queue "
        "UNION ALL SELECT NULL, 'timer_queue: ' || work_item, '', 0, 0 FROM timer_queue",
    ),
    # A lock row outlives its release only when the holder never let go of it.
    "no_lock_left": (
        ("instance_locks",),
        f"SELECT instance_id, 'locked until ' || locked_until, {_STATE}, 0, 0 FROM instance_locks",
    ),
    "no_orphan_execution": (
        ("executions", "instances"),
        "SELECT instance_id, 'execution ' || execution_id || ' is ' || status || ', but instances '"
        " || 'has no row for it', '', 0, 0 FROM executions "
        "WHERE instance_id NOT IN (SELECT instance_id FROM instances)",
    ),
    "no_orphan_history": (
        ("history", "executions"),
        "SELECT DISTINCT h.instance_id, 'history of execution ' || h.execution_id || ', but '"
        " || 'executions has no row for it', '', 0, 0 FROM history h LEFT JOIN executions e "
        "USING (instance_id, execution_id) WHERE e.instance_id IS NULL",
    ),
}


class InMemorySqlite:
    """`SqliteProvider.in_memory()`: every call is a database of its own, alive in one process."""

    name = "sqlite-memory"
    label = "In-Memory SQLite"
    engine = "duroxide"
    shared = False

    def create(self, directory: Path) -> str:
        return ":memory:"

    def connect(self, address: str) -> Any:
        import duroxide

        return duroxide.SqliteProvider.in_memory()

    def destroy(self, address: str) -> None:
        """Nothing to remove: the database ends with its process."""


class FileSqlite:
    """`SqliteProvider.open("sqlite:<path>")`: a file in WAL mode that several processes share."""

    name = "sqlite-file"
    label = "File SQLite"
    engine = "duroxide"
    shared = True
    cache_bytes = 5 * 100 * MIB
    """The engine opens five connections with PRAGMA cache_size = -64000, 62.5 MiB each (duroxide 0.1.26
    and 0.2.2), and its gauges, once a minute, read the keys of all that was ever kept through one of
    them. Of a million instances, read through all five at once, up to 98 MiB were left in each
    (docs/findings.md)."""

    def create(self, directory: Path) -> str:
        return str(directory / "store.db")

    def connect(self, address: str) -> Any:
        import duroxide

        return duroxide.SqliteProvider.open(f"sqlite:{address}")

    def destroy(self, address: str) -> None:
        for path in _files(address):
            path.unlink(missing_ok=True)

    def size_bytes(self, address: str) -> int:
        sizes = []
        for path in _files(address):
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:
                continue
        return sum(sizes)

    def audit(self, address: str) -> StoreAudit:
        """Ask the file, at rest and before the engine opens it again.

        Must run in a process where the engine has no connection: two copies of SQLite in one
        process break each other's POSIX locks.
        """
        if not Path(address).is_file():
            problem = StoreProblem("open", "the store's file does not exist")
            return StoreAudit(asked=("open",), problems=(problem,))
        try:
            wal = Path(address + "-wal")
            wal_bytes = wal.stat().st_size if wal.exists() else 0
            with closing(sqlite3.connect(address, timeout=10)) as db:
                return _audit(db, wal_bytes)
        except sqlite3.DatabaseError as error:
            return StoreAudit(asked=("open",), problems=(StoreProblem("open", str(error)),))


def _files(address: str) -> list[Path]:
    return [Path(address + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


def _audit(db: sqlite3.Connection, wal_bytes: int) -> StoreAudit:
    problems: list[StoreProblem] = []
    facts: dict[str, int | float | str] = {"wal_bytes_at_rest": wal_bytes}
    asked = ["open", "journal_mode", "wal_checkpoint", "integrity_check", "foreign_key_check"]

    facts["journal_mode"] = str(db.execute("PRAGMA journal_mode").fetchone()[0])
    if facts["journal_mode"] != "wal":
        problems.append(StoreProblem("journal_mode", f"{facts['journal_mode']} instead of wal"))
    busy, pages, moved = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        problems.append(StoreProblem("wal_checkpoint", f"busy: {moved} of {pages} pages moved"))
    for (line,) in db.execute("PRAGMA integrity_check(20)"):
        if line != "ok":
            problems.append(StoreProblem("integrity_check", str(line)))
    for table, rowid, parent, _ in db.execute("PRAGMA foreign_key_check").fetchmany(MAX_ROWS_SHOWN):
        problems.append(StoreProblem("foreign_key_check", f"{table} row {rowid} has no {parent}"))

    now_ms = time.time_ns() // NS_PER_MS
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    for question, (tables, sql) in ROWS.items():
        if there.issuperset(tables):
            asked.append(question)
            rows = db.execute(sql, {"now_ms": now_ms}).fetchmany(MAX_ROWS_SHOWN)
            problems += [
                StoreProblem(question, str(text)[:300], who, state, attempts, int(since or 0))
                for who, text, state, attempts, since in rows
            ]
    for table in TABLES:
        if table in there:
            facts[f"rows.{table}"] = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    (page_count,) = db.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    facts["database_bytes"] = page_count * page_bytes
    return StoreAudit(asked=tuple(asked), problems=tuple(problems), facts=facts)
