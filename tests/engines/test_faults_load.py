"""A store that others work on, and an old one, under the released engine; processes that are killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from faulted import Struck, kept

from duroxide_stress.errors import RunError
from duroxide_stress.faults import tenant
from duroxide_stress.faults.base import Hosts, Injection, Play, Stage
from duroxide_stress.faults.load import AGED, TENANT
from duroxide_stress.faults.settings import read
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.providers.base import Provider
from duroxide_stress.providers.postgres import URL_VARIABLE, Postgres
from duroxide_stress.providers.postgres_url import Address, session_uri
from duroxide_stress.providers.sqlite import FileSqlite
from servers import running_server, schemas

LIVES_SECS = 60.0
"""How long anything here may take; it takes a second."""


@pytest.fixture(autouse=True)
def _nothing_is_left_running() -> Iterator[None]:
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    assert [process.cmdline() for process in left] == []


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that is not ours."""
    with running_server() as url:
        yield url


# -- in cells -------------------------------------------------------------------------------


def test_a_tenant_in_the_stores_file(tmp_path: Path) -> None:
    """Every promise is kept while it works, and the store is as if it had never been."""
    fault = "tenant:sessions=2,pause=20ms"
    struck = Struck(tmp_path / "run", "sqlite-file", fault, duration_secs=2)
    kept(struck)
    assert struck.faults() == [("tenant", True, True)]
    began, ended = struck.recording.rows("SELECT detail FROM fault_lines WHERE what <> 'intended'")
    assert "works with 2 sessions in table stress_tenant of the store's file" in began[0]
    assert "transactions of the other tenant committed" in ended[0]


@pytest.mark.slow
def test_a_tenant_on_a_server_of_the_users(
    tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stays there, neither the cell's schema nor the tenant's."""
    monkeypatch.setenv(URL_VARIABLE, server)
    struck = Struck(tmp_path / "run", "postgres", "tenant:sessions=2", duration_secs=2)
    kept(struck)
    assert struck.faults() == [("tenant", True, True)]
    said = "SELECT detail FROM fault_lines WHERE what = 'ended'"
    assert "transactions of the other tenant committed" in struck.recording.one(said)
    assert schemas(server) == []


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["sqlite-file", "postgres"])
def test_an_aged_store(tmp_path: Path, provider: str) -> None:
    """Two thousand old instances are in the store and in the engine's totals, not in the recording."""
    struck = Struck(tmp_path / "run", provider, "aged:instances=2000", duration_secs=2)
    kept(struck)
    assert struck.faults() == [("aged", True, True)]
    said = "SELECT detail FROM fault_lines WHERE what = 'began'"
    assert struck.recording.one(said).startswith("2,000 finished instances (11,994 rows copied, ")
    totals: Any = struck.recording.metrics
    assert [totals[f"aged_{what}"] for what in ("instances", "executions", "events")] == [
        2_000,
        2_000,
        8_000,
    ]
    counted = struck.recording.one("SELECT count(*) FROM executions")
    assert totals["total_instances"] == 2_000 + counted
    assert struck.recording.store is not None
    assert struck.recording.store["facts"]["rows.instances"] == 2_000 + counted


# -- what goes wrong ------------------------------------------------------------------------


def began(
    tmp_path: Path, provider: Provider, address: str
) -> tuple[Play[str | None], psutil.Process]:
    """A tenant at work, and its process."""
    said: list[str] = []
    cell = Cell("parallel", provider.name, StressTestConfig(duration_secs=600))
    hosts: Hosts = None  # type: ignore[assignment]
    stage = Stage(cell, provider, address, hosts, time.monotonic, tmp_path, tmp_path)
    stage.began = said.append
    spec = read("tenant:sessions=2", TENANT.all_settings)
    play = TENANT.play(stage, Injection(0, spec, 0, "store", 0))
    next(play)
    (process,) = psutil.Process().children()[-1:]
    while not said:
        next(play)
        time.sleep(0.01)
    return play, process


def fall(play: Play[str | None]) -> None:
    """Let the play find out."""
    with pytest.raises(RunError, match="the other tenant died"):
        while True:
            next(play)
            time.sleep(0.01)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A store in a file, with the engine's connection to it."""
    with closing(sqlite3.connect(tmp_path / "store.db", timeout=LIVES_SECS)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        yield db


def tables(db: sqlite3.Connection) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM sqlite_master")]


@pytest.mark.parametrize("how", ["cut off", "killed"])
def test_nothing_of_a_tenant_stays_in_a_file(
    tmp_path: Path, file: sqlite3.Connection, how: str
) -> None:
    """However it ended."""
    play, process = began(tmp_path, FileSqlite(), str(tmp_path / "store.db"))
    assert tables(file) == [tenant.TABLE]
    assert os.getpgid(process.pid) == process.pid
    if how == "killed":
        process.kill()
        fall(play)
    play.close()
    assert tables(file) == []


@pytest.mark.parametrize("how", ["cut off", "killed"])
def test_nothing_of_a_tenant_stays_on_a_server(tmp_path: Path, server: str, how: str) -> None:
    """Nor do its sessions."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as database:
        uri = session_uri(database, "stress_x", {})
        play, process = began(tmp_path, Postgres(), Address(uri, "stress_x").encode())
        assert schemas(server) == ["stress_x_tenant"]
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"

        def at_work() -> int:
            row = database.execute(sessions, (tenant.APPLICATION,)).fetchone()
            return int(row[0]) if row else 0

        until(lambda: at_work() >= 2)
        if how == "killed":
            process.kill()
            fall(play)
        play.close()
        assert schemas(server) == []
        until(lambda: at_work() == 0)


OWNER = """
import sys, time
from pathlib import Path
from duroxide_stress.faults import tenant
from duroxide_stress.faults.aide import Aide
aide = Aide(tenant.__name__, tenant.Order("sqlite-file", sys.argv[1], 2), Path(sys.argv[2]))
aide.hear()
print("at work", flush=True)
time.sleep(3600)
"""


def test_a_tenant_ends_with_its_owner(tmp_path: Path, file: sqlite3.Connection) -> None:
    """Also with one that is killed; and it takes with it what it has made."""
    words = [sys.executable, "-c", OWNER, str(tmp_path / "store.db"), str(tmp_path / "log")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "at work\n"
        (lodger,) = psutil.Process(owner.pid).children()
        owner.send_signal(signal.SIGKILL)
    lodger.wait(LIVES_SECS)
    assert tables(file) == []


def test_a_store_that_is_no_store_is_not_aged(tmp_path: Path) -> None:
    """The cell is told why."""
    (tmp_path / "store.db").mkdir()
    cell = Cell("parallel", "sqlite-file", StressTestConfig())
    hosts: Hosts = None  # type: ignore[assignment]
    address = str(tmp_path / "store.db")
    stage = Stage(cell, FileSqlite(), address, hosts, time.monotonic, tmp_path, tmp_path)
    assert AGED.before is not None
    with (
        pytest.raises(RunError, match=r"could not be aged: .*Is a directory"),
        AGED.before(stage, read("aged:instances=100", AGED.all_settings)),
    ):
        pass


def until(true: Any) -> None:
    """Wait for something that must come to be."""
    deadline = time.monotonic() + LIVES_SECS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
