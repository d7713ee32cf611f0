"""What the network does to bytes, as figures: delays that repeat, a bucket that fills."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from duroxide_stress.faults.wire import (
    ANSWERS,
    BURST_SECS,
    REQUESTS,
    Bucket,
    Link,
    Shape,
    delays_secs,
)


class Clock:
    """The part of an event loop that a link uses, with a time of its own."""

    def __init__(self) -> None:
        self.now_secs = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now_secs

    def call_later(self, secs: float, act: Callable[[], None]) -> object:
        self.timers.append((self.now_secs + secs, act))
        return self.timers[-1]

    def fire(self) -> None:
        """Let the time of the one timer come."""
        [(self.now_secs, act)], self.timers = self.timers, []
        act()


class Asker:
    """Stands for a pipe with much to send."""

    def __init__(self, link: Link) -> None:
        self.link, self.granted = link, [0]

    def update(self) -> None:
        while granted := self.link.grant(self, 1000):  # type: ignore[arg-type]
            self.granted.append(granted)


def test_the_same_seed_gives_the_same_delays() -> None:
    """Streams repeat, differ by connection, direction and seed, and stay in their bounds."""

    def first(shape: Shape, connection: int = 0, direction: str = REQUESTS) -> list[float]:
        return list(itertools.islice(delays_secs(shape, connection, direction), 100))

    shape = Shape(latency_ms=10, jitter_ms=4, seed=3)
    assert first(shape) == first(shape)
    other = Shape(latency_ms=10, jitter_ms=4, seed=4)
    streams = [first(shape), first(shape, 1), first(shape, 0, ANSWERS), first(other)]
    assert len({tuple(stream) for stream in streams}) == 4
    assert all(0.006 <= secs <= 0.014 for stream in streams for secs in stream)
    assert first(Shape(latency_ms=5)) == [0.005] * 100


@pytest.mark.parametrize(
    ("figures", "word"),
    [
        ({"latency_ms": -1}, "latency_ms"),
        ({"latency_ms": float("nan")}, "latency_ms"),
        ({"bandwidth_bytes_per_sec": float("inf")}, "bandwidth"),
        ({"latency_ms": 1, "jitter_ms": 2}, "exceed"),
    ],
)
def test_an_impossible_shape_is_refused(figures: dict[str, float], word: str) -> None:
    """In one sentence that names the figure."""
    with pytest.raises(ValueError, match=word):
        Shape(**figures)  # type: ignore[arg-type]


def test_a_bucket_grants_what_the_rate_has_brought() -> None:
    """Empty at first, never more than it holds, and nothing granted is lost."""
    bucket = Bucket(1024, now_secs=5.0)
    assert bucket.take(100, 5.0) == 0
    assert bucket.take(100, 5.0078125) == 8
    assert bucket.take(100, 99.0) == int(1024 * BURST_SECS)
    bucket.give_back(4)
    assert bucket.take(3, 99.0) == 3
    assert bucket.full_secs() == pytest.approx(BURST_SECS - 1.24 / 1024)
    assert Bucket(1, 0.0).take(9, 60.0) == 1


def test_whoever_waits_is_served_in_turn() -> None:
    """Each full bucket goes to the one who has waited longest, and nobody comes in between."""
    clock: Any = Clock()
    link = Link(clock)
    link.narrow(1024)
    first, second, third = (Asker(link) for _ in range(3))
    first.update()
    second.update()
    clock.now_secs = BURST_SECS / 2
    third.update()
    turns = []
    for _ in range(6):
        clock.fire()
        turns.append([sum(each.granted) for each in (first, second, third)])
    assert turns == [
        [10, 0, 0],
        [10, 10, 0],
        [10, 10, 10],
        [20, 10, 10],
        [20, 20, 10],
        [20, 20, 20],
    ]
    link.give_back(7)
    fourth = Asker(Link(clock))
    assert fourth.link.grant(fourth, 1000) == 1000  # type: ignore[arg-type]
