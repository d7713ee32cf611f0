"""A lock on a real file, and limits that are set on nobody."""

import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from duroxide_stress.errors import UsageError
from duroxide_stress.faults.base import SkippedError
from duroxide_stress.faults.registry import read_fault
from duroxide_stress.faults.sqlite import DISK_FULL, LOCK, NEAR_BYTES, ROOM_BYTES, TURN_SECS

from .hand import Bench
from .test_storm import HandHosts

FOREVER = resource.RLIM_INFINITY
KB = 1024


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the store, as the engine has one: it waits for nothing here."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE work (id INTEGER)")
        yield db


def can_write(db: sqlite3.Connection) -> bool:
    try:
        db.execute("INSERT INTO work VALUES (1)")
    except sqlite3.OperationalError as error:
        assert error.sqlite_errorcode == sqlite3.SQLITE_BUSY
        return False
    return True


def test_the_lock_is_held_for_its_time(tmp_path: Path, engine: sqlite3.Connection) -> None:
    """Nobody writes meanwhile, everybody reads; afterwards the WAL is where it was."""
    bench, wal = Bench(tmp_path), tmp_path / "store.db-wal"
    bench.begin(LOCK, "lock:for=2s")
    assert bench.details == ["a foreign transaction holds the store's write lock for 2 s"]
    assert not can_write(engine)
    assert engine.execute("SELECT count(*) FROM work").fetchone() == (0,)
    assert not bench.over(1.9)
    assert not can_write(engine)
    size = wal.stat().st_size
    assert bench.over(0.1)
    assert wal.stat().st_size == size > 0
    assert can_write(engine)


def test_a_lock_that_is_cut_off_is_let_go(tmp_path: Path, engine: sqlite3.Connection) -> None:
    """What was cut off is healed like what is over."""
    bench = Bench(tmp_path)
    bench.begin(LOCK, "lock:for=1h")
    assert not can_write(engine)
    bench.play.close()
    assert can_write(engine)


def test_the_lock_waits_for_its_turn(tmp_path: Path, engine: sqlite3.Connection) -> None:
    """It begins when the engine's own transaction is over, and then lasts as long as was said."""
    bench = Bench(tmp_path)
    engine.execute("BEGIN IMMEDIATE")
    bench.begin(LOCK, "lock:for=1s")
    assert not bench.over(5)
    assert bench.details == []
    engine.execute("COMMIT")
    assert not bench.over(1)
    assert len(bench.details) == 1
    assert bench.over(0.1)


def test_a_lock_that_is_never_free_is_skipped(tmp_path: Path, engine: sqlite3.Connection) -> None:
    """A store that somebody else holds is not the fault's doing."""
    bench = Bench(tmp_path)
    engine.execute("BEGIN IMMEDIATE")
    bench.begin(LOCK, "lock")
    with pytest.raises(SkippedError, match="was not to be had within 30 s"):
        bench.over(TURN_SECS + 1)


def test_a_store_that_is_gone_is_not_made(tmp_path: Path) -> None:
    """An empty database in its place would look like lost work."""
    with pytest.raises(sqlite3.OperationalError):
        Bench(tmp_path).begin(LOCK, "lock")
    assert list(tmp_path.iterdir()) == []


class Limited(HandHosts):
    """Hosts with process ids, and what their processes may write."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.pids = {"host-0": 1_000_000_100, "host-1": 1_000_000_200}
        self.limits = {1_000_000_100: (FOREVER, FOREVER), 1_000_000_200: (9 << 30, 9 << 30)}
        monkeypatch.setattr("resource.prlimit", self.prlimit)

    def pid(self, host: str) -> int:
        return self.pids[host]

    def prlimit(
        self, pid: int, which: int, limits: tuple[int, int] | None = None
    ) -> tuple[int, int]:
        assert which == resource.RLIMIT_FSIZE
        if pid not in self.limits:
            raise ProcessLookupError
        old = self.limits[pid]
        if limits is not None:
            self.limits[pid] = limits
        return old

    @property
    def soft(self) -> list[int]:
        return [soft for soft, _ in self.limits.values()]


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Limited:
    """Two hosts that have written little, and a store with a long WAL."""
    for name, size in {"store.db": 100, "store.db-wal": 4_000, "effects.jsonl": 200}.items():
        (tmp_path / name).write_bytes(bytes(size * KB))
    (tmp_path / "host-1.log").write_bytes(bytes(300 * KB))
    return Limited(monkeypatch)


def test_the_disk_is_full_for_its_time(tmp_path: Path, limited: Limited) -> None:
    """The limit leaves room above the largest of the hosts' own files; each gets its own one back."""
    bench = Bench(tmp_path, limited)
    bench.begin(DISK_FULL, "disk-full:for=2s")
    limit = 300 * KB + ROOM_BYTES
    assert limited.limits == {
        1_000_000_100: (limit, FOREVER),
        1_000_000_200: (limit, 9 << 30),
    }
    assert bench.details == [
        "no file of the hosts can be written beyond 812 KiB (RLIMIT_FSIZE) for 2 s; "
        "the store's largest has 4,000 KiB"
    ]
    assert not bench.over(1.9)
    assert limited.soft == [limit, limit]
    assert bench.over(0.1)
    assert limited.soft == [FOREVER, 9 << 30]


