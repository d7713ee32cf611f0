"""A SQLite store at rest is asked the right questions, and its answers are believed."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from duroxide_stress.providers.base import StoreAudit
from duroxide_stress.providers.sqlite import MAX_ROWS_SHOWN, FileSqlite, InMemorySqlite

# The tables and columns that the audit depends on, as the engine's migrations of 0.2.2 leave them.
SCHEMA = """
CREATE TABLE instances (
    instance_id TEXT PRIMARY KEY,
    orchestration_name TEXT NOT NULL,
    current_execution_id INTEGER NOT NULL DEFAULT 1,
    parent_instance_id TEXT REFERENCES instances(instance_id)
);
CREATE TABLE executions (
    instance_id TEXT NOT NULL,
    execution_id INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'Running',
    output TEXT,
    PRIMARY KEY (instance_id, execution_id)
);
CREATE TABLE history (
    instance_id TEXT NOT NULL,
    execution_id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    event_data TEXT NOT NULL,
    PRIMARY KEY (instance_id, execution_id, event_id)
);
CREATE TABLE orchestrator_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL,
    work_item TEXT NOT NULL,
    visible_at INTEGER NOT NULL DEFAULT 0,
    lock_token TEXT,
    locked_until TIMESTAMP,
    attempt_count INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE worker_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    work_item TEXT NOT NULL,
    instance_id TEXT,
    lock_token TEXT,
    locked_until TIMESTAMP,
    attempt_count INTEGER NOT NULL DEFAULT 0,
    visible_at INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE timer_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    work_item TEXT NOT NULL,
    fire_at TIMESTAMP NOT NULL
);
CREATE TABLE instance_locks (
    instance_id TEXT PRIMARY KEY,
    lock_token TEXT NOT NULL,
    locked_until INTEGER NOT NULL,
    locked_at INTEGER NOT NULL
);
INSERT INTO instances (instance_id, orchestration_name) VALUES ('par-1', 'parallel');
INSERT INTO executions VALUES ('par-1', 1, 'Completed', '[]');
INSERT INTO history VALUES ('par-1', 1, 1, 'OrchestrationStarted', '{}');
INSERT INTO history VALUES ('par-1', 1, 2, 'OrchestrationCompleted', '{}');
"""

QUESTIONS = {
    "open",
    "journal_mode",
    "wal_checkpoint",
    "integrity_check",
    "foreign_key_check",
    "queues_empty",
    "no_lock_left",
    "no_orphan_execution",
    "no_orphan_history",
}
PAST_MS, FUTURE_MS = 1_000, 2**52
PROVIDER = FileSqlite()
Store = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Make a store at rest, with some more SQL done to it; returns its address."""

    def make(sql: str = "", mode: str = "wal", schema: str = SCHEMA) -> str:
        address = PROVIDER.create(tmp_path)
        with closing(sqlite3.connect(address, isolation_level=None)) as db:
            db.execute(f"PRAGMA journal_mode={mode}")
            db.executescript(schema + sql)
        return address

    return make


def found(audit: StoreAudit) -> list[tuple[str, str | None]]:
    """The problems as (question, instance)."""
    return [(problem.what, problem.instance) for problem in audit.problems]


def test_a_clean_store_passes_every_question(store: Store) -> None:
    """Nothing is wrong, everything was asked, and the figures are there."""
    audit = PROVIDER.audit(store())
    assert audit.problems == ()
    assert set(audit.asked) == QUESTIONS
    assert audit.facts["journal_mode"] == "wal"
    assert (audit.facts["rows.instances"], audit.facts["rows.history"]) == (1, 2)
    assert audit.facts["database_bytes"] > 0


@pytest.mark.parametrize(
    ("sql", "problem", "detail"),
    [
        (
            f"INSERT INTO orchestrator_queue VALUES (1, 'par-9', 'Start', {PAST_MS}, NULL, NULL, 0)",
            ("queues_empty", "par-9"),
            "orchestrator_queue: Start",
        ),
        (
            f"INSERT INTO orchestrator_queue VALUES (1, 'par-9', 'Locked', {FUTURE_MS}, 'me', 0, 2)",
            ("queues_empty", "par-9"),
            "orchestrator_queue: Locked",
        ),
        (
            "INSERT INTO worker_queue VALUES (1, 'ActivityExecute', 'par-7', NULL, NULL, 0, 0)",
            ("queues_empty", "par-7"),
            "worker_queue: ActivityExecute",
        ),
        (
            "INSERT INTO timer_queue VALUES (1, 'TimerFired', 0)",
            ("queues_empty", None),
            "timer_queue: TimerFired",
        ),
        (
            "INSERT INTO instance_locks VALUES ('par-1', 'abc', 1234, 1000)",
            ("no_lock_left", "par-1"),
            "locked until 1234",
        ),
        (
            "INSERT INTO instances VALUES ('sub-1', 'child', 1, 'par-gone')",
            ("foreign_key_check", None),
            "instances row 2 has no instances",
        ),
        (
            "INSERT INTO executions VALUES ('par-4', 1, 'Failed', NULL)",
            ("no_orphan_execution", "par-4"),
            "execution 1 is Failed, but instances has no row for it",
        ),
        (
            "INSERT INTO history VALUES ('par-1', 2, 1, 'X', '{}'), ('par-1', 2, 2, 'Y', '{}')",
            ("no_orphan_history", "par-1"),
            "history of execution 2, but executions has no row for it",
        ),
    ],
)
def test_each_leftover_is_found(
    store: Store, sql: str, problem: tuple[str, str | None], detail: str
) -> None:
    """One row too many is one problem with its place and its words."""
    audit = PROVIDER.audit(store(f"PRAGMA foreign_keys=OFF; {sql}"))
    assert found(audit) == [problem]
    assert audit.problems[0].detail == detail
    assert set(audit.asked) == QUESTIONS


