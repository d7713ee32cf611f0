"""Another tenant of the store's database: small transactions in loops, in a process of its own.

`python -m duroxide_stress.faults.tenant` works from its order until standard input ends, then removes
everything it has made. With an order for no sessions it only removes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, LiteralString, Protocol

import msgspec

from duroxide_stress.errors import in_words
from duroxide_stress.faults.aide import orders

APPLICATION = "duroxide-stress-tenant"
TABLE = "stress_tenant"
"""In a store that is a file; on a server it has a schema of its own, named after the cell's."""
ROWS, ROW_BYTES = 4, 1024
KEPT = 25
"""So many transactions long a row is there: what the tenant holds does not grow with time."""
SESSION_IDS = 10**12
"""Each session has rows of its own, so that they do not wait for each other's."""
BUSY_SECS = 5.0
AGAIN_SECS = 0.1
"""So soon a session comes back that the store has refused."""
BEGIN_SECS, CLEAR_SECS = 20.0, 20.0
"""How long beginning and removing are tried: the store may be locked, or its server away."""
LEAVE_SECS = CLEAR_SECS + 2 * BUSY_SECS
"""How long it may take from the end of its input to its own end."""


class Order(msgspec.Struct, frozen=True):
    """What to do: `sessions` of 0 only remove what a tenant that died has left."""

    store: str
    """A provider's name."""
    address: str
    sessions: int
    pause_secs: float = 0.0
    """What a session waits after each of its transactions."""


class Begun(msgspec.Struct, frozen=True):
    """Said when the tenant's tables are there and its sessions begin."""

    where: str


class Left(msgspec.Struct, frozen=True):
    """Said when it has ended and removed everything."""

    committed: int
    refused: int
    """Transactions that the store did not let it begin or finish."""


class Home(Protocol):
    """Where the tenant lives."""

    where: str
    refusals: tuple[type[Exception], ...]

    def open(self) -> Any:
        """A session."""
        ...

    def make(self) -> None:
        """Its tables, on which nobody else works."""
        ...

    def turn(self, session: Any, first: int) -> None:
        """One transaction, whose new rows begin with this id."""
        ...

    def clear(self) -> None:
        """Remove everything it has made."""
        ...


def statements(table: LiteralString, mark: LiteralString) -> tuple[LiteralString, ...]:
    """Insert, update, select, delete; each of `ROWS` rows."""
    among: LiteralString = f" WHERE id BETWEEN {mark} AND {mark}"
    return (
        f"INSERT INTO {table} (id, body) VALUES " + ", ".join([f"({mark}, {mark})"] * ROWS),
        f"UPDATE {table} SET body = {mark}" + among,
        f"SELECT id, body FROM {table}" + among,
        f"DELETE FROM {table}" + among,
    )


def values(first: int) -> tuple[Sequence[Any], ...]:
    """What goes with them: a transaction inserts its rows, changes those of the one before, reads what
    it wrote and deletes its oldest."""
    body = f"{first} ".ljust(ROW_BYTES, "x")
    oldest = first - KEPT * ROWS
    return (
        [value for number in range(ROWS) for value in (first + number, body)],
        (body, first - ROWS, first - 1),
        (first, first + ROWS - 1),
        (oldest, oldest + ROWS - 1),
    )


class InFile:
    """A table in the store's own file."""

    refusals: tuple[type[Exception], ...] = (sqlite3.Error,)
    turns: ClassVar = statements("stress_tenant", "?")

    def __init__(self, address: str) -> None:
        self._uri = f"{Path(address).absolute().as_uri()}?mode=rw"
        self.where = f"in table {TABLE} of the store's file"

    def open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._uri, uri=True, timeout=BUSY_SECS, isolation_level=None)

    def make(self) -> None:
        self._alone(f"CREATE TABLE IF NOT EXISTS {TABLE} (id INTEGER PRIMARY KEY, body TEXT)")

    def turn(self, session: sqlite3.Connection, first: int) -> None:
        session.execute("BEGIN IMMEDIATE")
        for statement, given in zip(self.turns, values(first), strict=True):
            session.execute(statement, given).fetchall()
        session.execute("COMMIT")

    def clear(self) -> None:
        self._alone(f"DROP TABLE IF EXISTS {TABLE}")

    def _alone(self, statement: str) -> None:
        with contextlib.closing(self.open()) as db:
            db.execute(statement)


