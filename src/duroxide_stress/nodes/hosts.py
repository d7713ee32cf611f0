"""The host processes of a cell, by the names `host-0`, `host-1` ...: started, watched, struck, ended.

What happens to them is noted in nodes.jsonl at once. A host that ends without being told to is the end
of its cell, except while faults are at work: then it is started again, as a service manager would.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn, Protocol, TypeAlias

from duroxide_stress.errors import RunError
from duroxide_stress.nodes.messages import Failed, Ready
from duroxide_stress.nodes.process import NodeHandle, death
from duroxide_stress.recording.records import NodeEvent, NodeMoment
from duroxide_stress.recording.writer import DirectWriter

START_SECS = 60.0
LEAVE_SECS = 20.0
"""The engine's own shutdown takes up to ten."""
FROZEN_SECS = 3.0
"""A host tells twice a second that it is alive; this long without a word is no hurry of the machine."""
AGAIN_SECS = 1.0
AGAIN_TIMES = 60
"""A host that could not come up while faults were at work is tried again so soon."""

State: TypeAlias = Literal["starting", "serving", "paused", "stopping", "killed", "gone", "failed"]


class HostProcess(NodeHandle, Protocol):
    """One life of a host."""

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, with all that it has started."""
        ...


class HostDiedError(Exception):
    """A host ended without being told to."""

    def __init__(self, host: str, code: int, log: Path | None, *, starting: bool) -> None:
        self.host, self.code, self.log = host, code, log
        when = "" if starting else " in the middle of the cell"
        super().__init__(f"the engine's {host} died{when}: {death(code)}")


class NodeNotes:
    """nodes.jsonl of a cell."""

    def __init__(self, directory: Path, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._writer = DirectWriter(directory / "nodes.jsonl")
        self._now_ns = now_ns

    def note(self, node: str, what: NodeMoment, version: str, detail: str = "") -> None:
        """Append what has just happened to a node."""
        self._writer.write(NodeEvent(self._now_ns(), node, what, version, detail))

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class _Host:
    """One host through all its lives."""

    def __init__(self, name: str, version: str) -> None:
        self.name, self.version = name, version
        self.lives = 0
        self.state: State = "gone"
        self.process: HostProcess | None = None
        self.deadline = 0.0
        self.heard = 0.0
        self.frozen = False
        self.tries = 0
        """Since it served last."""

    @property
    def life(self) -> str:
        return self.name if self.lives <= 1 else f"{self.name}.{self.lives}"


class HostGroup:
    """See `faults.base.Hosts`. One thread uses it.

    `spawn(host, life, version)` makes the process of a life; `tell` is given a sentence when something
    happens to a host that nobody ordered; `forgiving` says whether faults are at work.
    """

    def __init__(
        self,
        spawn: Callable[[str, str, str], HostProcess],
        notes: NodeNotes,
        refuse: Callable[[Failed, str, HostProcess], NoReturn],
        *,
        tell: Callable[[str], None],
        forgiving: Callable[[], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._spawn, self._notes, self._refuse = spawn, notes, refuse
        self._tell, self._forgiving = tell, forgiving
        self._hosts: dict[str, _Host] = {}
        self._doomed: dict[str, Callable[[], bool]] = {}

    def add(self, name: str, version: str) -> None:
        """Start a host of a new name that has code up to `version`; returns at once."""
        self._hosts[name] = _Host(name, version)
        self.start(name)

    # -- for faults ------------------------------------------------------------------------

    def serving(self, host: str) -> bool:
        found = self._hosts[host]
        # One that has just died by itself is not to be taken for one that a fault has killed.
        return found.state == "serving" and _process(found).exit_code() is None

    def life(self, host: str) -> str:
        return self._hosts[host].life

    def pid(self, host: str) -> int:
        return _process(self._hosts[host]).pid

    def kill(self, host: str) -> None:
        found = self._hosts[host]
        _process(found).end()
        self._note(found, "killed")
        found.state = "killed"

    def doom(self, host: str, by_itself: Callable[[], bool] = lambda: True) -> None:
        self._doomed[host] = by_itself

    def pause(self, host: str) -> None:
        found = self._hosts[host]
        _process(found).signal(signal.SIGSTOP)
        self._note(found, "paused")
        found.state = "paused"

    def resume(self, host: str) -> None:
        found = self._hosts[host]
        if found.state == "paused":
            _process(found).signal(signal.SIGCONT)
            self._note(found, "resumed")
            found.state, found.heard = "serving", self._now()

    def stop(self, host: str) -> None:
        found = self._hosts[host]
        self._note(found, "stopping")
        _process(found).say("stop")
        found.state, found.deadline = "stopping", self._now() + LEAVE_SECS

    def gone(self, host: str) -> bool:
        return self._hosts[host].state in ("gone", "killed")

    def start(self, host: str) -> None:
        found = self._hosts[host]
        if found.state not in ("gone", "killed", "failed"):
            return  # another fault has started it already
        found.lives += 1
        found.process = self._spawn(found.name, found.life, found.version)
        found.state, found.frozen = "starting", False
        found.deadline = self._now() + START_SECS
        self._note(found, "starting")

    # -- for the supervisor ----------------------------------------------------------------

    def knows(self, host: str) -> bool:
        """Whether a host of this name was ever added."""
        return host in self._hosts

    @property
    def all_serving(self) -> bool:
        """Whether every host is up."""
        return all(found.state == "serving" for found in self._hosts.values())

    @property
    def all_gone(self) -> bool:
        """Whether none has a process."""
        return all(self.gone(name) for name in self._hosts)

    def stop_all(self) -> None:
        """Tell every host that lives to shut down; returns at once."""
        for name, found in self._hosts.items():
            if found.state == "failed":
                found.state = "gone"
            elif not self.gone(name) and found.state != "stopping":
                self.stop(name)

    def step(self) -> None:
        """Hear the hosts and look after them.

        Raises HostDiedError for one that ended without being told to, RunError for one that takes
        too long or cannot go on, UsageError for what is the user's to mend.
        """
        for found in self._hosts.values():
            if found.state == "failed":
                if self._now() >= found.deadline:
                    self.start(found.name)
            elif found.state not in ("gone", "killed"):
                self._look_after(found)

    def _look_after(self, found: _Host) -> None:
        process = _process(found)
        code = process.exit_code()
        while (message := process.message()) is not None:
            found.heard = self._now()
            if isinstance(message, Ready):
                self._note(found, "ready")
                found.state, found.tries = "serving", 0
            elif isinstance(message, Failed):
                self._failed(found, message)
                return
        if code is not None:
            self._ended(found, code)
        elif found.state in ("starting", "stopping") and self._now() > found.deadline:
            secs = START_SECS if found.state == "starting" else LEAVE_SECS
            what = "to start" if found.state == "starting" else "to stop"
            raise RunError(f"the engine's {found.life} took longer than {secs:g} s {what}")
        elif found.state == "serving":
            self._watch(found)

    def _watch(self, found: _Host) -> None:
        silent_secs = self._now() - found.heard
        if silent_secs > FROZEN_SECS and not found.frozen:
            found.frozen = True
            self._note(found, "frozen", f"no sign of life for {silent_secs:.1f} s")
            self._tell(f"{found.life} is frozen: no sign of life for {silent_secs:.1f} s")
        elif silent_secs <= FROZEN_SECS and found.frozen:
            found.frozen = False
            self._note(found, "thawed")
            self._tell(f"{found.life} is alive again")

    def _failed(self, found: _Host, message: Failed) -> None:
        if message.unrecorded or message.refused or not self._forgiving():
            self._refuse(message, f"the engine's {found.life}", _process(found))
        self._note(found, "failed", message.error)
        self._tell(f"{found.life} could not go on: {message.error}; it is started again")
        self._try_again(found)

    def _ended(self, found: _Host, code: int) -> None:
        if found.state == "stopping" and code == 0:
            self._note(found, "stopped")
            # What it has started must not outlive it.
            _process(found).end()
            found.state = "gone"
            return
        if code == -signal.SIGKILL and self._by_itself(found):
            self._note(found, "killed", "by its own hand, as planned")
            _process(found).end()
            found.state = "killed"
            return
        self._note(found, "died", death(code))
        self._tell(f"{found.life} died: {death(code)}")
        if not self._forgiving():
            starting, found.state = found.state == "starting", "gone"
            raise HostDiedError(found.life, code, _process(found).log, starting=starting)
        self._try_again(found)

    def _by_itself(self, found: _Host) -> bool:
        planned = self._doomed.get(found.name)
        if planned is None or not planned():
            return False
        del self._doomed[found.name]
        return True

    def _try_again(self, found: _Host) -> None:
        _process(found).end()
        found.tries += 1
        if found.tries > AGAIN_TIMES:
            raise RunError(f"the engine's {found.name} did not come up in {AGAIN_TIMES} tries")
        stopping = found.state == "stopping"
        found.state = "gone" if stopping else "failed"
        found.deadline = self._now() + AGAIN_SECS

    def _note(self, found: _Host, what: NodeMoment, detail: str = "") -> None:
        self._notes.note(found.life, what, found.version, detail)


def _process(found: _Host) -> HostProcess:
    assert found.process is not None, f"{found.name} was never started"
    return found.process
