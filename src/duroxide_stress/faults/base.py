"""The contract of a fault: a play on the stage that a cell is.

A play is a generator that is advanced often and never blocks: every `yield` means "not over yet". It
says when the fault has begun; when the play ends, or is closed in the middle, the fault is healed, for
what must be undone stands in its `finally`. So a fault that is cut off by Ctrl-C is healed too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import msgspec

from duroxide_stress.errors import RunError
from duroxide_stress.faults.settings import TIMES, Setting, Spec
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.providers.base import Provider

if TYPE_CHECKING:
    from duroxide_stress.faults.network import Network

T = TypeVar("T")
Play: TypeAlias = Generator[None, None, T]

HOST_SECS = 60.0
"""How long a host may take to come up, or to leave, before the cell is an error."""


class SkippedError(Exception):
    """This injection cannot be done now; the text says why."""


class Began(Protocol):
    """Told by the play at work what exactly it is about to do, before the first harm is done."""

    def __call__(self, detail: str, *, skew_ms: int = 0) -> None:
        """`skew_ms` is by how much a clock will be wrong at most."""
        ...


def _unheard(detail: str, *, skew_ms: int = 0) -> None: ...


class Hosts(Protocol):
    """The processes that serve a cell, by the names `host-0`, `host-1` ..."""

    def serving(self, host: str) -> bool:
        """Whether it is up, not paused and not told to stop."""
        ...

    def life(self, host: str) -> str:
        """The name of its present (or last) process."""
        ...

    def pid(self, host: str) -> int:
        """The process id of its present (or last) process."""
        ...

    def kill(self, host: str) -> None:
        """End its process as a crash would, with all that it has started."""
        ...

    def doom(self, host: str, by_itself: Callable[[], bool] = lambda: True) -> None:
        """Expect, once, that its process kills itself: its death by SIGKILL is then `killed` by a
        fault, if `by_itself` says so. May be called before there is such a host."""
        ...

    def pause(self, host: str) -> None:
        """Let its process stand still."""
        ...

    def resume(self, host: str) -> None:
        """Let its process go on."""
        ...

    def stop(self, host: str) -> None:
        """Tell it to shut down gracefully; returns at once."""
        ...

    def gone(self, host: str) -> bool:
        """Whether it has no process."""
        ...

    def start(self, host: str) -> None:
        """Begin its next life; returns at once."""
        ...


class Stage:
    """What a fault may touch, and how it waits."""

    def __init__(
        self,
        cell: Cell,
        provider: Provider,
        address: str,
        hosts: Hosts,
        now_secs: Callable[[], float],
        scratch: Path,
        directory: Path,
    ) -> None:
        self.cell, self.provider, self.address, self.hosts = cell, provider, address, hosts
        self.now_secs = now_secs
        self.scratch = scratch
        """A directory for files of the fault's own; it ends with the cell."""
        self.directory = directory
        """Where the cell is being recorded."""
        self.host_address = address
        """The store as the hosts reach it."""
        self.host_environment: dict[str, dict[str, str]] = {}
        """Host → what its environment has beside ours."""
        self.false_clocks = False
        """Whether the wall clocks of hosts may be made wrong."""
        self.aged = ""
        """What was put into the store before the first host started."""
        self.network: Network | None = None
        """Between the hosts and the store, where a proxy stands."""
        self.began: Began = _unheard
        self.interrupted: Callable[[], bool] = lambda: False
        """Whether the user wants the run to end: for what takes long before the hosts start."""

    def wait(self, secs: float) -> Play[None]:
        """Let so many seconds pass."""
        until = self.now_secs() + secs
        while self.now_secs() < until:
            yield

    def until(self, true: Callable[[], bool], what: str, secs: float = HOST_SECS) -> Play[None]:
        """Wait for something that must come to be. Raises RunError when it does not."""
        end = self.now_secs() + secs
        while not true():
            if self.now_secs() > end:
                raise RunError(f"{what} took longer than {secs:g} s")
            yield

    def aside(self, action: Callable[[], T]) -> Play[T]:
        """Do something that blocks in a thread of its own, and give what it returns or raises."""
        done: list[T] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                done.append(action())
            except BaseException as error:  # noqa: BLE001 - raised again in the play
                failed.append(error)

        thread = threading.Thread(target=work, name="fault", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                yield
        finally:
            # Also of a play that is closed: what it has begun must be over before it is undone.
            thread.join(HOST_SECS)
        if failed:
            raise failed[0]
        return done[0]


class Injection(msgspec.Struct, frozen=True):
    """One fault at its time: drawn before the cell begins, a pure function of the plan."""

    number: int
    spec: Spec
    due_ms: int
    """Since the measuring window opened."""
    target: str
    draw: int
    """Seeds what else the fault draws."""


class Fault(msgspec.Struct, frozen=True):
    """One way to break something."""

    name: str
    summary: str
    play: Callable[[Stage, Injection], Play[str | None]]
    """What it returns is told when it has ended."""
    settings: tuple[Setting, ...] = ()
    target: str = "store"
    """`host`: one of the hosts is drawn. Anything else is the word for what it hits."""
    stores: tuple[str, ...] = ()
    """The providers whose stores it can break; empty: any that processes share."""
    before: Callable[[Stage, Spec], AbstractContextManager[Any]] | None = None
    """What it needs while the hosts live, set up before they start."""
    unavailable: Callable[[], str] = lambda: ""
    """Why this machine cannot do it; empty when it can."""
    clash: Callable[[Spec, StressTestConfig], str] = lambda spec, config: ""
    """What is wrong with its settings together, or with the configuration under it."""
    at_once: Callable[[Spec], bool] = lambda spec: False
    """Whether it lasts from the window's opening, unless `at` or `every` says otherwise."""
    whole: bool = False
    """Whether it is there before the load begins, so that it has no time of its own."""
    with_load: bool = False
    """Of one that is there before the load: whether its play begins with the load, so that it is at
    work during the warm-up too, and not with the window."""
    own_server: bool = False
    """Whether it is done to a server of ours only, since it strikes all who use it."""
    refuses: bool = False
    """Whether clients' calls may be refused while it lasts, so that none is held against the engine."""
    harmless: bool = False
    """Whether it delays nothing that the engine does."""
    virtual: bool = False
    """Whether the reference engine can be struck by it too."""

    @property
    def all_settings(self) -> tuple[Setting, ...]:
        """Those of its own, and those about its time."""
        return self.settings if self.whole else (*self.settings, *TIMES)
