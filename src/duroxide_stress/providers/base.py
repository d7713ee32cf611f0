"""The contract of a provider. Seven names are enough to put a store under every test we have.

A provider is made afresh in each process of a run (driver, engine host, audit), so it holds no
connection of its own: `create` makes an empty store and returns its address, `connect` opens that
address, `destroy` removes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

RowState: TypeAlias = Literal["", "unserved", "locked", "lock expired"]


class StoreProblem(msgspec.Struct, frozen=True):
    """One thing found wrong with a store at rest."""

    what: str
    """The question that failed, for example `integrity_check`."""
    detail: str
    """The store's own words, or the row that is left over."""
    instance: str | None = None
    state: RowState = ""
    """Of a row left in a queue, or of a lock."""
    attempts: int = 0
    """How often a message left in a queue had been taken out of it."""
    since_ms: int = 0
    """Of a message left in a queue: from when on it could be taken, in ms since the epoch."""


class StoreAudit(msgspec.Struct, frozen=True):
    """What a provider found when it looked at its store at rest, without the engine."""

    asked: tuple[str, ...]
    """The questions that were put to the store and answered."""
    problems: tuple[StoreProblem, ...] = ()
    facts: dict[str, int | float | str] = {}
    """Figures for the record: sizes in bytes, rows per table, modes."""


@runtime_checkable
class Provider(Protocol):
    """An engine on a store. Optional methods: `audit(address) -> StoreAudit` and
    `size_bytes(address) -> int`; a provider without them is asked neither."""

    @property
    def name(self) -> str:
        """A word for directories and JSON, for example `sqlite-file`."""
        ...

    @property
    def label(self) -> str:
        """The words in the table, for example `File SQLite`."""
        ...

    @property
    def engine(self) -> str:
        """Which engine interprets programs on it: a name in the engine registry."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes can open the same store. If not, the cell runs embedded."""
        ...

    def create(self, directory: Path) -> str:
        """Make an empty store for one cell; files go below `directory`. Returns its address.

        The address may hold a password: it is handed to child processes over a pipe and written
        nowhere.
        """
        ...

    def connect(self, address: str) -> Any:
        """Open the store: for the Duroxide engine, return the SDK's own provider object."""
        ...

    def destroy(self, address: str) -> None:
        """Remove the store. Called once, after everything has closed it."""
        ...


def audit_store(provider: Provider, address: str) -> StoreAudit | None:
    """The provider's audit of its store at rest; None when it offers none."""
    audit = getattr(provider, "audit", None)
    return None if audit is None else audit(address)


def store_size_bytes(provider: Provider, address: str) -> int | None:
    """Bytes the store occupies now; None when the provider cannot say.

    A provider that fails at it cannot say: a figure for the record is not worth a cell.
    """
    size = getattr(provider, "size_bytes", None)
    try:
        return None if size is None else int(size(address))
    except Exception:  # noqa: BLE001 - a provider may raise anything
        return None
