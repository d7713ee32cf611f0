"""What carries the bytes of the proxy: links with delay and bandwidth, and the pipes over them.

A pipe is one direction of one connection, a link one direction of the network that all connections
share. Everything here runs in the thread of one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import socket
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

REQUESTS, ANSWERS = "requests", "answers"
"""The two directions: from the client to the server, and back."""

WINDOW_BYTES = 256 * 1024
"""Held at most per connection and direction, beside what the kernel's socket buffers hold. With
latency it is the window of the connection: no more than this is under way at once."""

READ_BYTES = 64 * 1024
CHUNK_COST_BYTES = 256
"""What keeping one read costs beside its bytes, so that single bytes cannot fill the memory."""

BURST_SECS = 0.01
"""How long a narrow link may save up what it did not carry."""


@dataclass(frozen=True)
class Shape:
    """How the network carries what it carries; zeros are a network that adds nothing.

    `latency_ms` is one way, drawn uniformly from latency ± jitter. Raises ValueError for a negative
    figure, or a jitter over the latency, which would ask for bytes that arrive before they were sent.
    """

    latency_ms: float = 0
    jitter_ms: float = 0
    bandwidth_bytes_per_sec: float = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("latency_ms", "jitter_ms", "bandwidth_bytes_per_sec"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a number from 0 on, not {value}")
        if self.jitter_ms > self.latency_ms:
            raise ValueError(
                f"jitter_ms ({self.jitter_ms:g}) must not exceed latency_ms ({self.latency_ms:g})"
            )


def delays_secs(shape: Shape, connection: int, direction: str) -> Iterator[float]:
    """How long each read of one direction of a connection is under way.

    Connections are numbered from 0 as they are accepted. The same arguments give the same delays;
    which bytes come in one read is up to the kernel.
    """
    rng = random.Random(f"{shape.seed}/{connection}/{direction}")
    least_ms, most_ms = shape.latency_ms - shape.jitter_ms, shape.latency_ms + shape.jitter_ms
    while True:
        yield rng.uniform(least_ms, most_ms) / 1000


class Bucket:
    """A token bucket, empty at first: it fills at the rate and holds what `BURST_SECS` bring."""

    def __init__(self, bytes_per_sec: float, now_secs: float) -> None:
        self._rate, self._at_secs = bytes_per_sec, now_secs
        self._most = max(1.0, bytes_per_sec * BURST_SECS)
        self._tokens = 0.0

    def take(self, wanted: int, now_secs: float) -> int:
        """How many of the `wanted` bytes may pass now."""
        self._tokens = min(self._most, self._tokens + (now_secs - self._at_secs) * self._rate)
        self._at_secs = now_secs
        taken = min(wanted, int(self._tokens))
        self._tokens -= taken
        return taken

    def give_back(self, count: int) -> None:
        """Bytes that were granted and did not pass."""
        self._tokens += count

    def full_secs(self) -> float:
        """How long until it is full."""
        return (self._most - self._tokens) / self._rate


class Link:
    """One direction of the network, which all connections share."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self.held = loop, False
        self._bucket: Bucket | None = None
        self._waiting: deque[Pipe] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def narrow(self, bytes_per_sec: float) -> None:
        """A new bandwidth, 0 for none; whoever waited for the old one must ask again."""
        self._bucket = Bucket(bytes_per_sec, self._loop.time()) if bytes_per_sec else None
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def grant(self, pipe: Pipe, wanted: int) -> int:
        """How many bytes the pipe may send; with 0 it is called again when its turn has come."""
        if self._bucket is None:
            return wanted
        granted = 0
        # Nobody overtakes those who wait; they are served while no timer runs.
        if self._timer is None:
            granted = self._bucket.take(wanted, self._loop.time())
        if granted == 0:
            if pipe not in self._waiting:
                self._waiting.append(pipe)
            if self._timer is None:
                self._timer = self._loop.call_later(self._bucket.full_secs(), self._serve)
        return granted

    def give_back(self, count: int) -> None:
        """Bytes that were granted and that the socket did not take."""
        if self._bucket is not None:
            self._bucket.give_back(count)

    def _serve(self) -> None:
        self._timer = None
        while self._waiting and self._timer is None:
            self._waiting.popleft().update()


