"""URLs of PostgreSQL: a user's is read and tried before anything starts, a cell's is an address.

No sentence here repeats a URL or a part of one that may belong to a password: where a URL is mistaken
nobody can say which part that is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from duroxide_stress.errors import UsageError, in_words

if TYPE_CHECKING:
    import psycopg

CONNECT_SECS = 10
APPLICATION = "duroxide-stress"
"""What our own sessions are called; the engine's bear the name of their cell's schema."""
EXTRA = 'pip install "duroxide-stress[postgres]"'

_SCHEMES = ("postgres", "postgresql")
_CARRIED = ("sslmode", "sslrootcert", "sslcert", "sslkey", "options")
"""Parameters of a user's URL that the engine's driver knows as well."""
_FAILED = re.compile(r"failed: (?!connection to )(.+)")


class Address(msgspec.Struct, frozen=True):
    """Where one cell's schema is. Holds the password: see `Provider.create`."""

    uri: str
    """For the engine's driver; its sessions bear the schema's name as `application_name`."""
    schema: str
    data: str = ""
    """The embedded server's data directory; empty for a user's server."""
    wal_start: str = ""
    """The server's WAL position when the schema had been made; empty where it does not say."""

    def encode(self) -> str:
        """The address as the text that processes hand on."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, text: str) -> Address:
        """The address that `encode` made. Raises msgspec.ValidationError for any other text."""
        return msgspec.json.decode(text, type=cls)


def connect(uri: str, timeout_secs: int = CONNECT_SECS) -> psycopg.Connection[Any]:
    """A session of our own in autocommit. Raises psycopg.Error; a timeout is of two seconds at least."""
    import psycopg

    return psycopg.connect(
        uri,
        autocommit=True,
        connect_timeout=timeout_secs,
        application_name=APPLICATION,
        prepare_threshold=None,
    )


def session_uri(database: psycopg.Connection[Any], schema: str, settings: Mapping[str, str]) -> str:
    """The URI by which the engine reaches what this connection reached, whatever led there (a
    password file, an environment variable), in words that its driver understands.

    `settings` are server settings of its sessions.
    """
    info = database.info
    given = info.get_parameters()
    options = [given[name] for name in ("options",) if name in given]
    options += [f"-c {name}={_escaped(value)}" for name, value in settings.items()]
    words = {name: given[name] for name in _CARRIED if name in given}
    if options:
        words["options"] = " ".join(options)
    # The driver refuses a URI without a host, and takes that of a socket from the parameter.
    socket = info.host.startswith("/")
    if socket:
        words["host"] = info.host
    host = "localhost" if socket else f"[{info.host}]" if ":" in info.host else info.host
    secret = f":{_quoted(info.password)}" if info.password else ""
    parameters = {**words, "application_name": schema}
    return (
        f"postgresql://{_quoted(info.user)}{secret}@{host}:{info.port}/{_quoted(info.dbname)}?"
        + "&".join(f"{name}={_quoted(value)}" for name, value in parameters.items())
    )


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _escaped(value: str) -> str:
    """A value within `options`, where a space ends a word."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def refuse_missing(*modules: str, server: bool) -> None:
    """Raise UsageError when one of these modules cannot be imported; `server` if one is at hand."""
    from importlib.util import find_spec

    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        other = "" if server else ", or name a server of yours in DUROXIDE_STRESS_POSTGRES_URL"
        raise UsageError(f"provider postgres needs {' and '.join(missing)}: {EXTRA}{other}")
    try:
        import psycopg  # noqa: F401 - without its binary part it is there and cannot be imported
    except ImportError as error:
        raise UsageError(
            f"provider postgres cannot use psycopg here ({in_words(error)}): {EXTRA}"
        ) from None


def refuse_malformed(url: str, origin: str) -> None:
    """Raise UsageError when `url`, which came from `origin`, is no URL of one PostgreSQL server."""
    right = "postgresql://user@host:port/database"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UsageError(f"{origin} cannot be read as {right}") from None
    if parts.scheme not in _SCHEMES:
        found = f"{parts.scheme}://" if "://" in url and parts.scheme else "no such beginning"
        raise UsageError(
            f"{origin} is not the URL of a PostgreSQL server: it must be of the form {right}, "
            f"found {found}"
        )
    encode = "write @ : / ? # % in a user's name or a password as %40 %3A %2F %3F %23 %25"
    if url.count("@") > parts.netloc.count("@") or parts.netloc.count("@") > 1:
        raise UsageError(f"{origin} has an @ too many: {encode}")
    hosts = parts.netloc.rpartition("@")[2]
    if "," in hosts:
        raise UsageError(f"{origin} names several servers: name one, as {right}")
    if parts.password is not None and re.search(r"%(?![0-9A-Fa-f]{2})", parts.password):
        raise UsageError(f"{origin} has a % that begins no code: {encode}")
    try:
        _ = parts.port
    except ValueError:
        raise UsageError(
            f"the port in {origin} is not a number from 0 to 65535 (or the password is not "
            f"percent-encoded: {encode})"
        ) from None


def try_url(url: str, origin: str) -> None:
    """Connect once, and see that the role can make a schema of its own there.

    Raises UsageError with what is in the way: server, port, password, database, rights.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        text = str(error).strip()
        why = f": {text}" if "query parameter" in text else ""
        raise UsageError(f"{origin} cannot be read by PostgreSQL's own library{why}") from None
    where = _where(given)
    try:
        with connect(url) as database:
            row = database.execute(
                "SELECT has_database_privilege(current_database(), 'CREATE'), "
                "current_setting('transaction_read_only') = 'on', current_user, current_database()"
            ).fetchone()
    except psycopg.Error as error:
        raise UsageError(_refused(given, where, origin, error)) from None
    assert row is not None
    may_create, read_only, role, name = row
    if read_only:
        raise UsageError(
            f"PostgreSQL at {where} ({origin}) is read-only, perhaps a standby: name one that "
            "schemas can be made on"
        )
    if not may_create:
        raise UsageError(
            f"role {role!r} may not create schemas in database {name!r} of PostgreSQL at {where} "
            f"({origin}): GRANT CREATE ON DATABASE {name} TO {role}"
        )


def _where(given: Mapping[str, Any]) -> str:
    """The server as a sentence names it."""
    host = given.get("host") or given.get("hostaddr") or os.environ.get("PGHOST") or "localhost"
    return f"{host}:{given.get('port') or os.environ.get('PGPORT') or 5432}"


def _refused(given: Mapping[str, Any], where: str, origin: str, error: Exception) -> str:
    """One sentence on a connection that did not come about."""
    text = str(error)
    words = (_FAILED.findall(text) or [text.splitlines()[0] if text else type(error).__name__])[-1]
    words = words.removeprefix("FATAL: ").strip()
    if "FATAL:" in text or "no password supplied" in text:
        user, database = (
            given.get("user", "(of this system)"),
            given.get("dbname", "(of that name)"),
        )
        return (
            f"PostgreSQL at {where} ({origin}) refuses user {user} on database {database}: {words}"
        )
    return f"PostgreSQL at {where} ({origin}) cannot be reached: {words}"
