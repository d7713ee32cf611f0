"""The hosts of a virtual cell: what each of them runs, what it holds locked, and how it is struck.

Every host has its slots for turns and for activities. What it takes from the shared queues it locks:
an activity for `worker_lock_timeout_ms`, renewed at every third of that as long as the host lives, a
turn for `orchestrator_lock_timeout_ms`. The locks of a host that is killed or paused are not renewed;
when one has expired, what it held is in its queue again, and its holder's answer counts no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol, runtime_checkable

from duroxide_stress.engines.reference.simulation import Action, Clock
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.recording.records import host_of
from duroxide_stress.units import NS_PER_MS


@runtime_checkable
class VirtualNodes(Protocol):
    """What an engine's `Host` may be as well: all hosts of a cell in virtual time, each of which can be
    struck. `node` is the host's name or that of one of its lives: `host-0`, `host-0.2`.

    A call that does not fit (killing what is dead, resuming what is not paused) does nothing.
    """

    def alive(self) -> list[str]:
        """The hosts that have a process, also one that is paused: `host-0`, `host-1` ..."""
        ...

    def life(self, node: str) -> str:
        """What effects of its present (or last) process are recorded as: `host-0`, then `host-0.2`."""
        ...

    def kill(self, node: str) -> None:
        """Its process is gone at once, with what it ran; what it held stays locked for a time."""
        ...

    def start(self, node: str) -> str:
        """Begin the next life of a host that was killed; returns its name. It serves at once."""
        ...

    def pause(self, node: str) -> None:
        """Nothing on it goes on, and its locks are not renewed."""
        ...

    def resume(self, node: str) -> None:
        """It goes on where it stood, and what should have ended meanwhile ends now. Where the lock was
        lost the answer is rejected; an activity's end is written down all the same: it did run."""
        ...


class Life:
    """One process of a host."""

    def __init__(self, clock: Clock, name: str, config: StressTestConfig) -> None:
        self.name = name
        self.free_turns, self.free_workers = config.orch_concurrency, config.worker_concurrency
        self.runs = 0
        """Activities begun: what numbers them."""
        self.dead = self.paused = False
        self.locks: dict[Lock, None] = {}
        self.due: list[Action] = []
        """What has become due while it was paused."""
        self._clock = clock

    def after(self, delay_ns: int, action: Action) -> None:
        """Do `action` when `delay_ns` have passed, when it is resumed after that, or never."""
        self._clock.after(delay_ns, partial(self._go_on, action))

    def _go_on(self, action: Action) -> None:
        if self.paused:
            self.due.append(action)
        elif not self.dead:
            action()


class Lock:
    """What a life has taken out of a queue."""

    def __init__(self, life: Life, now_ns: int, lasts_ns: int, every_ns: int | None) -> None:
        self.life, self.lasts_ns, self.every_ns = life, lasts_ns, every_ns
        self.since_ns = now_ns
        """When it was taken, or renewed for certain."""
        self.held = True
        self.expires_ns: int | None = None
        """None while its holder lives and is not paused."""
        self.put_back: Action = lambda: None
        """Done when it expires."""
        life.locks[self] = None

    def release(self) -> bool:
        """Give it up with an answer; whether it was still held, so that the answer counts."""
        held = self.held
        self.drop()
        return held

    def drop(self) -> None:
        """It is nobody's any more."""
        self.held = False
        self.life.locks.pop(self, None)


