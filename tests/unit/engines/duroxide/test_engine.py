"""Duroxide's books in the recording's words, from a client of our own."""

from types import SimpleNamespace
from typing import Any

import pytest

from duroxide_stress.engines.duroxide.engine import _failure, _instance
from duroxide_stress.recording.records import Execution, HistoryEvent

INFRASTRUCTURE = (
    '{"Infrastructure":{"operation":"list_instances","message":"disk I/O error","retryable":true}}'
)
CANCELED = '{"Application":{"kind":{"Cancelled":{"reason":"x"}},"message":"","retryable":false}}'


@pytest.mark.parametrize(
    ("data", "category", "retryable", "error"),
    [
        (INFRASTRUCTURE, "infrastructure", True, "list_instances: disk I/O error"),
        (CANCELED, "canceled", False, CANCELED),
        (
            '{"Application":{"kind":"OrchestrationFailed","message":"boom","retryable":false}}',
            "application",
            False,
            "boom",
        ),
        (
            '{"Configuration":{"kind":{"Nondeterminism":{}},"message":"nondeterministic: id 2"}}',
            "configuration",
            None,
            "nondeterministic: id 2",
        ),
        ('{"Poison":{"attempt_count":11}}', "poison", None, '{"Poison":{"attempt_count":11}}'),
        ('{"Poison":"too often"}', "poison", None, "too often"),
        ("boom", "application", None, "boom"),
        ("", "application", None, ""),
        (None, "application", None, None),
        ("{}", "application", None, "{}"),
        ("[1]", "application", None, "[1]"),
        ("null", "application", None, "null"),
        ('"text"', "application", None, '"text"'),
        ('{"Infrastructure"', "application", None, '{"Infrastructure"'),
    ],
)
def test_failures_are_sorted(
    data: str | None, category: str, retryable: bool | None, error: str | None
) -> None:
    """Category, retryability and words are the engine's; what cannot be read is kept as it is."""
    assert _failure(data) == {"category": category, "retryable": retryable, "error": error}


def event(number: int, kind: str, data: str | None = None) -> SimpleNamespace:
    """One event as the SDK gives it."""
    return SimpleNamespace(
        event_id=number, kind=kind, source_event_id=None, timestamp_ms=1000 + number, data=data
    )


class FakeClient:
    """The books of one instance: execution number → (status, output, events)."""

    def __init__(self, books: dict[int, tuple[str, str | None, list]], current: int = 1) -> None:
        self.books, self.current = books, current

    def list_executions(self, instance: str) -> list[int]:
        return list(self.books)

    def get_instance_info(self, instance: str) -> SimpleNamespace:
        return SimpleNamespace(
            current_execution_id=self.current,
            parent_instance_id="up",
            orchestration_name="one",
            status=self.books[self.current][0],
        )

    def get_execution_info(self, instance: str, number: int) -> SimpleNamespace:
        return SimpleNamespace(status=self.books[number][0], output=self.books[number][1])

    def read_execution_history(self, instance: str, number: int) -> list:
        return self.books[number][2]


def books(client: Any, *, listed: bool = True) -> tuple[list[Execution], list[HistoryEvent]]:
    """What is copied out, executions and events apart."""
    records = list(_instance(client, "i", listed=listed))
    return (
        [record for record in records if isinstance(record, Execution)],
        [record for record in records if isinstance(record, HistoryEvent)],
    )


def test_every_execution_is_copied_with_its_events() -> None:
    """All generations are there, and which of them is current."""
    first = [event(1, "OrchestrationStarted", "{}"), event(2, "OrchestrationContinuedAsNew")]
    second = [event(1, "OrchestrationStarted", "{}"), event(2, "OrchestrationCompleted", "7")]
    client = FakeClient({1: ("ContinuedAsNew", None, first), 2: ("Completed", "7", second)}, 2)
    executions, history = books(client)
    assert [(e.execution, e.status, e.events, e.current, e.output) for e in executions] == [
        (1, "ContinuedAsNew", 2, False, None),
        (2, "Completed", 2, True, "7"),
    ]
    assert {(e.parent, e.orchestration, e.category) for e in executions} == {("up", "one", None)}
    assert [(e.execution, e.event_id, e.ts_ms, e.data) for e in history] == [
        (1, 1, 1001, "{}"),
        (1, 2, 1002, None),
        (2, 1, 1001, "{}"),
        (2, 2, 1002, "7"),
    ]


def test_which_execution_is_current_is_the_engines_word() -> None:
    """The highest number is not it when the books disagree, and disagreeing is a finding."""
    client = FakeClient({1: ("Running", None, []), 2: ("Completed", "7", [])}, current=1)
    assert [execution.current for execution in books(client)[0]] == [True, False]


@pytest.mark.parametrize("after", [[], [event(3, "ActivityCancelRequested")]])
def test_a_failure_is_read_from_its_own_event(after: list) -> None:
    """The engine writes cancel requests for open activities after the terminal event."""
    events = [event(1, "OrchestrationStarted"), event(2, "OrchestrationFailed", CANCELED), *after]
    ((execution,), _) = books(FakeClient({1: ("Failed", None, events)}))
    assert (execution.category, execution.retryable) == ("canceled", False)


def test_a_failure_without_its_event_is_still_a_failure() -> None:
    """A torn history makes no other figure up."""
    ((execution,), history) = books(FakeClient({1: ("Failed", None, [])}))
    assert (execution.status, execution.category, execution.error) == (
        "Failed",
        "application",
        None,
    )
    assert history == []


def test_an_instance_that_was_never_turned_is_listed_as_not_started() -> None:
    """The store knows its name and nothing else."""
    ((execution,), history) = books(FakeClient({}))
    assert (execution.status, execution.events, history) == ("NotStarted", 0, [])


def test_an_instance_the_store_never_heard_of_leaves_nothing() -> None:
    """Nothing is made up for what only the driver knows."""
    assert books(FakeClient({}), listed=False) == ([], [])


def test_an_execution_without_an_instance_row_is_copied_as_unlisted() -> None:
    """The engine lists it nowhere, so its info is not asked for; its books are still evidence."""
    client = FakeClient({1: ("Failed", None, []), 2: ("Completed", "7", [])})
    executions, _ = books(client, listed=False)
    assert [(e.listed, e.current, e.parent) for e in executions] == [
        (False, False, None),
        (False, True, None),
    ]
