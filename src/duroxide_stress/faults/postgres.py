"""Faults of a PostgreSQL server: restarted, its sessions ended, its slots taken, made read-only.

What strikes every user of a server or of a database is done to an embedded server only. Several may be
at work at once, so each waits for a server that another one has just sent away.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar, cast

from duroxide_stress.errors import RunError
from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.settings import Setting, Spec
from duroxide_stress.providers.postgres_server import end_sessions, open_database, restart
from duroxide_stress.providers.postgres_url import Address, connect

T = TypeVar("T")
POSTGRES = ("postgres",)
HOLD_SECS = 0.05
"""How often slots that became free are taken again."""
SPARE_SLOTS = 20
"""Beside ten for each process of the engine: ours, and those the server reserves."""
PATIENCE_SECS, PAUSE_SECS = 30.0, 0.2
"""How long a server that does not answer is asked again, and how often."""


def _restart(stage: Stage, injection: Injection) -> Play[None]:
    data = _own_server(stage)
    mode = cast("Literal['fast', 'immediate']", injection.spec.values["mode"])
    how = "stopped in order" if mode == "fast" else "killed"
    stage.began(f"the server is {how} and started again ({mode})")
    yield from stage.aside(lambda: restart(data, mode))


def _terminate(stage: Stage, injection: Injection) -> Play[str]:
    stage.began("every session of the engine and its clients is terminated")
    ended = yield from stage.aside(lambda: patiently(lambda: _end_all(stage.address)))
    return f"{ended} sessions were terminated"


def _end_all(address: str) -> int:
    with open_database(address) as (database, schema):
        return end_sessions(database, schema)


def _exhaust(stage: Stage, injection: Injection) -> Play[str]:
    """The engine's sessions are ended one round after another, and we are there first."""
    _own_server(stage)
    secs = injection.spec.secs("for") or 0
    uri, held = Address.read(stage.address).uri, list[Any]()

    def take() -> None:
        """End the engine's sessions and take what is free, until the server says no."""
        with contextlib.suppress(_operational()):
            if held:
                end_sessions(held[0], Address.read(stage.address).schema)
            while True:
                held.append(connect(uri, timeout_secs=2))

    try:
        stage.began(f"every slot of the server is taken for {secs:g} s")
        until = stage.now_secs() + secs
        while stage.now_secs() < until:
            held = [session for session in held if not session.closed]
            yield from stage.aside(take)
            yield from stage.wait(HOLD_SECS)
        return f"{len(held)} slots were held at the end"
    finally:
        for session in held:
            session.close()


def _read_only(stage: Stage, injection: Injection) -> Play[None]:
    """As when a primary is demoted: sessions are ended, and those that follow cannot write."""
    _own_server(stage)
    secs = injection.spec.secs("for") or 0

    def make(value: str) -> None:
        with open_database(stage.address) as (database, schema):
            database.execute("SET default_transaction_read_only = off")
            name = database.info.dbname
            database.execute(
                f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}'.encode()
            )
            end_sessions(database, schema)

    healed = False
    try:
        stage.began(f"the database is read-only for {secs:g} s")
        yield from stage.aside(lambda: patiently(lambda: make("on")))
        yield from stage.wait(secs)
        yield from stage.aside(lambda: patiently(lambda: make("off")))
        healed = True
    finally:
        if not healed:
            patiently(lambda: make("off"))


def patiently(action: Callable[[], T]) -> T:
    """Do it, and again while the server does not answer. Raises RunError when it never does."""
    until = time.monotonic() + PATIENCE_SECS
    while True:
        try:
            return action()
        except _operational() as error:
            if time.monotonic() > until:
                raise RunError(
                    f"the server has not answered for {PATIENCE_SECS:g} s: {error}"
                ) from error
            time.sleep(PAUSE_SECS)


def _operational() -> type[Exception]:
    from psycopg import OperationalError

    return OperationalError


def _own_server(stage: Stage) -> str:
    data = Address.read(stage.address).data
    if not data:
        raise SkippedError("the server is not ours: this is done to an embedded one only")
    return data


@contextlib.contextmanager
def _few_slots(stage: Stage, spec: Spec) -> Iterator[None]:
    """The server has as many slots as this cell can need, so that taking all of them is quick."""
    data = Address.read(stage.address).data
    if data:
        slots = 10 * (stage.cell.config.nodes + 2) + SPARE_SLOTS
        with open_database(stage.address) as (database, _):
            database.execute(f"ALTER SYSTEM SET max_connections = {slots}".encode())
        restart(data, "fast")
    yield


_FOR = Setting("for", "duration", "how long", 3.0, 0.1, 3_600)

RESTART = Fault(
    "postgres-restart",
    "the embedded server is restarted: fast (in order) or immediate (as after a crash).",
    _restart,
    (Setting("mode", "word", "how it is stopped", "fast", words=("fast", "immediate")),),
    stores=POSTGRES,
    own_server=True,
    refuses=True,
)
TERMINATE = Fault(
    "backends-terminated",
    "every session of the engine and its clients is terminated by the server.",
    _terminate,
    stores=POSTGRES,
    refuses=True,
)
EXHAUST = Fault(
    "connections-exhausted",
    "every slot of the embedded server is taken, and the engine's sessions are ended.",
    _exhaust,
    (_FOR,),
    stores=POSTGRES,
    before=_few_slots,
    own_server=True,
    refuses=True,
)
READ_ONLY = Fault(
    "read-only",
    "the embedded server's database refuses to write, as after a demotion.",
    _read_only,
    (_FOR,),
    stores=POSTGRES,
    own_server=True,
    refuses=True,
)
