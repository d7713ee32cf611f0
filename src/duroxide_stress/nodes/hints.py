"""Hints from hosts to the driver, as datagrams over a socket pair that both inherit.

A datagram is sent without waiting and may be dropped: a host never blocks on its observer, and a
host that is killed leaves nothing half-written.
"""

from __future__ import annotations

import contextlib
import socket
import threading

from duroxide_stress.engines.base import Hint

MAX_ID_BYTES = 4096


def hint_pair() -> tuple[socket.socket, socket.socket]:
    """(the driver's end, the hosts' end)."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


def sender(fd: int) -> Hint:
    """A hint function over the inherited descriptor of the hosts' end."""
    end = socket.socket(fileno=fd)
    end.setblocking(False)

    def hint(instance: str) -> None:
        # An empty datagram reads like the end of the socket; no instance of ours has an empty id.
        if instance:
            with contextlib.suppress(OSError):
                end.send(instance.encode()[:MAX_ID_BYTES])

    return hint


class SocketHints:
    """The driver's end: a thread that reads datagrams until it is closed."""

    local = False

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)

    def listen(self, hear: Hint) -> None:
        def read() -> None:
            with contextlib.suppress(OSError):
                while message := self._socket.recv(MAX_ID_BYTES):
                    hear(message.decode(errors="replace"))

        threading.Thread(target=read, name="hints", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class LocalHints:
    """Both ends in one process, for embedded cells."""

    local = True

    def __init__(self) -> None:
        self._hear: Hint = lambda instance: None

    def listen(self, hear: Hint) -> None:
        self._hear = hear

    def send(self, instance: str) -> None:
        """Pass one hint on; called from the engine's threads."""
        self._hear(instance)

    def close(self) -> None:
        self._hear = lambda instance: None
