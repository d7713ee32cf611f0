"""A recording's histories, instance by instance and execution by execution, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec

from duroxide_stress.recording.records import HistoryEvent
from duroxide_stress.recording.tables import Recording
from duroxide_stress.replay import grammar
from duroxide_stress.replay.driver import Past
from duroxide_stress.scenarios.base import FIRST_VERSION

BATCH = 1000

_ROWS = """
SELECT h.instance, h.execution, h.event_id, h.kind, h.source, h.ts_ms, h.data, x.orchestration
FROM history h LEFT JOIN executions x USING (instance, execution)
WHERE ($wanted IS NULL OR h.instance = $wanted)
  AND ($most IS NULL OR h.instance IN (SELECT DISTINCT instance FROM history
                                       WHERE $wanted IS NULL OR instance = $wanted
                                       ORDER BY instance LIMIT $most))
ORDER BY h.instance, h.execution, h.event_id
"""


class Unreadable(msgspec.Struct, frozen=True):
    """An execution whose history cannot be replayed."""

    execution: int
    why: str


def instances(
    recording: Recording, wanted: str | None, most: int | None
) -> Iterator[tuple[str, Iterator[Past | Unreadable]]]:
    """Each instance with its executions in order; `wanted` alone, or `most` of them.

    An instance's executions must be used before the next instance is asked for.
    """
    exact = recording.head.engine == "duroxide"
    for instance, rows in groupby(_rows(recording, wanted, most), key=lambda row: row[0]):
        executions = groupby(rows, key=lambda row: row[1])
        yield instance, (_past(list(group), exact=exact) for _, group in executions)


def _rows(recording: Recording, wanted: str | None, most: int | None) -> Iterator[tuple[Any, ...]]:
    found = recording.db.execute(_ROWS, {"wanted": wanted, "most": most})
    while rows := found.fetchmany(BATCH):
        yield from rows


def _past(rows: list[tuple[Any, ...]], *, exact: bool) -> Past | Unreadable:
    events = [HistoryEvent(*row[:7]) for row in rows]
    first = events[0]
    if first.kind != grammar.STARTED:
        return Unreadable(first.execution, f"its history begins with {first.kind}")
    try:
        started = grammar.fields(first)
        for event in events:
            if event.kind in (*grammar.STEPS, grammar.EVENT, grammar.MESSAGE):
                grammar.fields(event)
    except (ValueError, IndexError):
        return Unreadable(first.execution, "the data of an event is damaged")
    return Past(
        instance=first.instance,
        execution=first.execution,
        orchestration=started.text("name") or rows[0][7] or "",
        version=started.text("version") or FIRST_VERSION,
        input=started.rest or "",
        events=events,
        exact=exact,
    )
