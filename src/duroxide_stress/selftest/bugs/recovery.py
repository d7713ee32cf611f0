"""Locks that go wrong when their holder is killed or stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duroxide_stress.engines.base import EffectSink
from duroxide_stress.engines.reference.hosts import Hosts, Life, Lock
from duroxide_stress.engines.reference.instance import Done, Instance
from duroxide_stress.engines.reference.workers import Job, Workers
from duroxide_stress.program import perform
from duroxide_stress.selftest.planted import HOSTS, Bug, Planted
from duroxide_stress.selftest.struck import Strike


class Credulous(Workers):
    """Take an answer from whoever gives it."""

    def _end(self, job: Job, life: Life, lock: Lock, run: int) -> None:
        late = not lock.held
        super()._end(job, life, lock, run)
        if late:
            self._send(job.instance, Done(job.scheduled, "ActivityCompleted", perform(job.given)))


class LateAnswerTaken(Planted):
    """The answer of a host that has lost its lock is booked beside that of the one that has it."""

    crew = Credulous

    def _complete_leaf(self, instance: Instance, done: Done) -> None:
        if done.kind == "ActivityCompleted" and done.source not in instance.open:
            self._append(instance, done.kind, done.source, done.result)
        super()._complete_leaf(instance, done)


class LateTurnTaken(Planted):
    """A host that has lost its lock commits its turn, over that of the one that took it over."""

    def __init__(self) -> None:
        super().__init__()
        self._taken_over: dict[str, tuple[int, int | None]] = {}
        """Instance → where the turn that was taken over began in its history, and where it ended."""

    def _put_back(self, instance: Instance) -> None:
        self._taken_over[instance.name] = (len(instance.history), None)
        super()._put_back(instance)

    def _turn(self, instance: Instance) -> None:
        super()._turn(instance)
        begin, end = self._taken_over.get(instance.name, (0, 0))
        if end is None:
            self._taken_over[instance.name] = (begin, len(instance.history))

    def _end_turn(self, instance: Instance, life: Life, lock: Lock) -> None:
        if not lock.held:
            begin, end = self._taken_over[instance.name]
            instance.history.extend(instance.history[begin : end or begin])
        super()._end_turn(instance, life, lock)


class Undelivered(Workers):
    """Leave alone what a host held that is gone."""

    def _put_back(self, job: Job) -> None:
        pass


class LostWork(Planted):
    """The work that a host held when it was killed is never given to another."""

    crew = Undelivered


class LostTurn(Planted):
    """An instance that had its turn when its host was killed never has another."""

    def _put_back(self, instance: Instance) -> None:
        pass


class Impatient(Hosts):
    """Gives away at once what a host holds that stands still."""

    def pause(self, node: str) -> None:
        super().pause(node)
        for lock in list(self._of(node).locks):
            lock.drop()
            lock.put_back()


class IgnoredLock(Planted):
    """The work of a host that stands still is given to another while it is locked."""

    house = Impatient


class Noting(Workers):
    """Know whose work was taken over from a host that is gone."""

    def __init__(
        self, hosts: Hosts, effects: EffectSink, send: Callable[[Instance, Done], None]
    ) -> None:
        super().__init__(hosts, effects, send)
        self.taken_over: set[str] = set()

    def _put_back(self, job: Job) -> None:
        self.taken_over.add(job.instance.name)
        super()._put_back(job)


class SilentChild(Planted):
    """A child whose work was taken over from a killed host does not tell its parent that it ended."""

    crew = Noting

    def _over(self, instance: Instance, kind: str) -> None:
        assert isinstance(self.workers, Noting)
        if instance.parent is not None and instance.name in self.workers.taken_over:
            instance.forget_open()
        else:
            super()._over(instance, kind)


def _kill(at_secs: float, secs: float) -> tuple[Strike, ...]:
    return (Strike("kill", at_secs, secs),)


def _pause(at_secs: float, secs: float) -> tuple[Strike, ...]:
    return (Strike("pause", at_secs, secs),)


_FIRST_TURNS: dict[str, Any] = {**HOSTS, "warmup_secs": 0}
"""Every host is in its first turns 0.7 ms after the load began."""

BUGS = (
    Bug(
        "late answer booked too",
        "history",
        "large-payload",
        LateAnswerTaken,
        {"max_kb": 1},
        HOSTS,
        _pause(0.5, 2.1),
    ),
    Bug(
        "late turn committed too",
        "history",
        "parallel",
        LateTurnTaken,
        {},
        _FIRST_TURNS,
        _pause(0.0007, 2.5),
    ),
    Bug("work lost with its host", "completion", "parallel", LostWork, {}, HOSTS, _kill(1, 0.5)),
    Bug(
        "turn lost with its host",
        "completion",
        "parallel",
        LostTurn,
        {},
        _FIRST_TURNS,
        _kill(0.0007, 0.5),
    ),
    Bug("locked work given away", "effects", "parallel", IgnoredLock, {}, HOSTS, _pause(1, 2.5)),
    Bug(
        "child silent after a crash",
        "completion",
        "sub-orchestrations",
        SilentChild,
        {"width": 2, "depth": 1},
        HOSTS,
        _kill(1, 0.5),
    ),
)
