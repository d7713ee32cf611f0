"""What the proxy of `faults/` costs while its network adds nothing.

Round trips of 64 bytes and a bulk transfer, directly and through the proxy, taken in turns in one
run. Server and client are processes of their own, and the proxy has a process to itself: a proxy that
shares its interpreter with busy threads waits for them as well. Prints the median of each and, as the
figure that carries over best to other machines, the median of the ratios of the turns.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from statistics import median

from duroxide_stress.faults.proxy import Proxy

ECHO_BYTES = 64
CHUNK = bytes(256 * 1024)


def serve(port: Connection) -> None:
    """Accept for ever; the first byte of a connection says what it is for."""
    listener = socket.create_server(("127.0.0.1", 0))
    port.send(listener.getsockname()[1])
    while True:
        end, _ = listener.accept()
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=answer, args=(end,), daemon=True).start()


def answer(end: socket.socket) -> None:
    """Echo, or swallow until the client has sent everything and then say so."""
    with end:
        if end.recv(1) == b"e":
            while data := end.recv(len(CHUNK)):
                end.sendall(data)
        else:
            while end.recv(len(CHUNK)):
                pass
            end.sendall(b"!")


def round_trips(port: int, secs: float) -> float:
    """Round trips a second, one at a time."""
    with socket.create_connection(("127.0.0.1", port)) as end:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.sendall(b"e")
        question, count, begun = bytes(ECHO_BYTES), 0, time.perf_counter()
        while (taken := time.perf_counter() - begun) < secs:
            end.sendall(question)
            left = ECHO_BYTES
            while left:
                left -= len(end.recv(left))
            count += 1
    return count / taken


def bulk(port: int, secs: float) -> float:
    """MB a second from the client to the server."""
    with socket.create_connection(("127.0.0.1", port)) as end:
        sent, begun = 1, time.perf_counter()
        end.sendall(b"b")
        while time.perf_counter() - begun < secs:
            end.sendall(CHUNK)
            sent += len(CHUNK)
        end.shutdown(socket.SHUT_WR)
        end.recv(1)
        return sent / 1e6 / (time.perf_counter() - begun)


def main() -> None:
    """Measure in turns, each turn in the other order, and print."""
    given = arguments()
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    server = spawn.Process(target=serve, args=(sender,), daemon=True)
    server.start()
    port: int = receiver.recv()
    proxy = Proxy(("127.0.0.1", port))
    proxy.start()
    with ProcessPoolExecutor(1, mp_context=spawn) as client:
        measures: list[tuple[str, Callable[[int, float], float]]] = [
            ("round trips a second, 64 bytes", round_trips),
            ("bulk, MB a second", bulk),
        ]
        for name, measure in measures:
            turns: list[dict[int, float]] = []
            for turn in range(given.turns):
                ports = (port, proxy.port) if turn % 2 == 0 else (proxy.port, port)
                turns.append({p: client.submit(measure, p, given.secs).result() for p in ports})
            ratios = sorted(figures[proxy.port] / figures[port] for figures in turns)
            print(
                f"{name}: directly {median(figures[port] for figures in turns):,.0f},"
                f" through the proxy {median(figures[proxy.port] for figures in turns):,.0f};"
                f" ratio {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            )
    proxy.close()
    server.terminate()


def arguments() -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--secs", type=float, default=1.0, help="of each measurement")
    return parser.parse_args()


if __name__ == "__main__":
    main()
