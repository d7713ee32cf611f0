"""Faults of a store in a file: a stranger holds its write lock, the disk of the hosts is full."""

from __future__ import annotations

import resource
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.settings import Setting
from duroxide_stress.recording.pieces import pieces

STORES = ("sqlite-file",)
TURN_SECS = 30.0
"""How long the stranger tries to get the lock: the engine's own transactions take milliseconds."""
ROOM_BYTES = 512 * 1024
"""What the hosts may still write of effects and logs, which must not be cut short."""
NEAR_BYTES = 128 * 1024
"""So near the limit these end the fault before its time."""


def _lock(stage: Stage, injection: Injection) -> Play[None]:
    secs = injection.spec.secs("for") or 0
    # The only one in this process that opens the file: who closes it drops all POSIX locks on it.
    with closing(_stranger(stage.address)) as db:
        until = stage.now_secs() + TURN_SECS
        while not _locked(db):
            if stage.now_secs() > until:
                raise SkippedError(f"the write lock was not to be had within {TURN_SECS:g} s")
            yield
        try:
            stage.began(f"a foreign transaction holds the store's write lock for {secs:g} s")
            yield from stage.wait(secs)
        finally:
            db.rollback()


def _stranger(address: str) -> sqlite3.Connection:
    """A connection that never waits. It leaves the WAL alone: the driver has the store open, so this
    is not the last to close it."""
    uri = f"{Path(address).absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)


def _locked(db: sqlite3.Connection) -> bool:
    """Whether it was its turn. Asked as often as SQLite's own busy handler would ask."""
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return False
        raise
    return True


def _disk_full(stage: Stage, injection: Injection) -> Play[None]:
    secs = injection.spec.secs("for") or 0
    hosts = [f"host-{number}" for number in range(stage.cell.config.nodes)]
    if not any(map(stage.hosts.serving, hosts)):
        raise SkippedError("no host was serving")
    limit, store = _written_bytes(stage) + ROOM_BYTES, _store_bytes(stage)
    if limit >= store:
        raise SkippedError(
            f"the store's largest file, {_shown(store)}, was below the limit, which leaves the hosts "
            f"room for effects and logs: {_shown(limit)}; it may strike later (at)"
        )
    with _limits() as limits:
        until = stage.now_secs() + secs
        _limit(stage, hosts, limit, limits)
        stage.began(
            f"no file of the hosts can be written beyond {_shown(limit)} (RLIMIT_FSIZE) for {secs:g} s; "
            f"the store's largest has {_shown(store)}"
        )
        while stage.now_secs() < until and _written_bytes(stage) < limit - NEAR_BYTES:
            yield
            # Those too that have come up meanwhile.
            _limit(stage, hosts, limit, limits)


@contextmanager
def _limits() -> Iterator[dict[int, int]]:
    """Process → the soft limit it had, which it gets back."""
    limits: dict[int, int] = {}
    try:
        yield limits
    finally:
        for pid, soft in limits.items():
            _set(pid, soft)


def _limit(stage: Stage, hosts: Sequence[str], limit: int, limits: dict[int, int]) -> None:
    for host in hosts:
        if stage.hosts.serving(host) and (pid := stage.hosts.pid(host)) not in limits:
            limits[pid] = _set(pid, limit)


def _set(pid: int, soft: int) -> int:
    """Set a process's soft limit, if it is still there; the one it had."""
    old = resource.RLIM_INFINITY
    with suppress(ProcessLookupError):
        old, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    return old


def _written_bytes(stage: Stage) -> int:
    """The largest of the files that the hosts write beside the store."""
    files = [*pieces(stage.directory, "effects"), *stage.directory.glob("host*.log")]
    return max(map(_size, files), default=0)


def _store_bytes(stage: Stage) -> int:
    return max(_size(Path(stage.address + suffix)) for suffix in ("", "-wal"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _shown(size: int) -> str:
    return f"{size / 1024:,.0f} KiB"


def _no_prlimit() -> str:
    return (
        ""
        if sys.platform == "linux"
        else "only Linux limits the files of another process (prlimit)"
    )


LOCK = Fault(
    "lock",
    "a foreign transaction holds SQLite's write lock.",
    _lock,
    (Setting("for", "duration", "how long", 3.0, 0.05, 3_600),),
    stores=STORES,
    refuses=True,
)
DISK_FULL = Fault(
    "disk-full",
    "the hosts' writes to the store's files fail, as on a full disk.",
    _disk_full,
    (Setting("for", "duration", "how long", 3.0, 0.05, 3_600),),
    stores=STORES,
    unavailable=_no_prlimit,
    target="hosts",
)
