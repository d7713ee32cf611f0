"""The proxy carries every byte, and its network is as bad as it was told to be and no worse."""

import itertools
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from duroxide_stress.errors import StressError
from duroxide_stress.faults.proxy import Proxy
from duroxide_stress.faults.wire import BURST_SECS, WINDOW_BYTES

from .rig import SECS, Rig, Server, fill, receive, refused, reset, silent, until


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig(Server())
    yield rig
    rig.proxy.close()
    for end in rig.ends:
        end.close()


def test_every_byte_arrives_in_order_under_jitter(rig: Rig) -> None:
    """5 MB both ways at once, each end closing its half when it has sent."""
    rig.proxy.shape(latency_ms=1, jitter_ms=1, seed=7)
    pair = rig.pair()
    texts = [random.Random(number).randbytes(5_000_000) for number in range(2)]

    def send(end: socket.socket, text: bytes) -> None:
        end.sendall(text)
        end.shutdown(socket.SHUT_WR)

    threads = [threading.Thread(target=send, args=each) for each in zip(pair, texts, strict=True)]
    got: dict[int, bytes] = {}
    reader = threading.Thread(target=lambda: got.update({0: receive(pair[1], 6_000_000)}))
    for thread in (*threads, reader):
        thread.start()
    got[1] = receive(pair[0], 6_000_000)
    for thread in (*threads, reader):
        thread.join(SECS)
    assert [got[0] == texts[0], got[1] == texts[1]] == [True, True]
    until(lambda: rig.proxy.connections == 0)


@pytest.mark.parametrize("open_before", [True, False])
def test_latency_is_a_lower_bound_each_way(rig: Rig, open_before: bool) -> None:
    """Each way takes at least the latency less the jitter, on open connections and on new ones."""
    ends = rig.pair() if open_before else None
    rig.proxy.shape(latency_ms=20, jitter_ms=5)
    client, server = ends or rig.pair()
    begun = time.monotonic()
    client.sendall(b"ask")
    assert server.recv(9) == b"ask"
    halfway = time.monotonic()
    server.sendall(b"answer")
    assert client.recv(9) == b"answer"
    assert halfway - begun >= 0.015
    assert time.monotonic() - halfway >= 0.015


def test_latency_is_not_paid_chunk_by_chunk(rig: Rig) -> None:
    """What was sent together is under way together: all of it fits into one long latency."""
    client, server = rig.pair()
    rig.proxy.shape(latency_ms=3_600_000)
    for number in range(20):
        client.sendall(bytes([number]))
        until(lambda least=number: rig.proxy.held_bytes > least * 100)  # type: ignore[misc]
    assert silent(server)
    rig.proxy.shape(latency_ms=1)
    assert receive(server, 20) == bytes(range(20))


def test_an_end_is_as_slow_as_the_bytes_before_it(rig: Rig) -> None:
    """The end of a stream does not overtake, nor does it come without its delay."""
    client, server = rig.pair()
    rig.proxy.shape(latency_ms=20)
    begun = time.monotonic()
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""
    assert time.monotonic() - begun >= 0.02
    server.sendall(b"the half that is open still carries")
    assert client.recv(3) == b"the"


def test_bandwidth_is_shared_and_bounds_the_time(rig: Rig) -> None:
    """Two connections in one direction need the time of both; the other direction is its own."""
    (one, first), (two, second) = rig.pair(), rig.pair()
    rig.proxy.shape(bandwidth_bytes_per_sec=100_000)
    begun = time.monotonic()
    one.sendall(bytes(3000))
    two.sendall(bytes(3000))
    assert len(receive(first, 3000) + receive(second, 3000)) == 6000
    assert time.monotonic() - begun >= 6000 / 100_000 - BURST_SECS
    rig.proxy.shape(bandwidth_bytes_per_sec=0.001)
    one.sendall(b"for a thousand seconds")
    rig.proxy.shape()
    assert receive(first, 22) == b"for a thousand seconds"