def test_a_full_disk_that_is_cut_off_is_healed(tmp_path: Path, limited: Limited) -> None:
    """Also where one of the processes is gone."""
    bench = Bench(tmp_path, limited)
    bench.begin(DISK_FULL, "disk-full:for=1h")
    del limited.limits[1_000_000_100]
    bench.play.close()
    assert limited.soft == [9 << 30]


def test_a_host_that_comes_up_meets_the_full_disk(tmp_path: Path, limited: Limited) -> None:
    """Its next life has another process."""
    bench = Bench(tmp_path, limited)
    bench.begin(DISK_FULL, "disk-full:for=2s")
    limited.up["host-0"] = False
    limited.pids["host-0"] = 1_000_000_101
    limited.limits[1_000_000_101] = (FOREVER, FOREVER)
    assert not bench.over(0.5)
    assert limited.limits[1_000_000_101] == (FOREVER, FOREVER)
    limited.up["host-0"] = True
    assert not bench.over(0.5)
    assert limited.limits[1_000_000_101][0] == 300 * KB + ROOM_BYTES
    assert bench.over(1)
    assert limited.soft == [FOREVER, 9 << 30, FOREVER]


def test_what_the_hosts_record_is_never_cut_short(tmp_path: Path, limited: Limited) -> None:
    """The fault ends before effects or logs come to the limit."""
    bench = Bench(tmp_path, limited)
    bench.begin(DISK_FULL, "disk-full:for=1h")
    (tmp_path / "host.log").write_bytes(bytes(300 * KB + ROOM_BYTES - NEAR_BYTES))
    assert bench.over(0.2)
    assert limited.soft == [FOREVER, 9 << 30]


def test_a_store_that_is_still_small_is_not_hit(tmp_path: Path, limited: Limited) -> None:
    """What would hit nothing is not said to have begun."""
    (tmp_path / "store.db-wal").unlink()
    bench = Bench(tmp_path, limited)
    with pytest.raises(SkippedError, match=r"100 KiB, was below the limit.*812 KiB"):
        bench.begin(DISK_FULL, "disk-full")
    assert limited.soft == [FOREVER, 9 << 30]
    assert bench.details == []


def test_no_host_no_full_disk(tmp_path: Path, limited: Limited) -> None:
    """There is nobody to hit."""
    limited.up = dict.fromkeys(limited.up, False)
    with pytest.raises(SkippedError, match="no host was serving"):
        Bench(tmp_path, limited).begin(DISK_FULL, "disk-full")


def test_only_linux_limits_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere it says so."""
    assert sys.platform != "linux" or DISK_FULL.unavailable() == ""
    monkeypatch.setattr("sys.platform", "darwin")
    assert "only Linux" in DISK_FULL.unavailable()


@pytest.mark.parametrize("name", ["lock", "disk-full"])
def test_how_they_are_written(name: str) -> None:
    """`for` alone, within limits; only a store in a file can be hit."""
    fault, spec = read_fault(name)
    assert spec.values == {"for": 3}
    assert fault.stores == ("sqlite-file",)
    assert read_fault(f"{name}:for=1h")[1].values == {"for": 3_600}
    for wrong in ("for=10ms", "for=2h", "for=-3s", "depth=2"):
        with pytest.raises(UsageError):
            read_fault(f"{name}:{wrong}")
