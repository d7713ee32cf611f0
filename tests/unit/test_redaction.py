"""Passwords of database URLs stay out of whatever is written or shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from duroxide_stress import redaction
from duroxide_stress.errors import in_words
from duroxide_stress.recording.records import Acted
from duroxide_stress.recording.store import write_json
from duroxide_stress.recording.writer import DirectWriter, LineWriter

URL = "postgres://user:s3cr%40t-pw@localhost/x"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins without a protected password and leaves none behind."""
    monkeypatch.setattr(redaction, "_known", {})
    yield


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (URL, "postgres://user:***@localhost/x"),
        (
            "cannot reach mysql+x://a:b@h, tried twice",
            "cannot reach mysql+x://a:***@h, tried twice",
        ),
        ("http://plain.example/x", "http://plain.example/x"),
        ("at 12:30 user@example.org wrote", "at 12:30 user@example.org wrote"),
        ("postgres://user@localhost/x", "postgres://user@localhost/x"),
    ],
)
def test_any_url_loses_its_password_and_nothing_else(text: str, shown: str) -> None:
    """Also a URL nobody protected, as in the error of a provider that could not make its store."""
    assert redaction.redact(text) == shown
    assert in_words(ValueError(text)) == f"ValueError: {shown}"


def test_a_protected_password_is_found_alone_and_decoded() -> None:
    """A driver may tell the password without its URL, percent-decoded."""
    redaction.protect(URL)
    assert redaction.redact("bad password s3cr@t-pw for user") == "bad password *** for user"
    assert redaction.redact_bytes(b'{"error":"s3cr%40t-pw"}') == b'{"error":"***"}'


def test_a_short_password_does_not_blank_ordinary_words() -> None:
    """`x` as a password must not turn every x into stars."""
    redaction.protect("postgres://user:x@localhost/db")
    assert redaction.redact("an example: postgres://user:x@localhost/db") == (
        "an example: postgres://user:***@localhost/db"
    )


def test_a_password_that_is_a_word_does_not_blank_the_names_of_things() -> None:
    """`postgres:postgres@` is the commonest URL of all, and `postgres` names providers and cells."""
    redaction.protect("postgres://postgres:postgres@localhost/db")
    assert redaction.redact_bytes(b'{"provider":"postgres"}') == b'{"provider":"postgres"}'
    assert redaction.redact("at postgres://postgres:postgres@localhost/db") == (
        "at postgres://postgres:***@localhost/db"
    )


@pytest.mark.parametrize("address", [":memory:", "/tmp/store.db", "http://[bad", "a://b@c"])
def test_addresses_without_a_password_protect_nothing(address: str) -> None:
    """Most stores have none, and some addresses are no URLs."""
    redaction.protect(address)
    assert redaction.redact(f"opened {address}") == f"opened {address}"


def test_every_writer_leaves_it_out(tmp_path: Path) -> None:
    """Buffered lines, direct lines and documents pass the same gate."""
    redaction.protect(URL)
    record = Acted(1, 0, 2, 3, error=f"cannot reach {URL}")
    with LineWriter(tmp_path / "lines") as lines:
        lines.write(record)
    direct = DirectWriter(tmp_path / "direct")
    direct.write(record)
    direct.close()
    write_json(tmp_path / "document", {"error": record.error})
    (tmp_path / "log").write_text(f"{URL}\nrest\n")
    redaction.redact_file(tmp_path / "log")
    for name in ("lines", "direct", "document", "log"):
        text = (tmp_path / name).read_text()
        assert "s3cr" not in text
        assert "***" in text