class Hosts:
    """See `VirtualNodes` and `engines.base.Host`. `freed` is called when one can take work again."""

    def __init__(self, clock: Clock, config: StressTestConfig, freed: Action) -> None:
        self.clock, self._config, self._freed = clock, config, freed
        names = [f"host-{number}" for number in range(config.nodes)]
        self._lives = {name: Life(clock, name, config) for name in names}
        self._count = dict.fromkeys(names, 1)
        self.struck = False
        """Whether any was ever killed or paused."""
        self._expiring: list[Lock] = []
        # Hosts take turns, so that none of them is idle while another has all there is to do.
        self._for_turns, self._for_work = deque(names), deque(names)

    def stop(self, timeout_ms: int) -> None:
        """Nothing runs outside virtual time."""

    # -- for the queues --------------------------------------------------------------------

    @property
    def free_workers(self) -> int:
        """Slots for activities on hosts that could use them."""
        return sum(life.free_workers for life in self._running())

    def for_turn(self) -> Life | None:
        """A host that can take a turn, which is now the last to be asked again."""
        return self._next(self._for_turns, lambda life: life.free_turns)

    def for_work(self) -> Life | None:
        """A host that can take an activity, which is now the last to be asked again."""
        return self._next(self._for_work, lambda life: life.free_workers)

    def lock_turn(self, life: Life) -> Lock:
        """Lock an instance for a turn, which is short."""
        lasts_ns = self._config.orchestrator_lock_timeout_ms * NS_PER_MS
        return Lock(life, self.clock.now_ns, lasts_ns, None)

    def lock_work(self, life: Life) -> Lock:
        """Lock an activity, for as long as its host lives."""
        lasts_ns = self._config.worker_lock_timeout_ms * NS_PER_MS
        return Lock(life, self.clock.now_ns, lasts_ns, lasts_ns // 3)

    def abandoned(self) -> tuple[int, int]:
        """Turns and activities that are locked by a host that is killed or paused."""
        self._expiring = [lock for lock in self._expiring if lock.held and lock.expires_ns]
        turns = sum(lock.every_ns is None for lock in self._expiring)
        return turns, len(self._expiring) - turns

    def _running(self) -> Iterable[Life]:
        return (life for life in self._lives.values() if not (life.dead or life.paused))

    def _next(self, ring: deque[str], free: Callable[[Life], int]) -> Life | None:
        for name in ring:
            life = self._lives[name]
            if not (life.dead or life.paused) and free(life):
                ring.remove(name)
                ring.append(name)
                return life
        return None

    # -- for faults ------------------------------------------------------------------------

    def alive(self) -> list[str]:
        return [name for name, life in self._lives.items() if not life.dead]

    def life(self, node: str) -> str:
        return self._of(node).name

    def kill(self, node: str) -> None:
        life = self._of(node)
        if not life.dead:
            life.dead, life.paused = True, False
            life.due.clear()
            self.unrenewed(life)

    def start(self, node: str) -> str:
        host = host_of(node)
        if self._of(host).dead:
            self._count[host] += 1
            self._lives[host] = Life(self.clock, f"{host}.{self._count[host]}", self._config)
            self._freed()
        return self._lives[host].name

    def pause(self, node: str) -> None:
        life = self._of(node)
        if not (life.dead or life.paused):
            life.paused = True
            self.unrenewed(life)

    def resume(self, node: str) -> None:
        life = self._of(node)
        if not life.paused:
            return
        life.paused = False
        for lock in life.locks:
            lock.since_ns, lock.expires_ns = self.clock.now_ns, None
        due, life.due = life.due, []
        for action in due:
            action()
        self._freed()

    def unrenewed(self, life: Life) -> None:
        """Nobody renews its locks from now on."""
        self.struck = True
        for lock in list(life.locks):
            if lock.expires_ns is None:
                self.let_expire(lock)

    def let_expire(self, lock: Lock) -> None:
        """Put back what it holds when the time of its last renewal is over."""
        now_ns, renewed_ns = self.clock.now_ns, lock.since_ns
        if lock.every_ns is not None:
            renewed_ns += (now_ns - lock.since_ns) // lock.every_ns * lock.every_ns
        expires_ns = renewed_ns + lock.lasts_ns
        lock.expires_ns = expires_ns
        self._expiring.append(lock)

        def expire() -> None:
            # Another moment, or none, stands there when it was renewed in between.
            if lock.held and lock.expires_ns == expires_ns:
                lock.drop()
                lock.put_back()

        self.clock.after(expires_ns - now_ns, expire)

    def _of(self, node: str) -> Life:
        return self._lives[host_of(node)]
