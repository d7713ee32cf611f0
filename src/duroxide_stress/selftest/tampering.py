"""What is done to copies of a real store, by SQL or by bytes, behind the engine's back."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from duroxide_stress.selftest.stores import COLLECT_SECS

WAL_HEADER = 32
_TABLES = ("instances", "executions", "history")


class Tampering(msgspec.Struct, frozen=True):
    """One thing done to a store, and the check that must find it."""

    name: str
    check: str
    tamper: Callable[[Path], None]
    """Given the directory that holds `store.db`."""
    patience_secs: float = COLLECT_SECS
    """How long the engine may take to copy its histories out."""

    @property
    def what(self) -> str:
        """In a sentence."""
        return (self.tamper.__doc__ or "").strip()


def _sql(store: Path, *statements: str) -> None:
    """Run statements; `:one` is the first parallel instance that completed, `:two` the second."""
    with closing(sqlite3.connect(store / "store.db")) as db:
        found = db.execute(
            "SELECT instance_id FROM instances JOIN executions USING (instance_id) "
            "WHERE orchestration_name = 'parallel' AND status = 'Completed' ORDER BY 1 LIMIT 2"
        ).fetchall()
        for statement in statements:
            changed = db.execute(statement, {"one": found[0][0], "two": found[1][0]}).rowcount
            assert changed, f"nothing was changed by: {statement}"
        db.commit()


def history_row_deleted(store: Path) -> None:
    """An event is deleted from the middle of a history."""
    _sql(store, "DELETE FROM history WHERE instance_id = :one AND event_id = 5")


def history_row_doubled(store: Path) -> None:
    """A completion stands in a history a second time, under a new id."""
    _sql(
        store,
        "INSERT INTO history SELECT instance_id, execution_id, 9, event_type, "
        "json_set(event_data, '$.event_id', 9), created_at FROM history "
        "WHERE instance_id = :one AND event_id = 5",
    )


def history_rows_swapped(store: Path) -> None:
    """A schedule and its completion have changed places."""
    moves = ((2, 99), (5, 2), (99, 5))
    _sql(
        store,
        *(
            f"UPDATE history SET event_id = {to}, event_data = json_set(event_data, '$.event_id', {to}) "
            f"WHERE instance_id = :one AND event_id = {place}"
            for place, to in moves
        ),
    )


def result_changed(store: Path) -> None:
    """The result of an activity is another in the history."""
    _sql(
        store,
        "UPDATE history SET event_data = replace(event_data, '\\\"value\\\": ', '\\\"value\\\": 1') "
        "WHERE instance_id = :one AND event_type = 'ActivityCompleted' AND event_id = 5",
    )


def output_changed(store: Path) -> None:
    """The output of an execution is another in its row."""
    _sql(
        store,
        "UPDATE executions SET output = replace(output, '\"value\": ', '\"value\": 1') "
        "WHERE instance_id = :one",
    )


def outputs_exchanged(store: Path) -> None:
    """Two instances have each other's output in their rows."""
    _sql(
        store,
        "UPDATE executions SET output = (SELECT e.output FROM executions e WHERE e.instance_id = "
        "CASE executions.instance_id WHEN :one THEN :two ELSE :one END) "
        "WHERE instance_id IN (:one, :two)",
    )


def status_changed(store: Path) -> None:
    """A completed execution is called failed."""
    _sql(store, "UPDATE executions SET status = 'Failed' WHERE instance_id = :one")


def end_forgotten(store: Path) -> None:
    """A completed execution is called running, and its end is gone from the history."""
    _sql(
        store,
        "UPDATE executions SET status = 'Running', output = NULL WHERE instance_id = :one",
        "DELETE FROM history WHERE instance_id = :one AND event_type = 'OrchestrationCompleted'",
    )


def instance_row_deleted(store: Path) -> None:
    """An instance is gone from the list, its execution and its history are there."""
    _sql(store, "DELETE FROM instances WHERE instance_id = :one")


def execution_row_deleted(store: Path) -> None:
    """An execution is gone, its history is there."""
    _sql(store, "DELETE FROM executions WHERE instance_id = :one")


def instance_gone(store: Path) -> None:
    """Everything of one instance is gone."""
    _sql(store, *(f"DELETE FROM {table} WHERE instance_id = :one" for table in _TABLES))


def parent_forgotten(store: Path) -> None:
    """Children do not name their parent any more."""
    _sql(
        store,
        "UPDATE instances SET parent_instance_id = NULL WHERE parent_instance_id IS NOT NULL",
    )


def lock_left(store: Path) -> None:
    """An instance is still locked by somebody."""
    _sql(store, "INSERT INTO instance_locks VALUES (:one, 'nobody', 1, 1)")


def queue_row_left(store: Path) -> None:
    """A message lies in the orchestrator queue."""
    _sql(
        store,
        "INSERT INTO orchestrator_queue (instance_id, work_item, visible_at) VALUES (:one, '{}', 1)",
    )