def test_a_message_that_waits_for_its_time_is_at_rest(store: Store) -> None:
    """A timer that lost its race stays queued until it is due, and nobody has locked it."""
    row = f"INSERT INTO orchestrator_queue VALUES (1, 'par-9', 'TimerFired', {FUTURE_MS}, NULL, NULL, 0)"
    audit = PROVIDER.audit(store(row))
    assert found(audit) == []
    assert audit.facts["rows.orchestrator_queue"] == 1


def test_many_leftovers_are_counted_whole_and_shown_in_part(store: Store) -> None:
    """The count is right even where not every row is shown."""
    rows = ",".join(f"('par-{n}', 'x')" for n in range(MAX_ROWS_SHOWN + 30))
    audit = PROVIDER.audit(
        store(f"INSERT INTO orchestrator_queue (instance_id, work_item) VALUES {rows}")
    )
    assert audit.facts["rows.orchestrator_queue"] == MAX_ROWS_SHOWN + 30
    assert len(audit.problems) == MAX_ROWS_SHOWN


def test_a_store_out_of_wal_mode_is_told(store: Store) -> None:
    """The engine always opens in WAL mode, so another mode means someone changed the file."""
    audit = PROVIDER.audit(store(mode="delete"))
    assert found(audit) == [("journal_mode", None)]
    assert audit.problems[0].detail == "delete instead of wal"


@pytest.mark.parametrize("at", [0, 40, 4096 + 8, 3 * 4096])
def test_corrupted_bytes_are_found(store: Store, at: int) -> None:
    """Damage in the header or in a page is a problem, never a clean bill nor a traceback."""
    address = store()
    raw = bytearray(Path(address).read_bytes())
    raw[at : at + 64] = b"\xa5" * 64
    Path(address).write_bytes(raw)
    audit = PROVIDER.audit(address)
    assert {what for what, _ in found(audit)} & {"open", "integrity_check"}


@pytest.mark.parametrize("text", [b"this is no database" * 100, b"SQLite format 3\0"])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, text: bytes) -> None:
    """It could not be opened, and nothing else was asked."""
    address = PROVIDER.create(tmp_path)
    Path(address).write_bytes(text)
    audit = PROVIDER.audit(address)
    assert (found(audit), audit.asked) == ([("open", None)], ("open",))


def test_a_missing_file_is_told_and_not_made(tmp_path: Path) -> None:
    """SQLite would make an empty, clean store in its place."""
    address = PROVIDER.create(tmp_path)
    audit = PROVIDER.audit(address)
    assert found(audit) == [("open", None)]
    assert not Path(address).exists()


@pytest.mark.parametrize(
    ("table", "unasked"),
    [
        ("worker_queue", {"queues_empty"}),
        ("instance_locks", {"no_lock_left"}),
        ("instances", {"no_orphan_execution"}),
        ("executions", {"no_orphan_execution", "no_orphan_history"}),
    ],
)
def test_a_question_about_a_missing_table_is_not_answered(
    store: Store, table: str, unasked: set[str]
) -> None:
    """An engine that renamed its tables must not look clean for it."""
    audit = PROVIDER.audit(store(f"DROP TABLE {table}"))
    assert set(audit.asked) == QUESTIONS - unasked


def test_a_store_with_its_log_still_there_is_audited_whole(store: Store) -> None:
    """What only the write-ahead log holds is seen, its size is told, and it is moved over."""
    address = store()
    with closing(sqlite3.connect(address, isolation_level=None)) as db:
        db.execute("INSERT INTO instance_locks VALUES ('par-1', 'abc', 1, 1)")
        files = {s: Path(address + s).read_bytes() for s in ("", "-wal")}
    for suffix, raw in files.items():
        Path(address + suffix).write_bytes(raw)
    audit = PROVIDER.audit(address)
    assert found(audit) == [("no_lock_left", "par-1")]
    assert audit.facts["wal_bytes_at_rest"] == len(files["-wal"]) > 0


def test_size_counts_every_file_and_destroy_removes_them(tmp_path: Path) -> None:
    """The log and its index belong to the store; removing what is gone is no error."""
    address = PROVIDER.create(tmp_path)
    assert PROVIDER.size_bytes(address) == 0
    for suffix, size in (("", 100), ("-wal", 30), ("-shm", 7)):
        Path(address + suffix).write_bytes(b"x" * size)
    assert PROVIDER.size_bytes(address) == 137
    for _ in range(2):
        PROVIDER.destroy(address)
        assert list(tmp_path.iterdir()) == []


def test_only_the_file_can_be_shared() -> None:
    """A store in memory lives in one process and offers no audit from outside."""
    assert (InMemorySqlite().shared, FileSqlite().shared) == (False, True)
    assert not hasattr(InMemorySqlite(), "audit")
