"""What orchestration code yields, as typed values: the SDK's task objects, read as strictly as the
engine reads them."""

from __future__ import annotations

import json
from typing import TypeAlias

import msgspec

_FIRST_PAUSE_MS, _LONGEST_PAUSE_MS, _FIXED_PAUSE_MS = 100, 30_000, 1_000


class _Task(msgspec.Struct, frozen=True, tag_field="type", rename="camel"):
    pass


class Retry(msgspec.Struct, frozen=True, rename="camel"):
    """A retry policy. Durations are whole milliseconds."""

    max_attempts: int
    timeout_ms: int | None = None
    total_timeout_ms: int | None = None
    backoff: str | None = None

    @property
    def deadline_ms(self) -> int | None:
        """How long an attempt may take. The engine takes a total timeout for that of an attempt,
        also where there is one of both."""
        return self.timeout_ms if self.total_timeout_ms is None else self.total_timeout_ms

    def pause_ms(self, attempt: int) -> int:
        """The pause after this failed attempt, counted from 1."""
        match self.backoff:
            case None | "exponential":
                return min(_FIRST_PAUSE_MS << min(attempt - 1, 20), _LONGEST_PAUSE_MS)
            case "fixed":
                return _FIXED_PAUSE_MS
            case _:
                return min(_FIRST_PAUSE_MS * attempt, _LONGEST_PAUSE_MS)


class Activity(_Task, frozen=True, tag="activity"):
    """One activity. `input` is JSON text here and below."""

    name: str
    input: str


class ActivityOnSession(Activity, frozen=True, tag="activityWithSession"):
    """One activity, bound to a session."""

    session_id: str


class Retried(_Task, frozen=True, tag="activityWithRetry"):
    """An activity that is tried again when it fails."""

    name: str
    input: str
    retry: Retry


class RetriedOnSession(Retried, frozen=True, tag="activityWithRetryOnSession"):
    """The same, bound to a session."""

    session_id: str


class Timer(_Task, frozen=True, tag="timer"):
    """A durable timer."""

    delay_ms: int


class WaitEvent(_Task, frozen=True, tag="waitEvent"):
    """The next positional event of a name."""

    name: str


class DequeueEvent(_Task, frozen=True, tag="dequeueEvent"):
    """The next message of a queue."""

    queue_name: str


class Child(_Task, frozen=True, tag="subOrchestration"):
    """A sub-orchestration whose id the engine makes."""

    name: str
    input: str


class ChildVersioned(Child, frozen=True, tag="subOrchestrationVersioned"):
    """The same, of a certain version."""

    version: str | None = None


class ChildWithId(_Task, frozen=True, tag="subOrchestrationWithId"):
    """A sub-orchestration with an id of the user's."""

    name: str
    instance_id: str
    input: str


class ChildVersionedWithId(ChildWithId, frozen=True, tag="subOrchestrationVersionedWithId"):
    """The same, of a certain version."""

    version: str | None = None


class Detached(_Task, frozen=True, tag="orchestration"):
    """An orchestration that is started and not waited for."""

    name: str
    instance_id: str
    input: str


class DetachedVersioned(Detached, frozen=True, tag="orchestrationVersioned"):
    """The same, of a certain version."""

    version: str | None = None


class NewGuid(_Task, frozen=True, tag="newGuid"):
    """A GUID, recorded once."""


class UtcNow(_Task, frozen=True, tag="utcNow"):
    """The time in milliseconds, recorded once."""


class ContinueAsNew(_Task, frozen=True, tag="continueAsNew"):
    """The end of this execution, and the input of the next."""

    input: str


class ContinueAsNewVersioned(ContinueAsNew, frozen=True, tag="continueAsNewVersioned"):
    """The same, with a version for the next execution."""

    version: str | None = None


class Join(_Task, frozen=True, tag="join"):
    """All of these."""

    tasks: list[Task]


class Select(_Task, frozen=True, tag="select"):
    """The first of these two."""

    tasks: list[Task]


Task: TypeAlias = (
    Activity | ActivityOnSession | Retried | RetriedOnSession | Timer | WaitEvent | DequeueEvent
    | Child | ChildVersioned | ChildWithId | ChildVersionedWithId | Detached | DetachedVersioned
    | NewGuid | UtcNow | ContinueAsNew | ContinueAsNewVersioned | Join | Select
)  # fmt: skip

REFUSED = "Invalid generator step result"
"""What the engine's words begin with when it cannot read what was yielded."""


class RefusedTaskError(Exception):
    """The engine would fail the orchestration for what it yielded."""


def read_task(yielded: object) -> Task:
    """What was yielded, through JSON as on its way to the engine.

    Raises RefusedTaskError where the engine refuses it, and what json.dumps raises.
    """
    text = json.dumps(yielded)
    try:
        return _TASKS.decode(text)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise RefusedTaskError(f"{REFUSED}: {error}") from error


_TASKS: msgspec.json.Decoder[Task] = msgspec.json.Decoder(Task)