def work_left(store: Path) -> None:
    """An activity lies in the worker queue."""
    _sql(store, "INSERT INTO worker_queue (instance_id, work_item) VALUES (:one, '{}')")


def journal_changed(store: Path) -> None:
    """The store is not in WAL mode any more."""
    with closing(sqlite3.connect(store / "store.db")) as db:
        db.execute("PRAGMA journal_mode = DELETE")


def index_row_lost(store: Path) -> None:
    """A row of a table is missing in its index."""
    _flip(store, "SELECT rootpage FROM sqlite_master WHERE name = 'idx_instances_parent'")


def page_flipped(store: Path) -> None:
    """The bits of half a page of the history are turned."""
    _flip(store, "SELECT rootpage FROM sqlite_master WHERE name = 'history'")


def _flip(store: Path, which: str) -> None:
    path = store / "store.db"
    with closing(sqlite3.connect(path)) as db:
        page, size = db.execute(which).fetchone()[0], db.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(path.read_bytes())
    for place in range((page - 1) * size, (page - 1) * size + size // 2):
        data[place] ^= 0xFF
    path.write_bytes(data)


def file_truncated(store: Path) -> None:
    """The second half of the file is gone."""
    path = store / "store.db"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def file_emptied(store: Path) -> None:
    """The file is there and holds nothing."""
    (store / "store.db").write_bytes(b"")


def commits_in_wal(store: Path) -> None:
    """The last commits stand in the WAL, as after a crash: this is no damage."""
    path, aside = store / "store.db", store / "aside"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
        roots = "SELECT instance_id FROM instances WHERE orchestration_name = 'parallel' ORDER BY 1"
        names = [name for (name,) in db.execute(roots)]
        names = names[len(names) // 2 :]
        marks = ", ".join("?" * len(names))
        of = f"WHERE instance_id IN ({marks}) ORDER BY instance_id"
        rows = {t: db.execute(f"SELECT * FROM {t} {of}", names).fetchall() for t in _TABLES}
        for table in _TABLES:
            db.execute(f"DELETE FROM {table} WHERE instance_id IN ({marks})", names)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for name in names:
            db.execute("BEGIN")
            for table in _TABLES:
                for row in (row for row in rows[table] if row[0] == name):
                    db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
            db.execute("COMMIT")
        # Closing would move the commits into the file.
        aside.mkdir()
        for name in ("store.db", "store.db-wal"):
            shutil.copy(store / name, aside / name)
    for name in ("store.db", "store.db-wal"):
        (aside / name).replace(store / name)
    aside.rmdir()


def wal_truncated(store: Path) -> None:
    """Commits stood in the WAL, and its second half is gone."""
    commits_in_wal(store)
    path = store / "store.db-wal"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def wal_flipped(store: Path) -> None:
    """Commits stood in the WAL, and one byte in its first quarter is another."""
    commits_in_wal(store)
    path = store / "store.db-wal"
    data = bytearray(path.read_bytes())
    data[WAL_HEADER + len(data) // 4] ^= 0xFF
    path.write_bytes(data)


def wal_lost(store: Path) -> None:
    """Commits stood in the WAL, and it is gone."""
    commits_in_wal(store)
    (store / "store.db-wal").unlink()


TAMPERINGS = (
    Tampering("instance gone from the store", "durability", instance_gone),
    Tampering("WAL truncated", "durability", wal_truncated),
    Tampering("WAL with a byte flipped", "durability", wal_flipped),
    Tampering("WAL lost", "durability", wal_lost),
    Tampering("end gone from the store", "completion", end_forgotten),
    Tampering("outputs exchanged in the store", "outputs", outputs_exchanged),
    Tampering("output changed in the store", "outputs", output_changed),
    Tampering("history row deleted", "history", history_row_deleted),
    Tampering("history row doubled", "history", history_row_doubled),
    Tampering("history rows swapped", "history", history_rows_swapped),
    Tampering("status changed in the store", "history", status_changed),
    Tampering("result changed in the store", "effects", result_changed),
    Tampering("parents forgotten by the store", "children", parent_forgotten),
    Tampering("instance row deleted", "database", instance_row_deleted),
    Tampering("execution row deleted", "database", execution_row_deleted),
    Tampering("lock left", "database", lock_left),
    Tampering("queue row left", "database", queue_row_left),
    Tampering("work left", "database", work_left),
    Tampering("journal mode changed", "database", journal_changed),
    Tampering("index page flipped", "database", index_row_lost),
    Tampering("table page flipped", "database", page_flipped),
    # The engine tries to open it for half a minute; that it cannot is clear before.
    Tampering("file truncated", "database", file_truncated, patience_secs=4),
    Tampering("file emptied", "database", file_emptied),
)
