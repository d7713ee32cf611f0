"""What a node is told when it starts, and what it tells while it works."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

import msgspec

from duroxide_stress.errors import StressError, UsageError, in_words
from duroxide_stress.load.progress import Progress
from duroxide_stress.plan import Cell
from duroxide_stress.recording.records import FIRST_NODE, DriverEnd
from duroxide_stress.redaction import redact

Role: TypeAlias = Literal["host", "driver", "embedded", "collector"]


class NodeSpec(msgspec.Struct, frozen=True):
    """One line on a node's standard input. May hold a password in `address`: never written."""

    role: Role
    cell: Cell
    directory: str
    address: str
    provider: bytes
    """The provider object, pickled."""
    scratch: str
    """A directory for files that end with the cell."""
    events_fd: int
    hints_fd: int | None
    node: str = FIRST_NODE
    """For a host: the name of this life of it."""
    released: bool = False
    """For a host: whether it brings the workload's newer release."""
    anchor_ns: int | None = None
    """For a host whose wall clock may be made wrong: what the true one is ahead of the monotonic, which
    is one for the machine."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The engine serves its programs."""


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """A host's sign of life."""


class Told(msgspec.Struct, frozen=True, tag="progress"):
    """The driver's progress."""

    progress: Progress


class Driven(msgspec.Struct, frozen=True, tag="driven"):
    """The load is over (or was aborted)."""

    finished: bool
    end: DriverEnd


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The node has done all it was started for and is about to exit."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The node cannot go on; one sentence fit to be shown."""

    error: str
    unrecorded: bool = False
    """Whether it is the recording that failed, so that what is there proves nothing."""
    refused: bool = False
    """Whether it is what the user gave that cannot be run."""

    @classmethod
    def by(cls, error: Exception) -> Failed:
        """What ended a node: a sentence of ours as it is, anything else with its kind."""
        if not isinstance(error, StressError):
            return cls(in_words(error))
        return cls(redact(str(error)), refused=isinstance(error, UsageError))


Message: TypeAlias = Ready | Alive | Told | Driven | Done | Failed


class Control(Protocol):
    """A node's line to its supervisor."""

    def tell(self, message: Message) -> None:
        """Send one message."""
        ...

    def aborted(self) -> bool:
        """Whether the supervisor wants the load to end now."""
        ...

    def calm(self) -> bool:
        """Whether every fault is over and healed."""
        ...

    def wait_for_stop(self) -> None:
        """Block until the supervisor wants the node to end."""
        ...
