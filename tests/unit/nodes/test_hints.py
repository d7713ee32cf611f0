"""Hints go over a socket without ever holding up the one who gives them."""

import queue
import socket

import pytest

from duroxide_stress.nodes.hints import LocalHints, SocketHints, hint_pair, sender

SECS = 20
"""Only waited for when a test fails."""


def test_hints_arrive_in_order() -> None:
    """Every id that was sent is heard, whole and in order."""
    drivers, hosts = hint_pair()
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    source = SocketHints(drivers.detach())
    source.listen(heard.put)
    hint = sender(hosts.detach())
    names = [f"par-{number:07d}" for number in range(5)] + ["naïve|1|0"]
    for name in names:
        hint(name)
    assert [heard.get(timeout=SECS) for _ in names] == names
    source.close()


def test_two_hosts_can_hint_to_one_driver() -> None:
    """The hosts' end is shared by all processes that inherit it."""
    drivers, hosts = hint_pair()
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    source = SocketHints(drivers.detach())
    source.listen(heard.put)
    for name, end in (("one", hosts.dup()), ("two", hosts)):
        sender(end.detach())(name)
        assert heard.get(timeout=SECS) == name
    source.close()


def test_an_instance_without_a_name_does_not_end_the_hints() -> None:
    """A user's child may have an empty id, and an empty datagram reads like a closed socket."""
    drivers, hosts = hint_pair()
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    source = SocketHints(drivers.detach())
    source.listen(heard.put)
    hint = sender(hosts.detach())
    hint("")
    hint("par-1")
    assert heard.get(timeout=SECS) == "par-1"
    source.close()


def test_a_driver_that_does_not_read_never_blocks_a_host() -> None:
    """When the socket is full, hints are dropped and the first ones are still whole."""
    drivers, hosts = hint_pair()
    hint = sender(hosts.detach())
    for number in range(20_000):
        hint(f"par-{number:07d}")
    drivers.setblocking(False)
    got = []
    with drivers, pytest.raises(BlockingIOError):
        while True:
            got.append(drivers.recv(4096).decode())
    assert 0 < len(got) < 20_000
    assert got == [f"par-{number:07d}" for number in range(len(got))]


def test_a_driver_that_is_gone_does_not_hurt_a_host() -> None:
    """The engine goes on when its observer dies."""
    drivers, hosts = hint_pair()
    hint = sender(hosts.detach())
    drivers.close()
    assert hint("par-1") is None


def test_closing_ends_the_listening() -> None:
    """After the close the descriptor is free and closing again does nothing."""
    drivers, hosts = hint_pair()
    source = SocketHints(drivers.detach())
    source.listen(lambda instance: None)
    source.close()
    source.close()
    with hosts, pytest.raises(OSError):
        hosts.send(b"anyone?")


def test_a_pair_keeps_the_borders_between_hints() -> None:
    """Datagrams: two ids are never read as one."""
    drivers, hosts = hint_pair()
    assert drivers.type == socket.SOCK_DGRAM
    with drivers, hosts:
        hosts.send(b"a")
        hosts.send(b"b")
        assert drivers.recv(100) == b"a"


def test_local_hints_are_heard_at_once_until_closed() -> None:
    """In one process a hint is a call; before listening and after closing it is nothing."""
    heard: list[str] = []
    hints = LocalHints()
    hints.send("too early")
    hints.listen(heard.append)
    hints.send("par-1")
    assert heard == ["par-1"]
    hints.close()
    hints.send("too late")
    assert heard == ["par-1"]
