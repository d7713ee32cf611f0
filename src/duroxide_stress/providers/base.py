"""The contract of a provider. Seven names are enough to put a store under every test we have.

A provider is made afresh in each process of a run (driver, engine host, audit), so it holds no
connection of its own: `create` makes an empty store and returns its address, `connect` opens that
address, `destroy` removes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec

from duroxide_stress.errors import UsageError, in_words

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
    """An engine on a store. Optional methods; a provider is not asked for those it has not:

    - `prepare() -> None`: called once before anything is written; raises UsageError with one sentence
      when no cell could run (a server that is away, a module that is missing).
    - `audit(address) -> StoreAudit`: questions put to the store at rest.
    - `size_bytes(address) -> int | None`, `connections(address) -> int | None`: what the store occupies,
      and how many sessions of the engine its server holds open. Asked once a second by the process
      that watches over the cell, so they must be cheap and answer within a second, also when the
      store is gone: None says that there is no figure.
    - `server_pid(address) -> int | None`: the process of a server that the provider itself started for
      the cell; what it and its children compute is then the store's, and not foreign to the run.
    - `cache_bytes: int`: how much reads of the store may leave in the memory of a process that has it
      open (the page caches of all its connections, and what the allocator keeps of them); up to this a
      leak cannot be told. 0 without it.
    - `keep(address) -> str`: called in place of `destroy` when the user wants to keep the store; says
      where it is. Without it the store is said to be in the directory that `create` was given.
    """

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


class StoreFigures(NamedTuple):
    """A look at a store in use; None for what its provider cannot say."""

    bytes: int | None = None
    connections: int | None = None
    """Sessions that its server holds open for the engine."""
    server_pid: int | None = None


def store_figures(provider: Provider, address: str) -> StoreFigures:
    """What the provider says of its store now."""
    methods = ("size_bytes", "connections", "server_pid")
    return StoreFigures(*(_figure(provider, method, address) for method in methods))


def _figure(provider: Provider, method: str, address: str) -> int | None:
    """A provider that fails at it cannot say: a figure for the record is not worth a cell."""
    ask = getattr(provider, method, None)
    try:
        found = None if ask is None else ask(address)
        return None if found is None else int(found)
    except Exception:  # noqa: BLE001 - a provider may raise anything
        return None


def cache_bytes_of(provider: Provider) -> int:
    """What reads of the store may leave in a host's memory; 0 when the provider does not say.

    Raises UsageError when it says something else than a number of bytes.
    """
    try:
        found = getattr(provider, "cache_bytes", 0)
    except Exception as error:
        raise UsageError(
            f"provider {provider.name} cannot say its cache_bytes: {in_words(error)}"
        ) from error
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise UsageError(
            f"provider {provider.name} has cache_bytes {found!r}; it must be bytes, 0 or more"
        )
    return found


def prepare_provider(provider: Provider) -> None:
    """Let the provider see that cells can run on it. Raises UsageError when they cannot."""
    prepare = getattr(provider, "prepare", None)
    try:
        if prepare is not None:
            prepare()
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"provider {provider.name} could not be prepared: {in_words(error)}"
        ) from error


def keep_store_of(provider: Provider, address: str) -> str | None:
    """Have the store kept. Where it is, if the provider says."""
    keep = getattr(provider, "keep", None)
    return None if keep is None else keep(address)