def test_a_narrow_link_serves_everyone_in_turn(rig: Rig) -> None:
    """A small message does not wait for all that a greedy connection has sent."""
    (greedy, sink), (small, other) = rig.pair(), rig.pair()
    rig.proxy.shape(bandwidth_bytes_per_sec=400_000)
    greedy.sendall(bytes(100_000))
    small.sendall(b"me too")
    assert receive(other, 6) == b"me too"
    sink.setblocking(False)
    got = 0
    with suppress(BlockingIOError):
        while True:
            got += len(sink.recv(100_000))
    sink.settimeout(SECS)
    assert len(receive(sink, 100_000 - got)) == 100_000 - got


def test_a_cut_holds_everything_and_heal_delivers_it(rig: Rig) -> None:
    """Both directions, new connections and ends: nothing comes, and then all of it."""
    client, server = rig.pair()
    rig.proxy.cut()
    client.sendall(b"question")
    server.sendall(b"answer")
    server.shutdown(socket.SHUT_WR)
    late = rig.dial()
    late.sendall(b"I am new")
    assert silent(client) and silent(server) and silent(late) and silent(rig.server.listener)
    rig.proxy.heal()
    assert receive(server, 8) == b"question"
    assert receive(client, 100) == b"answer"
    newcomer = rig.server.accept()
    assert receive(newcomer, 8) == b"I am new"
    newcomer.close()


def test_a_cut_also_holds_what_is_under_way(rig: Rig) -> None:
    """Bytes that the proxy has read already stay there, though their time has come."""
    client, server = rig.pair()
    rig.proxy.shape(latency_ms=3_600_000)
    client.sendall(b"under way")
    until(lambda: rig.proxy.held_bytes > 0)
    rig.proxy.cut()
    rig.proxy.shape()
    assert silent(server)
    rig.proxy.heal()
    assert receive(server, 9) == b"under way"


def test_heal_forgets_the_shape(rig: Rig) -> None:
    """What was under way for an hour arrives, and so does what comes after it."""
    client, server = rig.pair()
    rig.proxy.shape(latency_ms=3_600_000, bandwidth_bytes_per_sec=0.001)
    client.sendall(b"under way")
    until(lambda: rig.proxy.held_bytes > 0)
    rig.proxy.heal()
    client.sendall(b" and after")
    assert receive(server, 19) == b"under way and after"


def test_half_open_holds_the_answers_alone(rig: Rig) -> None:
    """The question arrives, also on a new connection; the answer comes after the heal."""
    rig.proxy.cut()
    rig.proxy.half_open()
    client, server = rig.pair()
    client.sendall(b"question")
    assert receive(server, 8) == b"question"
    server.sendall(b"answer")
    assert silent(client)
    rig.proxy.heal()
    assert receive(client, 6) == b"answer"


@pytest.mark.parametrize("held", [False, True])
def test_a_reset_is_seen_at_both_ends(rig: Rig, held: bool) -> None:
    """Open connections are reset once, in a cut those of the backlog too; new ones work."""
    pairs = [rig.pair() for _ in range(3)]
    ends = [end for pair in pairs for end in pair]
    if held:
        rig.proxy.cut()
        ends.append(rig.dial())
    rig.proxy.reset()
    for end in ends:
        with pytest.raises(ConnectionResetError):
            end.recv(1)
    assert rig.proxy.connections == 0
    rig.proxy.heal()
    client, server = rig.pair()
    client.sendall(b"again")
    assert receive(server, 5) == b"again"


def test_refused_and_healed_on_the_same_port(rig: Rig) -> None:
    """Open connections are reset, new ones refused, twice over; after the heal the port serves."""
    port = rig.proxy.port
    for _ in range(2):
        client, server = rig.pair()
        rig.proxy.refuse()
        rig.proxy.refuse()
        rig.proxy.cut()
        for end in (client, server):
            with pytest.raises(ConnectionResetError):
                end.recv(1)
        assert refused(rig)
        rig.proxy.heal()
        assert rig.proxy.port == port
    client, server = rig.pair()
    server.sendall(b"back")
    assert receive(client, 4) == b"back"


def test_the_upstream_may_be_a_unix_socket(tmp_path: Path) -> None:
    """Bytes and ends go both ways."""
    rig = Rig(Server(str(tmp_path / "upstream")))
    client, server = rig.pair()
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert receive(server, 100) == b"question"
    server.sendall(b"answer")
    server.close()
    assert receive(client, 100) == b"answer"
    until(lambda: rig.proxy.connections == 0)
    rig.proxy.close()
    for end in rig.ends:
        end.close()


