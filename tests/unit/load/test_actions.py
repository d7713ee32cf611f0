"""Client calls to running instances: each at its time, a sender's never overtaking each other."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.engines.base import Acted
from duroxide_stress.load.actions import Actions
from duroxide_stress.oracle import Oracle
from duroxide_stress.program import Sequence
from duroxide_stress.recording import records
from duroxide_stress.scenarios.base import Action, Order
from duroxide_stress.units import NS_PER_MS

from ..virtual import Tape

EXPECT = Oracle({"none": Sequence(())}).expect("none", "i", None, "")


class Calls:
    """A session that notes calls and returns them when it is told to."""

    def __init__(self) -> None:
        self.open: list[tuple[int, int]] = []

    def act(self, order: Order, number: int, action: Action) -> None:
        """Note the call; it has not returned."""
        assert order.actions[number] is action
        self.open.append((order.op, number))


class Agenda:
    """The agenda under test, on a clock that goes where a test says."""

    def __init__(self) -> None:
        self.session, self.tape = Calls(), Tape()
        self.actions = Actions(self.session, self.tape)

    def begin(self, op: int, *actions: Action, at_ms: int = 0) -> Order:
        """An instance with these calls is acknowledged."""
        order = Order(op, f"i-{op}", "none", None, EXPECT, "part", actions)
        self.actions.begin(order, at_ms * NS_PER_MS)
        return order

    def go(self, ms: int) -> list[tuple[int, int]]:
        """Let it be so late; returns the calls that this brought."""
        before = len(self.session.open)
        self.actions.carry_out(ms * NS_PER_MS)
        return self.session.open[before:]

    def back(self, op: int, number: int, ms: int, error: str | None = None) -> None:
        """A call returns."""
        self.actions.done(Acted(op, number, ms * NS_PER_MS - 1, ms * NS_PER_MS, error))

    def next_ms(self) -> float | None:
        """When the next call is due."""
        due_ns = self.actions.next_ns()
        return None if due_ns is None else due_ns / NS_PER_MS


def message(after_ms: int, sender: str = "a") -> Action:
    """A message so long after the acknowledgement."""
    return Action("enqueue", after_ms, "inbox", {"from": sender}, sender)


def test_calls_are_due_from_the_acknowledgement_on() -> None:
    """Not before, and not from when the instance was wanted."""
    agenda = Agenda()
    agenda.begin(0, message(20), at_ms=100)
    assert agenda.next_ms() == 120
    assert agenda.go(119) == []
    assert agenda.go(120) == [(0, 0)]
    assert agenda.next_ms() is None


@pytest.mark.parametrize(("back_ms", "due_ms"), [(3, 10), (10, 10), (25, 25)])
def test_a_senders_next_call_waits_for_its_own_time_and_for_the_one_before(
    back_ms: int, due_ms: int
) -> None:
    """Whichever is later; until the earlier call has returned there is nothing to be due."""
    agenda = Agenda()
    agenda.begin(0, message(0), message(10))
    assert agenda.go(0) == [(0, 0)]
    assert (agenda.next_ms(), agenda.go(1_000)) == (None, [])
    agenda.back(0, 0, back_ms)
    assert agenda.next_ms() == due_ms
    assert agenda.go(due_ms) == [(0, 1)]


def test_a_call_that_raised_lets_its_sender_go_on() -> None:
    """One lost call does not silence the sender, and its error is recorded."""
    agenda = Agenda()
    agenda.begin(0, message(0), message(0))
    agenda.go(0)
    agenda.back(0, 0, 5, error="no such instance")
    assert agenda.go(5) == [(0, 1)]
    assert [acted.error for acted in agenda.tape.of(records.Acted)] == ["no such instance"]


def test_senders_do_not_wait_for_each_other() -> None:
    """Neither within an instance nor between instances that name theirs alike."""
    agenda = Agenda()
    agenda.begin(0, message(0, "a"), message(0, "b"), message(5, "a"))
    agenda.begin(1, message(0, "a"))
    assert sorted(agenda.go(0)) == [(0, 0), (0, 1), (1, 0)]
    agenda.back(1, 0, 1)
    assert agenda.go(9) == []
    agenda.back(0, 0, 9)
    assert agenda.go(9) == [(0, 2)]


def test_nothing_is_called_after_the_end() -> None:
    """Neither what was due nor what a late return would have let go; the return is recorded."""
    agenda = Agenda()
    agenda.begin(0, message(0), message(0), message(50, "b"))
    agenda.begin(1, message(60))
    agenda.go(0)
    agenda.actions.forget(0)
    agenda.back(0, 0, 7)
    assert agenda.go(1_000) == [(1, 0)]
    assert [(acted.op, acted.number) for acted in agenda.tape.of(records.Acted)] == [(0, 0)]


def test_an_instance_that_nobody_calls_leaves_no_trace() -> None:
    """Most instances have no calls, and may be forgotten as often as one likes."""
    agenda = Agenda()
    agenda.begin(0)
    for _ in range(2):
        agenda.actions.forget(0)
    assert (agenda.next_ms(), agenda.go(1_000), agenda.tape.records) == (None, [], [])


def test_calls_to_ended_instances_do_not_pile_up() -> None:
    """A cancel may be due in an hour, and its instance be over in a second."""
    agenda = Agenda()
    for op in range(10_000):
        agenda.begin(op, Action("cancel", after_ms=3_600_000 + op))
        if op < 9_999:
            agenda.actions.forget(op)
    assert len(agenda.actions._agenda) < 100
    assert agenda.go(2 * 3_600_000) == [(9_999, 0)]


def test_each_call_is_recorded_before_it_is_made() -> None:
    """What, by whom, with what and when it was due; then that it returned."""
    agenda = Agenda()
    agenda.begin(4, message(10, "s"), Action("cancel", 30, data="enough"))
    agenda.go(40)
    agenda.back(4, 0, 41)
    ms = NS_PER_MS
    assert agenda.tape.records == [
        records.Act(4, 0, "enqueue", "inbox", "s", {"from": "s"}, 10 * ms),
        records.Act(4, 1, "cancel", "", "", "enough", 30 * ms),
        records.Acted(4, 0, 41 * ms - 1, 41 * ms),
    ]


PLANS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), min_size=1, max_size=12)


@given(PLANS, st.randoms(use_true_random=False))
def test_no_call_overtakes_its_senders_earlier_ones(plan: list, rng) -> None:
    """However long each call takes: made once, not before its time, after the one before it."""
    agenda, now, returns = Agenda(), 0, {}
    agenda.begin(0, *(message(after_ms, sender) for after_ms, sender in plan))
    made: dict[int, int] = {}
    while len(returns) < len(plan):
        for _, number in agenda.go(now):
            made[number] = now
        number = rng.choice(sorted(made.keys() - returns.keys()) or [None])
        now += rng.randrange(4)
        if number is not None and rng.random() < 0.5:
            returns[number] = now
            agenda.back(0, number, now)
    assert sorted(made) == list(range(len(plan)))
    assert all(made[number] >= plan[number][0] for number in made)
    for sender in "abc":
        own = [number for number, (_, of) in enumerate(plan) if of == sender]
        assert all(returns[earlier] <= made[later] for earlier, later in pairwise(own))
