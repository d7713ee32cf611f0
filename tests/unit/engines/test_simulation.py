"""Virtual time: things happen when they are due, in the order they were asked for."""

from duroxide_stress.engines.reference.simulation import EPOCH_NS, Clock


def test_things_happen_in_order_of_time_then_of_asking() -> None:
    """Equal times keep the order of the calls."""
    clock, done = Clock(), []
    for name, delay in (("late", 20), ("first", 10), ("second", 10), ("now", 0)):
        clock.after(delay, lambda n=name: done.append((n, clock.now_ns - EPOCH_NS)))
    while clock.next_ns() is not None:
        clock.step()
    assert done == [("now", 0), ("first", 10), ("second", 10), ("late", 20)]


def test_what_an_action_asks_for_counts_from_its_own_time() -> None:
    """Chains of actions advance the clock link by link."""
    clock = Clock()
    clock.after(5, lambda: clock.after(7, lambda: None))
    clock.step()
    assert clock.next_ns() == EPOCH_NS + 12


def test_time_never_runs_backwards() -> None:
    """Skipping to the past changes nothing; skipping ahead does nothing but pass."""
    clock = Clock()
    clock.skip_to(EPOCH_NS + 100)
    clock.skip_to(EPOCH_NS + 50)
    assert clock.now_ns == EPOCH_NS + 100
    assert clock.next_ns() is None
