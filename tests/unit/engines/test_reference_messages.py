"""The reference engine's mail: queues keep everything, positional events only what is awaited."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duroxide_stress.program import AwaitEvent, Generations, Program, Receive, Sequence, Timer
from duroxide_stress.recording.records import Acted, Fail, Ok
from duroxide_stress.scenarios.base import Action

from ..hand_engine import ByHand
from ..virtual import OneRoot, Run, cell, run_cell


def run_two(program: Program, *actions: Action) -> tuple[OneRoot, Run]:
    """Two instances of it, each called like this, to their ends."""
    work = OneRoot({"one": program}, actions=actions, limit=2)
    return work, run_cell(cell(duration_secs=0.1, warmup_secs=0, wait_timeout_secs=1), work)


def outputs(run: Run) -> list:
    """What both instances returned."""
    found = [ok.output for ok in run.ops.of(Ok)]
    assert len(found) == run.driver.launched == 2
    return found


def messages(pauses: dict[str, list[int]]) -> list[Action]:
    """Each sender's numbers, each so long after the one before."""
    return [
        Action("enqueue", sum(gaps[: n + 1]), "inbox", {"sender": sender, "number": n}, sender)
        for sender, gaps in pauses.items()
        for n in range(len(gaps))
    ]


SENDERS = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.integers(0, 20), min_size=1, max_size=6), min_size=1
)


def all_of(sent: list[Action]) -> dict[str, list[int]]:
    """What an instance that was sent these must have received."""
    numbers = Counter(action.sender for action in sent)
    return {sender: list(range(number)) for sender, number in sorted(numbers.items())}


@settings(max_examples=60)
@given(SENDERS, st.integers(1, 5))
def test_every_message_counts_once_and_in_order_over_all_generations(
    pauses: dict[str, list[int]], batch: int
) -> None:
    """However fast they come: what one generation does not read is there for the next."""
    sent = messages(pauses)
    batch = min(batch, len(sent))
    generations = len(sent) // batch
    sent = sent[: generations * batch]
    work, run = run_two(Generations(generations, Receive("inbox", batch), merge=True), *sent)
    assert outputs(run) == [{"generations": generations, "results": all_of(sent)}] * 2
    assert len(run.ops.of(Acted)) == 2 * len(sent)
    for op in range(2):
        order = work.order(op)
        counts = Counter(event.kind for event in run.history[order.instance])
        assert counts["QueueSubscribed"] == len(sent)
        assert {kind: counts[kind] for kind in order.expect.events} == order.expect.events


@pytest.mark.parametrize("busy_ms", [0, 10, 100])
def test_messages_wait_for_a_program_that_is_busy(busy_ms: int) -> None:
    """Whether they come before or after it begins to read."""
    sent = messages({"a": [0, 20, 40], "b": [5, 50]})
    _, run = run_two(Sequence((Timer(busy_ms), Receive("inbox", len(sent)))), *sent)
    assert outputs(run) == [[None, all_of(sent)]] * 2


@given(SENDERS, st.integers(1, 4))
def test_the_walk_folds_what_it_receives(pauses: dict[str, list[int]], count: int) -> None:
    """By hand: all messages of all generations, per sender, in the order in which they came."""
    letters = [action.data for action in messages(pauses)]
    programs = {"one": Generations(count, Receive("inbox", len(letters)), merge=True)}
    came = ByHand(programs, mail={"inbox": letters * count}).run("one", "i", 0)
    once = all_of(messages(pauses))
    received = {sender: numbers * count for sender, numbers in once.items()}
    assert came.output == {"generations": count, "results": received}


@pytest.mark.parametrize(
    ("program", "raised", "output"),
    [
        (AwaitEvent("go"), [("go", 50)], 0),
        (AwaitEvent("go"), [("other", 10), ("go", 50), ("go", 60)], 1),
        (Sequence((Timer(30), AwaitEvent("go"))), [("go", 10), ("go", 50)], [None, 1]),
        (Sequence((AwaitEvent("go"), AwaitEvent("go"))), [("go", 5), ("go", 9)], [0, 1]),
    ],
)
def test_a_positional_event_counts_only_while_it_is_awaited(
    program: Program, raised: list[tuple[str, int]], output: object
) -> None:
    """What comes too early, or under another name, is dropped; the program goes on with the next."""
    actions = [Action("raise", ms, name, number) for number, (name, ms) in enumerate(raised)]
    work, run = run_two(program, *actions)
    assert outputs(run) == [output] * 2
    events = work.order(0).expect.events
    counts = Counter(event.kind for event in run.history["one-0"])
    assert {kind: counts[kind] for kind in events} == events


def test_a_cancel_ends_the_instance_with_its_reason() -> None:
    """Once, as a failure, and what was open is revoked."""
    _, run = run_two(Timer(500), Action("cancel", 20, data="enough"))
    assert {end.error for end in run.ops.of(Fail)} == {"canceled: enough"}
    for history in run.history.values():
        assert [event.kind for event in history] == [
            "OrchestrationStarted",
            "TimerCreated",
            "OrchestrationCancelRequested",
            "OrchestrationFailed",
        ]
    assert {e.category for e in run.executions} == {"canceled"}