class OnServer:
    """A schema of its own in the database of the cell's schema."""

    turns: ClassVar = statements("work", "%s")

    def __init__(self, address: str) -> None:
        import psycopg

        from duroxide_stress.providers.postgres_url import Address

        self._psycopg, at = psycopg, Address.read(address)
        self._uri, self._schema = at.uri, f"{at.schema}_tenant"
        self.refusals: tuple[type[Exception], ...] = (psycopg.Error,)
        self.where = f"in schema {self._schema} of the same database"

    def open(self) -> Any:
        from psycopg.sql import SQL, Identifier

        session = self._psycopg.connect(
            self._uri, autocommit=True, connect_timeout=5, application_name=APPLICATION
        )
        session.execute("SET lock_timeout = '5s'")
        session.execute(SQL("SET search_path = {}").format(Identifier(self._schema)))
        return session

    def make(self) -> None:
        self._alone("CREATE SCHEMA IF NOT EXISTS {}")
        self._alone("CREATE TABLE IF NOT EXISTS {}.work (id bigint PRIMARY KEY, body text)")

    def turn(self, session: Any, first: int) -> None:
        with session.transaction():
            for statement, given in zip(self.turns, values(first), strict=True):
                session.execute(statement, given)

    def clear(self) -> None:
        self._alone("DROP SCHEMA IF EXISTS {} CASCADE")

    def _alone(self, statement: LiteralString) -> None:
        from psycopg.sql import SQL, Identifier

        with self.open() as session:
            session.execute(SQL(statement).format(Identifier(self._schema)))


def home_of(order: Order) -> Home:
    """Where the tenant of this order lives."""
    return OnServer(order.address) if order.store == "postgres" else InFile(order.address)


class Tenant:
    """Sessions that work until they are told to leave."""

    def __init__(self, home: Home, order: Order, leave: threading.Event) -> None:
        self._home, self._pause_secs, self._leave = home, order.pause_secs, leave
        self.committed, self.refused = [0] * order.sessions, [0] * order.sessions

    def work(self, number: int) -> None:
        """One session: transaction after transaction. One that the store refuses it opens anew."""
        first = number * SESSION_IDS
        while not self._leave.is_set():
            try:
                with contextlib.closing(self._home.open()) as session:
                    while not self._leave.is_set():
                        first += ROWS
                        self._home.turn(session, first)
                        self.committed[number] += 1
                        if self._pause_secs:
                            self._leave.wait(self._pause_secs)
            except self._home.refusals:
                self.refused[number] += 1
                self._leave.wait(AGAIN_SECS)

    def live(self) -> None:
        """All sessions, until they have left."""
        threads = [
            threading.Thread(target=self.work, args=(number,), daemon=True)
            for number in range(len(self.committed))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def insist(
    home: Home, action: Callable[[], None], secs: float, enough: Callable[[], bool] = lambda: False
) -> None:
    """Do it again while the store refuses, for so long or until it is `enough`; then raise."""
    deadline = time.monotonic() + secs
    while True:
        try:
            action()
        except home.refusals:
            if enough() or time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_SECS)
        else:
            return


def main() -> int:
    """Exit code 0 when nothing of it is left."""

    def released() -> None:
        leave.set()
        last = threading.Timer(LEAVE_SECS, os._exit, (1,))  # also when a server stands still
        last.daemon = True
        last.start()

    leave = threading.Event()
    order, speak = orders(Order, released)
    home = home_of(order)
    tenant = Tenant(home, order, leave)
    try:
        if order.sessions:
            insist(home, home.make, BEGIN_SECS, leave.is_set)
            speak(Begun(home.where))
            tenant.live()
        insist(home, home.clear, CLEAR_SECS)
    except home.refusals as error:
        print(in_words(error), file=sys.stderr)  # noqa: T201 - the log
        return 1
    speak(Left(sum(tenant.committed), sum(tenant.refused)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