@pytest.mark.parametrize("upstream", ["nowhere", ("127.0.0.1", 0)])
def test_an_upstream_that_refuses_ends_the_client(
    tmp_path: Path, upstream: str | tuple[str, int]
) -> None:
    """The client's connection is reset at once, and the proxy goes on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        proxy = Proxy(
            str(tmp_path / upstream) if isinstance(upstream, str) else taken.getsockname()
        )
        proxy.start()
        for _ in range(2):
            with socket.socket() as client, pytest.raises(ConnectionResetError):
                client.settimeout(SECS)
                client.connect(("127.0.0.1", proxy.port))
                client.recv(1)
        until(lambda: proxy.connections == 0)
        proxy.close()


def test_a_host_without_an_address_is_one_sentence() -> None:
    """The user's word is shown."""
    with pytest.raises(StressError, match=r"the host 'no such host'"):
        Proxy(("no such host", 5432)).start()


def test_a_death_is_seen_at_the_other_end_after_the_last_words(rig: Rig) -> None:
    """An end closed or reset, on either side: its bytes first, then what became of it."""
    for turn, way in itertools.product((1, -1), (socket.socket.close, reset)):
        dying, left = rig.pair()[::turn]
        dying.sendall(b"last words")
        assert receive(left, 10) == b"last words"
        way(dying)
        if way is reset:
            with pytest.raises(ConnectionResetError):
                left.recv(1)
        else:
            assert left.recv(1) == b""
        left.close()
        until(lambda: rig.proxy.connections == 0)


def test_a_server_that_closes_early_resets_a_client_that_goes_on(rig: Rig) -> None:
    """Its last words arrive; a client that keeps sending learns that nobody listens."""
    client, server = rig.pair()
    server.sendall(b"going down")
    server.close()
    assert receive(client, 100) == b"going down"
    with pytest.raises(ConnectionError):
        for _ in range(1_000_000):
            client.sendall(b"hello?")
    until(lambda: rig.proxy.connections == 0)


@pytest.mark.parametrize("held", [False, True])
def test_a_sender_is_stopped_when_nothing_moves(rig: Rig, held: bool) -> None:
    """Cut, or a reader that does not read: memory is bounded, and every byte arrives later."""
    client, server = rig.pair()
    if held:
        rig.proxy.cut()
    sent = fill(client)
    assert (rig.proxy.held_bytes == 0) is held
    assert rig.proxy.held_bytes <= WINDOW_BYTES
    rig.proxy.heal()
    assert len(receive(server, sent)) == sent


def test_single_bytes_do_not_fill_the_memory(rig: Rig) -> None:
    """Each read under way counts with what it costs to keep."""
    client, server = rig.pair()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rig.proxy.shape(latency_ms=3_600_000)
    for _ in range(3000):
        client.sendall(b"x")
    assert rig.proxy.held_bytes <= WINDOW_BYTES
    rig.proxy.shape()
    assert receive(server, 3000) == b"x" * 3000


@pytest.mark.parametrize("state", [Proxy.cut, Proxy.half_open, Proxy.refuse, Proxy.heal])
def test_close_ends_everything_at_once(rig: Rig, state: Callable[[Proxy], None]) -> None:
    """In whatever state, with bytes held: no thread, no port, no open end; twice is once."""
    client, server = rig.pair()
    rig.proxy.shape(latency_ms=3_600_000, bandwidth_bytes_per_sec=1)
    server.sendall(b"held")
    state(rig.proxy)
    rig.proxy.close()
    rig.proxy.close()
    with suppress(ConnectionResetError):
        while client.recv(100):
            pass
    assert refused(rig)
    assert all(thread.name != "proxy" for thread in threading.enumerate())
    assert rig.proxy.connections == 0
    with pytest.raises(RuntimeError):
        rig.proxy.heal()


def test_a_proxy_starts_once_and_need_not() -> None:
    """Closing one that never ran does nothing; a second start is a mistake."""
    proxy = Proxy(("127.0.0.1", 1))
    proxy.close()
    proxy.start()
    with pytest.raises(RuntimeError):
        proxy.start()
    proxy.close()
