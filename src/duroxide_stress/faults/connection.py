"""A connection of the proxy: its two ends, and how the far one is reached."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from duroxide_stress.errors import StressError, in_words
from duroxide_stress.faults.wire import ANSWERS, REQUESTS, Link, Pipe

UNIX_RETRY_SECS = 0.01
"""Until the next try at a unix socket whose backlog is full, which no event announces."""

Address = tuple[socket.AddressFamily, Any]


class Connection:
    """A client and, once it is reached, its upstream. `gone` is called when it is closed."""

    def __init__(self, client: socket.socket, gone: Callable[[], object]) -> None:
        self._ends, self._gone = [client], gone
        self._dialling: asyncio.Task[None] | None = None
        self.pipes: dict[str, Pipe] = {}

    def dial(self, loop: asyncio.AbstractEventLoop, dialling: Coroutine[Any, Any, None]) -> None:
        """Reach the upstream, unless the connection is closed before."""
        self._dialling = loop.create_task(dialling)

    def join(
        self, loop: asyncio.AbstractEventLoop, upstream: socket.socket, links: dict[str, Link]
    ) -> None:
        """The upstream is reached: lay the two pipes."""
        client = self._ends[0]
        self._dialling = None
        self._ends.append(upstream)
        for end in self._ends:
            end.setblocking(False)
            if end.family != socket.AF_UNIX:
                with contextlib.suppress(OSError):  # it may be dead already
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        there = Pipe(loop, links[REQUESTS], client, upstream, self.close)
        back = Pipe(loop, links[ANSWERS], upstream, client, self.close)
        there.other, back.other = back, there
        self.pipes = {REQUESTS: there, ANSWERS: back}

    def close(self, reset: bool) -> None:
        """Close both ends; with `reset`, what the kernel has not sent yet is dropped."""
        if self._dialling is not None:
            self._dialling.cancel()
        for pipe in self.pipes.values():
            pipe.stop()
        for end in self._ends:
            if reset:
                reset_and_close(end)
            end.close()
        self._gone()


def reset_and_close(end: socket.socket) -> None:
    """Close with a reset (RST) instead of an orderly end; a unix socket only closes."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


def bound(port: int) -> socket.socket:
    """A socket at 127.0.0.1 that does not listen yet; port 0 is any free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def resolve(upstream: tuple[str, int] | str) -> list[Address]:
    """Where the upstream may be reached. Raises StressError when its host has no address."""
    if isinstance(upstream, str):
        return [(socket.AF_UNIX, upstream)]
    host, port = upstream
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise StressError(f"no address of the host {host!r} was found: {in_words(error)}") from None
    return [(family, address) for family, _, _, _, address in found]


async def reach(loop: asyncio.AbstractEventLoop, upstream: Address) -> socket.socket | None:
    """A connected socket, or None when it cannot be had."""
    family, address = upstream
    try:
        end = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    end.setblocking(False)
    try:
        if family != socket.AF_UNIX:
            await loop.sock_connect(end, address)
            return end
        while True:
            try:
                end.connect(address)
                return end
            except BlockingIOError:
                await asyncio.sleep(UNIX_RETRY_SECS)
    except OSError:
        end.close()
        return None
    except asyncio.CancelledError:
        # The upstream may have accepted already, and then it is an end like any other.
        reset_and_close(end)
        raise
