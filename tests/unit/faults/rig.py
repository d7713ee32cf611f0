"""A proxy before a server, with the test at both ends of every connection."""

import errno
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from duroxide_stress.faults.proxy import Proxy
from duroxide_stress.faults.wire import WINDOW_BYTES

SECS = 20
"""Only waited for when a test fails."""

QUIET_SECS = 0.03
"""How long nothing must come where nothing ever may."""


class Server:
    """The upstream: hands out what it accepts, so that a test is both ends."""

    def __init__(self, path: str | None = None) -> None:
        self.listener = socket.socket(socket.AF_INET if path is None else socket.AF_UNIX)
        self.listener.bind(("127.0.0.1", 0) if path is None else path)
        self.listener.listen()
        self.listener.settimeout(SECS)
        self.address = self.listener.getsockname()

    def accept(self) -> socket.socket:
        end, _ = self.listener.accept()
        end.settimeout(SECS)
        return end


class Rig:
    """A proxy before a server, and the sockets of one test."""

    def __init__(self, server: Server) -> None:
        self.server, self.ends = server, [server.listener]
        self.proxy = Proxy(server.address)
        self.proxy.start()

    def dial(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.proxy.port), timeout=SECS)
        self.ends.append(client)
        return client

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """A connection through the proxy: the client's end and the server's."""
        client, server = self.dial(), self.server.accept()
        self.ends.append(server)
        return client, server


def receive(end: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes, or fewer at the end of the stream."""
    got = bytearray()
    while len(got) < count and (data := end.recv(count - len(got))):
        got += data
    return bytes(got)


def silent(end: socket.socket) -> bool:
    """Nothing comes, not even an end."""
    return not select.select([end], [], [], QUIET_SECS)[0]


def until(true: Callable[[], bool]) -> None:
    """Wait for what the proxy's thread does in its own time."""
    deadline, pause = time.monotonic() + SECS, threading.Event()
    while not true():
        assert time.monotonic() < deadline
        pause.wait(0.002)


def reset(end: socket.socket) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


def fill(sender: socket.socket) -> int:
    """Send until nothing more is taken; how many bytes were."""
    sender.setblocking(False)
    sent, data = 0, bytes(WINDOW_BYTES)
    while select.select([], [sender], [], QUIET_SECS)[1]:
        with suppress(BlockingIOError):
            sent += sender.send(data)
        assert sent < 256 * WINDOW_BYTES
    sender.settimeout(SECS)
    return sent


def refused(rig: Rig) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", rig.proxy.port)) == errno.ECONNREFUSED
