"""Which instance is due next: by slots, by the clock, by the engine's backlog."""

from collections.abc import Iterator

from duroxide_stress.load.feed import LOOK_NS, Backlog, ByClock, Slots


def taken(feed: Slots | ByClock | Backlog, now: int) -> list[int]:
    """All that is due now."""
    found: list[int] = []
    while (due := feed.take(now, len(found))) is not None:
        found.append(due)
    return found


def test_a_slot_is_due_when_it_became_free() -> None:
    """And not when somebody looked."""
    feed = Slots(2, 100)
    assert taken(feed, 100) == [100, 100]
    assert feed.next_ns() is None
    feed.ended(0, 150)
    assert (taken(feed, 140), feed.next_ns()) == ([], 150)
    assert taken(feed, 900) == [150]


def test_the_clock_does_not_wait() -> None:
    """What is due is due, however late it is asked for; beyond the limit it is dropped."""
    dropped: list[tuple[int, int]] = []
    due: Iterator[int] = iter([0, 10, 20, 30, 40])
    feed = ByClock(due, 1_000, 2, lambda at, now: dropped.append((at, now)))
    assert taken(feed, 1_000) == [1_000]
    assert feed.next_ns() == 1_010
    assert taken(feed, 1_025) == [1_010]
    assert dropped == [(1_020, 1_025)]
    feed.ended(0, 1_026)
    assert taken(feed, 1_040) == [1_030]
    assert dropped[-1] == (1_040, 1_040)
    assert (feed.next_ns(), taken(feed, 9_999)) == (None, [])


def test_a_backlog_is_filled_up() -> None:
    """By what is missing at each look, four times a second, and never beyond the limit."""
    waiting = [0, 3, None, 5]
    feed = Backlog(5, 7, lambda now: waiting.pop(0))
    assert taken(feed, 0) == [0] * 5
    assert taken(feed, LOOK_NS - 1) == []
    for op in range(5):
        feed.answered(op)
    assert taken(feed, LOOK_NS) == [LOOK_NS] * 2
    feed.ended(0, LOOK_NS + 1)
    assert taken(feed, 2 * LOOK_NS) == []  # nobody could say how many wait
    assert taken(feed, 3 * LOOK_NS) == []
    assert feed.next_ns() == 4 * LOOK_NS


def test_what_is_on_its_way_is_not_missing() -> None:
    """A start that takes longer than a look is not made up for by another; what was answered, or given
    up, is no more on its way, and an answer to somebody else's start changes nothing."""
    feed = Backlog(5, 100, lambda now: 0)
    assert taken(feed, 0) == [0] * 5
    assert taken(feed, LOOK_NS) == []
    feed.answered(0)
    feed.ended(1, LOOK_NS)
    feed.answered(1)
    feed.answered(99)
    assert taken(feed, 2 * LOOK_NS) == [2 * LOOK_NS] * 2
