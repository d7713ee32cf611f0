"""What must come out of a program, in pure Python and without an engine.

The oracle evaluates the tree on its own and does not call `walk`: an error in the shared walk
would otherwise be an error in what is expected too.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

import msgspec

from duroxide_stress.program import Activity, Json, Parallel, Sequence, Step, work

Events: TypeAlias = dict[str, int]


class Expectation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one instance owes. Stored with its op, so that a recording can be judged for ever."""

    output: Json
    """The JSON value the orchestration must return."""
    activities: int
    """Distinct activities that must really run, each at least once."""
    events: Events
    """History events per kind over the instance's life."""
    min_ms: int
    """The least time from first to last event that delays alone allow, with unlimited workers."""
    alike: str
    """Instances with the same word here were given the same work and input."""
    status: str = "Completed"


def expect(program: Step, instance: str, value: Json, alike: str) -> Expectation:
    """The expectation of one instance of `program` started with `value`."""
    events: Counter[str] = Counter({"OrchestrationStarted": 1, "OrchestrationCompleted": 1})
    activities = count_activities(program)
    events["ActivityScheduled"] += activities
    events["ActivityCompleted"] += activities
    return Expectation(
        output=_output(program, instance, value, "0"),
        activities=activities,
        events=dict(events),
        min_ms=least_ms(program),
        alike=alike,
    )


def count_activities(step: Step) -> int:
    """How many activities one instance runs."""
    match step:
        case Activity():
            return 1
        case Sequence(steps) | Parallel(steps):
            return sum(map(count_activities, steps))


def activity_ms(step: Step) -> int:
    """Worker time one instance needs: the sum of its activities' delays."""
    match step:
        case Activity(delay_ms):
            return delay_ms
        case Sequence(steps) | Parallel(steps):
            return sum(map(activity_ms, steps))


def least_ms(step: Step) -> int:
    """The length of the longest chain of delays: no engine can be faster on one instance."""
    match step:
        case Activity(delay_ms):
            return delay_ms
        case Sequence(steps):
            return sum(map(least_ms, steps))
        case Parallel(steps):
            return max(map(least_ms, steps), default=0)


def _output(step: Step, instance: str, value: Json, path: str) -> Json:
    match step:
        case Activity():
            return {"token": f"{instance}|1|{path}", "value": work(value, path)}
        case Sequence(steps) | Parallel(steps):
            return [_output(s, instance, value, f"{path}.{i}") for i, s in enumerate(steps)]
