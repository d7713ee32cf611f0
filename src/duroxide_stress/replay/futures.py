"""Tasks as the engine carries them out: each a future that takes steps and waits for answers."""

from __future__ import annotations

import json
from typing import Any

from duroxide_stress.program import Json
from duroxide_stress.replay import grammar
from duroxide_stress.replay.desk import Answer, Desk, Future, Step
from duroxide_stress.replay.numbers import taken_apart
from duroxide_stress.replay.tasks import (
    Activity,
    Child,
    ChildWithId,
    ContinueAsNew,
    ContinueAsNewVersioned,
    DequeueEvent,
    Detached,
    Join,
    NewGuid,
    Retried,
    Select,
    Task,
    Timer,
    UtcNow,
    WaitEvent,
)

TIMED_OUT = "timeout: activity timed out"
_NOTHING = Answer("null")


def future_of(desk: Desk, task: Task) -> Future:
    """What the engine does for one yielded task."""
    match task:
        case Join(tasks):
            return _join(desk, tasks)
        case Select(tasks):
            return _select(desk, tasks)
        case Detached(name, _, given):
            return _detached(desk, Step(grammar.DETACHED, name, given))
        case NewGuid():
            return _guid(desk)
        case UtcNow():
            return desk.awaited(Step(grammar.ACTIVITY, grammar.UTC_NOW, ""))
        case ContinueAsNewVersioned(given, version):
            return desk.awaited(Step(grammar.CONTINUED, input=given, version=version))
        case ContinueAsNew(given):
            return desk.awaited(Step(grammar.CONTINUED, input=given))
        case _:
            return _leaf(desk, task, "")


def advance(future: Future) -> Answer | None:
    """Poll a future once; None as long as it waits."""
    try:
        next(future)
    except StopIteration as over:
        answer: Answer = over.value
        return answer
    return None


def value_of(text: str) -> Json:
    """A result's text as code is given it."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def words_of(text: str) -> str:
    """A failure's text as code is given it."""
    value = value_of(text)
    return value if isinstance(value, str) else json.dumps(value)


def _leaf(desk: Desk, task: Task, where: str) -> Future:
    """What can also stand within all and race; the rest is refused there as a failure."""
    match task:
        case Activity(name, given):
            return desk.awaited(Step(grammar.ACTIVITY, name, given))
        case Retried():
            return _retried(desk, task)
        case Timer(delay_ms):
            return desk.awaited(Step(grammar.TIMER, delay_ms=delay_ms))
        case Child(name, given):
            return desk.awaited(Step(grammar.CHILD, name, given))
        case ChildWithId(name, child, given):
            return desk.awaited(Step(grammar.CHILD, name, given, child))
        case WaitEvent(name):
            return desk.listened(name)
        case DequeueEvent(queue):
            return desk.dequeued(queue)
        case _:
            return _refused(f"unsupported task in {where}")


def _refused(words: str) -> Future:
    return Answer(words, failed=True)
    yield  # makes this a future, like the others


def _detached(desk: Desk, step: Step) -> Future:
    desk.take(step)
    return _NOTHING
    yield  # makes this a future, like the others


def _guid(desk: Desk) -> Future:
    answer = yield from desk.awaited(Step(grammar.ACTIVITY, grammar.NEW_GUID, ""))
    return answer if answer.failed else Answer(json.dumps(answer.text))


def _retried(desk: Desk, task: Retried) -> Future:
    """Attempts with pauses between them. One that takes too long ends it all, unlike a failed one."""
    answer = Answer("", failed=True)
    for attempt in range(1, task.retry.max_attempts + 1):
        running = desk.awaited(Step(grammar.ACTIVITY, task.name, task.input))
        if task.retry.deadline_ms is None:
            answer = yield from running
        else:
            deadline = desk.awaited(Step(grammar.TIMER, delay_ms=task.retry.deadline_ms))
            late, answer = yield from _first(running, deadline)
            if late:
                return Answer(TIMED_OUT, failed=True)
        if not answer.failed:
            break
        if attempt < task.retry.max_attempts:
            yield from desk.awaited(Step(grammar.TIMER, delay_ms=task.retry.pause_ms(attempt)))
    return answer


def _first(one: Future, other: Future) -> Any:
    """Whichever is answered first, the first of both when both are; the other is given up."""
    while True:
        for index, future in enumerate((one, other)):
            if (answer := advance(future)) is not None:
                (other, one)[index].close()
                return index, answer
        yield


def _nests(tasks: list[Task]) -> bool:
    return any(isinstance(task, Join | Select) for task in tasks)


def _select(desk: Desk, tasks: list[Task]) -> Future:
    if len(tasks) != 2:
        return _refused("select currently supports exactly 2 tasks")
    if _nests(tasks):
        return _refused("nested join/select inside select is not supported")
    return _race(*(_leaf(desk, task, "select") for task in tasks))


def _race(one: Future, other: Future) -> Future:
    first: tuple[int, Answer] = yield from _first(one, other)
    index, answer = first
    if answer.failed:
        return answer
    return Answer(json.dumps({"index": index, "value": taken_apart(answer.text)}))


def _join(desk: Desk, tasks: list[Task]) -> Future:
    if _nests(tasks):
        return _refused("nested join/select inside join is not supported")
    return _joined([_leaf(desk, task, "join") for task in tasks])


def _joined(members: list[Future]) -> Future:
    answers: dict[int, Answer] = {}
    while True:
        for number, member in enumerate(members):
            if number not in answers and (answer := advance(member)) is not None:
                answers[number] = answer
        if len(answers) == len(members):
            break
        yield
    ordered = (answers[number] for number in range(len(members)))
    outcomes = [{"err" if a.failed else "ok": taken_apart(a.text)} for a in ordered]
    return Answer(json.dumps(taken_apart(json.dumps(outcomes))))  # the engine does so twice
