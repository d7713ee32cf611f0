"""What many threads tell one: in order, none lost, and a wait that always ends."""

import threading

from duroxide_stress.engines.duroxide.inbox import Inbox

SECS = 20.0
"""Only reached when a test fails."""


def test_what_is_there_is_taken_at_once_the_oldest_first() -> None:
    """All of it, without waiting."""
    inbox: Inbox[int] = Inbox()
    for number in range(3):
        inbox.put(number)
    assert inbox.take(SECS) == [0, 1, 2]
    assert inbox.take(0) == []


def test_a_wait_of_almost_nothing_ends() -> None:
    """On `queue.SimpleQueue` of CPython 3.11 and 3.12 this stands still within a few of them."""
    inbox: Inbox[int] = Inbox()
    for number in range(10_000):
        inbox.put(number)
        assert inbox.take(0) == [number]
        assert inbox.take((number % 20) / 1e7) == []


def test_what_many_threads_put_arrives_once_each_in_its_order() -> None:
    """However a take falls among the puts."""
    inbox: Inbox[tuple[int, int]] = Inbox()
    threads = [
        threading.Thread(target=lambda lane=lane: [inbox.put((lane, n)) for n in range(5_000)])
        for lane in range(4)
    ]
    for thread in threads:
        thread.start()
    taken: list[tuple[int, int]] = []
    while len(taken) < 20_000:
        some = inbox.take(SECS)
        assert some or any(thread.is_alive() for thread in threads), f"{len(taken)} arrived"
        taken += some
    for lane in range(4):
        assert [n for one, n in taken if one == lane] == list(range(5_000))
