"""A TCP proxy whose network can be made bad while it runs: slow, narrow, cut, half open, reset.

It stands between the engine's hosts and a database server and carries bytes, whatever they mean. All
sockets belong to one thread; the methods are called from others and return when it has done as told.
What it holds is bounded, so a direction that does not move stops its sender as a full network does.

The kernel still acknowledges what reaches the proxy, also while the network is cut: TCP's own
keepalive and user timeout see a live peer, and only timeouts of the application can notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from duroxide_stress.faults.connection import (
    Address,
    Connection,
    bound,
    reach,
    reset_and_close,
    resolve,
)
from duroxide_stress.faults.wire import ANSWERS, REQUESTS, Link, Pipe, Shape, delays_secs

BACKLOG = 1024
"""Connections the kernel accepts on its own while the network is cut."""

RETRY_SECS = 1.0
"""Until the next accept, when there was no descriptor left for a connection."""

CLEAR = Shape()

_T = TypeVar("_T")


class Proxy:
    """Listens on 127.0.0.1 at a free port; every connection is carried to `upstream`.

    `upstream` is a host and its port, or the path of a unix socket. Its network has a shape, which
    delays and narrows; it may beside that be cut or half open, whichever came last, and refuse
    connections. All of this takes effect at once, also on open connections, and ends with `heal`.

    A client that ends or dies is seen by the upstream after the last of its bytes, and the other way
    round. When the upstream cannot be reached, the client's connection is reset.

    Every method that changes the network raises RuntimeError unless the proxy runs.
    """

    port: int
    """Where it listens, from `start` on and for the life of the proxy."""

    def __init__(self, upstream: tuple[str, int] | str) -> None:
        self._upstream = upstream
        self._addresses: list[Address] = []
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._listener: socket.socket
        self._links: dict[str, Link] = {}
        self._shape = CLEAR
        self._refusing = self._closed = False
        self._open: dict[int, Connection] = {}
        self._accepted = 0

    @property
    def connections(self) -> int:
        """Accepted and not yet closed; those that wait in the kernel's backlog are not counted."""
        return len(self._open)

    @property
    def held_bytes(self) -> int:
        """What the proxy itself holds at this moment, beside the kernel's socket buffers."""
        return self._call(lambda: sum(pipe.held_bytes for pipe in self._pipes()))

    def start(self) -> None:
        """Returns when it listens. A proxy is started once.

        Raises StressError when the upstream's host has no address.
        """
        if self._thread is not None:
            raise RuntimeError("a proxy is started once")
        self._addresses = resolve(self._upstream)
        self._listener = bound(0)
        self.port = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._links = {name: Link(self._loop) for name in (REQUESTS, ANSWERS)}
        self._listen()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End every connection by a reset, and the thread; what is held is lost. Idempotent."""
        with contextlib.suppress(RuntimeError):
            self._call(self._end)
        if self._thread is not None:
            self._thread.join()

    def shape(
        self,
        *,
        latency_ms: float = 0,
        jitter_ms: float = 0,
        bandwidth_bytes_per_sec: float = 0,
        seed: int = 0,
    ) -> None:
        """Give the network a delay and a bandwidth; 0 adds no delay, and limits nothing.

        Each read of a connection is delayed one way, in each direction, by latency ± jitter, drawn
        uniformly from a stream of its own that `seed` repeats (`delays_secs`). Bytes never overtake
        each other, and are a little late rather than early: the clock ticks in milliseconds. All
        connections share the bandwidth of a direction. What is under way already comes no later
        than it would have. Raises ValueError for negative figures and a jitter over the latency.
        """
        shape = Shape(latency_ms, jitter_ms, bandwidth_bytes_per_sec, seed)
        self._call(lambda: self._reshape(shape))

    def cut(self) -> None:
        """Bytes stop in both directions, and nothing is lost: what is held flows on at `heal`.

        Connections stay open. New ones are accepted by the kernel and get nothing.
        """
        self._call(lambda: self._hold(requests=True))

    def half_open(self) -> None:
        """What clients send arrives, also on new connections; answers are held until `heal`."""
        self._call(lambda: self._hold(requests=False))

    def reset(self) -> None:
        """Reset (RST) all open connections, once, at both ends; new ones work.

        Bytes under way are lost. A unix socket knows no reset: such an upstream sees the end.
        """
        self._call(self._reset)

    def refuse(self) -> None:
        """New connections are refused until `heal`, and open ones are reset."""
        self._call(self._refuse)

    def heal(self) -> None:
        """Everything is as it was at first: no shape, what was held flows, the port listens."""
        self._call(self._heal)

    def _call(self, act: Callable[[], _T]) -> _T:
        """Let the proxy's thread do something, and wait until it is done."""
        done: Future[_T] = Future()

        def run() -> None:
            try:
                done.set_result(act())
            except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
                done.set_exception(error)

        with self._lock:
            if self._thread is None or self._closed:
                raise RuntimeError("the proxy does not run")
            self._loop.call_soon_threadsafe(run)
            return done.result()

    def _run(self) -> None:
        self._loop.run_forever()
        for cancelled in asyncio.all_tasks(self._loop):
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(cancelled)
        self._loop.close()

    def _end(self) -> None:
        self._reset()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._loop.stop()
        self._closed = True

    def _pipes(self) -> list[Pipe]:
        return [pipe for connection in self._open.values() for pipe in connection.pipes.values()]

    def _listen(self) -> None:
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            # No descriptor is left, and the listener stays readable: asking again at once would spin.
            self._loop.remove_reader(self._listener)
            self._loop.call_later(RETRY_SECS, self._resume)
            return
        number, self._accepted = self._accepted, self._accepted + 1
        self._open[number] = Connection(client, lambda: self._open.pop(number, None))
        self._open[number].dial(self._loop, self._dial(number))

    def _resume(self) -> None:
        """Accept connections if the network lets their first packets through."""
        if not self._refusing and not self._links[REQUESTS].held:
            self._loop.add_reader(self._listener, self._accept)

    async def _dial(self, number: int) -> None:
        connection = self._open[number]
        for address in self._addresses:
            upstream = await reach(self._loop, address)
            if upstream is not None:
                connection.join(self._loop, upstream, self._links)
                for direction, pipe in connection.pipes.items():
                    self._delay(number, direction, pipe)
                    pipe.update()
                return
        connection.close(True)

    def _delay(self, number: int, direction: str, pipe: Pipe) -> None:
        slow = self._shape.latency_ms > 0
        pipe.delay(delays_secs(self._shape, number, direction) if slow else None)

    def _reshape(self, shape: Shape) -> None:
        self._shape = shape
        for link in self._links.values():
            link.narrow(shape.bandwidth_bytes_per_sec)
        for number, connection in self._open.items():
            for direction, pipe in connection.pipes.items():
                self._delay(number, direction, pipe)
        self._update()

    def _update(self) -> None:
        for pipe in self._pipes():
            pipe.update()

    def _hold(self, *, requests: bool) -> None:
        self._links[REQUESTS].held, self._links[ANSWERS].held = requests, True
        self._loop.remove_reader(self._listener)
        self._resume()
        self._update()

    def _reset(self) -> None:
        for connection in list(self._open.values()):
            connection.close(True)
        # Those in the backlog are open too, as their clients see it.
        with contextlib.suppress(OSError):
            while True:
                reset_and_close(self._listener.accept()[0])

    def _refuse(self) -> None:
        self._reset()
        if self._refusing:
            return
        self._refusing = True
        self._loop.remove_reader(self._listener)
        self._listener.close()
        # Bound and not listening: connections are refused and nobody else can take the port.
        self._listener = bound(self.port)

    def _heal(self) -> None:
        for link in self._links.values():
            link.held = False
        self._refusing = False
        self._listen()
        self._reshape(CLEAR)