class Pipe:
    """One direction of one connection: reads, keeps until due, sends on.

    Whoever is due before the one ahead waits for it, as TCP holds back what arrives out of order.

    The end is carried like bytes are: `b""` stands for it in the queue, and `_broken` says that it is
    a reset. `close` is called when the connection is to be closed: with True by resets, else quietly
    because both directions are over.
    """

    other: Pipe

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        link: Link,
        source: socket.socket,
        sink: socket.socket,
        close: Callable[[bool], None],
    ) -> None:
        self._loop, self._link = loop, link
        self._source, self._sink, self._close = source, sink, close
        self._queue: deque[tuple[float, memoryview]] = deque()
        self.held_bytes = 0
        self._delays: Iterator[float] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reading = self._writing = False
        self._ended = self._broken = False  # what is read, and how it ended
        self.over = False  # nothing is sent any more

    def delay(self, delays: Iterator[float] | None) -> None:
        """New delays. What is under way keeps its time unless it would now be quicker."""
        self._delays = delays
        self._stop_timer()
        self._queue = deque((min(due_secs, self._draw()), data) for due_secs, data in self._queue)

    def update(self) -> None:
        """Send and read what may be sent and read now; wait for the rest without spinning."""
        if self._link.held:
            self._write(False)
        if not self._writing:
            self._send()
        idle = self.over or self._ended or self._link.held
        self._read(not idle and self.held_bytes + CHUNK_COST_BYTES < WINDOW_BYTES)

    def stop(self) -> None:
        """Neither read nor send any more, and forget what is held."""
        self.over = True
        self._queue.clear()
        self.held_bytes = 0
        self._stop_timer()
        self._read(False)
        self._write(False)

    def break_off(self) -> None:
        """The source is known to be gone: what it still brings ends in a reset."""
        self._broken = True
        if self.over:
            self._close(True)

    def _draw(self) -> float:
        return 0.0 if self._delays is None else self._loop.time() + next(self._delays)

    def _receive(self) -> None:
        room = WINDOW_BYTES - CHUNK_COST_BYTES - self.held_bytes
        try:
            data = self._source.recv(min(READ_BYTES, room))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, self._broken = b"", True
        self._ended = not data
        self.held_bytes += len(data) + CHUNK_COST_BYTES
        self._queue.append((self._draw(), memoryview(data)))
        self.update()

    def _send(self) -> None:
        while self._queue and not self._link.held:
            due_secs, data = self._queue[0]
            if due_secs > self._loop.time():
                if self._timer is None:
                    self._timer = self._loop.call_at(due_secs, self._on_time)
                return
            if not data:
                self._end()
                return
            granted = self._link.grant(self, len(data))
            if granted == 0:
                return
            sent = self._pass_on(data if granted == len(data) else data[:granted])
            if sent < granted:
                self._link.give_back(granted - sent)
                self._write(not self.over)
            if self.over:
                return
            self.held_bytes -= sent
            if sent < len(data):
                self._queue[0] = (due_secs, data[sent:])
            else:
                self.held_bytes -= CHUNK_COST_BYTES
                self._queue.popleft()
            if self._writing:
                return

    def _pass_on(self, data: memoryview) -> int:
        try:
            return self._sink.send(data)
        except (BlockingIOError, InterruptedError):
            pass
        except ConnectionError:
            # The other direction may still hold the sink's last words; the reset follows them.
            self.stop()
            self.other.break_off()
        except OSError:
            self._close(True)
        return 0

    def _end(self) -> None:
        broken = self._broken
        self.stop()
        if broken or self.other.over:
            self._close(broken)
            return
        with contextlib.suppress(OSError):
            self._sink.shutdown(socket.SHUT_WR)

    def _on_time(self) -> None:
        self._timer = None
        self.update()

    def _on_room(self) -> None:
        self._write(False)
        self.update()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _read(self, wanted: bool) -> None:
        if wanted and not self._reading:
            self._loop.add_reader(self._source, self._receive)
        elif self._reading and not wanted:
            self._loop.remove_reader(self._source)
        self._reading = wanted

    def _write(self, wanted: bool) -> None:
        if wanted and not self._writing:
            self._loop.add_writer(self._sink, self._on_room)
        elif self._writing and not wanted:
            self._loop.remove_writer(self._sink)
        self._writing = wanted
