"""Damages that several checks are tried on, and one way to read what was caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from duroxide_stress.plan import Cell
from duroxide_stress.result import CheckResult
from duroxide_stress.verdict import Verdict
from recordings.make import Line, Recorded, Which, encoded, small_cell, where

ENDS = ("ok", "fail", "info")
RecordingOf = Callable[[Cell], Recorded]
"""The fixture `recording_of`."""


def caught(recorded: Recorded) -> dict[str, CheckResult]:
    """The checks that found something, by name."""
    return {n: c for n, c in recorded.checks().items() if c.verdict is Verdict.VIOLATED}


def end(recorded: Recorded, op: int, **line: Any) -> None:
    """Give an op another end than the one it had."""
    lines = recorded.lines("ops")
    for position, found in enumerate(lines):
        if found["type"] in ENDS and found.get("op") == op:
            lines[position] = {"op": op, "at_ns": found["at_ns"], **line}
    recorded.put("ops", lines)


def fail(recorded: Recorded, op: int, error: str, **books: Any) -> None:
    """Let an instance have failed, for the client and in the books."""
    of = where(instance=recorded.instance(op))
    end(recorded, op, type="fail", where="end", error=error)
    status = {"status": "Failed", "instance_status": "Failed", "output": None}
    recorded.change("executions", of, **status, error=error, **books)
    last = max(event["event_id"] for event in recorded.lines("history", of))
    recorded.change(
        "history",
        where(instance=recorded.instance(op), event_id=last),
        kind="OrchestrationFailed",
        data=error,
    )


def refuse(recorded: Recorded, op: int, error: str) -> None:
    """Let the start of an instance have been refused, so that the engine never knew it."""
    of = where(instance=recorded.instance(op))
    recorded.drop("ops", where(op=op, type="acked"))
    end(recorded, op, type="fail", where="start", error=error)
    for name in ("executions", "history", "effects"):
        recorded.drop(name, of)


def hang(recorded: Recorded, op: int) -> None:
    """Let an instance have got no further than its second event when its timeout was over."""
    instance = recorded.instance(op)
    end(recorded, op, type="info", reason="timeout")
    running = {"status": "Running", "instance_status": "Running", "output": None}
    recorded.change("executions", where(instance=instance), **running)
    recorded.drop("history", lambda e: e["instance"] == instance and e["event_id"] > 2)
    first = f"{instance}|1|0.0"
    recorded.drop("effects", lambda e: e["instance"] == instance and e["token"] != first)


def forget(recorded: Recorded, op: int) -> None:
    """Let the books have no trace of an instance that the client saw through."""
    for name in ("executions", "history"):
        recorded.drop(name, where(instance=recorded.instance(op)))


def empty(recorded: Recorded) -> None:
    """Let nothing at all have been launched."""
    recorded.drop("ops", lambda line: line["type"] != "mark")
    for name in ("effects", "executions", "history"):
        recorded.put(name, [])


def give(recorded: Recorded, op: int, output: Any) -> None:
    """Let the client have been given this output."""
    recorded.change("ops", where(op=op, type="ok"), output=output)


def book(recorded: Recorded, op: int, output: Any) -> None:
    """Let the books hold this output."""
    instance = recorded.instance(op)
    recorded.change("executions", where(instance=instance, current=True), output=encoded(output))
    ended = where(instance=instance, kind="OrchestrationCompleted")
    if recorded.lines("history", ended):
        recorded.change("history", ended, data=encoded(output))


def owe(recorded: Recorded, op: int, output: Any) -> None:
    """Let this be the output that an op expects."""
    (line,) = recorded.lines("ops", where(op=op, type="invoke"))
    expect = {**line["expect"], "output": output}
    recorded.change("ops", where(op=op, type="invoke"), expect=expect)


def twins(recorded: Recorded) -> list[int]:
    """The ops of one input class, in order: the three at least that a majority needs."""
    first = recorded.lines("ops", where(type="invoke", op=0))[0]["expect"]["alike"]
    alike = [
        line["op"]
        for line in recorded.lines("ops", where(type="invoke"))
        if line["expect"]["alike"] == first
    ]
    assert len(alike) >= 3
    return alike


CELLS: dict[str, Cell] = {
    cell.scenario: cell
    for cell in (
        small_cell("parallel"),
        small_cell("timers", {"count": 3, "herd": 2}),
        small_cell("long-running", {"generations": 4}, max_concurrent=4),
        small_cell("sub-orchestrations", {"width": 2}),
        small_cell("large-payload", {"max_kb": 1}),
        small_cell("events"),
        small_cell("failures"),
        small_cell("cancellation", {"within_ms": 500}),
        small_cell("races"),
        small_cell("versions", {"pause_ms": 50}),
        msgspec.structs.replace(
            small_cell("mixed"),
            options={
                "mixed": {"events": 1, "large-payload": 1, "cancellation": 1},
                "cancellation": {"within_ms": 300},
                "large-payload": {"max_kb": 1},
            },
        ),
    )
}
"""A cell of every scenario, small enough to be judged a hundred times."""


def event(recorded: Recorded, instance: str, kind: str, nth: int = 0) -> Line:
    """The nth event of this kind in the instance's histories."""
    found = recorded.lines("history", where(instance=instance, kind=kind))
    return found[nth]


def this(line: Line) -> Which:
    """The one line of the history that stands where this one does."""
    return where(**{key: line[key] for key in ("instance", "execution", "event_id")})


def remove(recorded: Recorded, line: Line) -> None:
    """Take one event out of a history and close the gap, so that nothing but its absence is seen."""
    recorded.drop("history", this(line))
    _shift(recorded, line, -1)


def insert(recorded: Recorded, line: Line) -> None:
    """Put one event into a history at its event id; the later ones move on."""
    _shift(recorded, {**line, "event_id": line["event_id"] - 1}, 1)
    recorded.add("history", line)


def _shift(recorded: Recorded, line: Line, by: int) -> None:
    lines = recorded.lines("history")
    for other in lines:
        if (other["instance"], other["execution"]) == (line["instance"], line["execution"]):
            for key in ("event_id", "source"):
                if other[key] is not None and other[key] > line["event_id"]:
                    other[key] += by
    recorded.put("history", lines)


def root(recorded: Recorded, orchestration: str = "", nth: int = 0) -> str:
    """The nth root instance, of this orchestration if one is named."""
    roots = [
        line["instance"]
        for line in recorded.lines("executions", where(parent=None, current=True))
        if line["orchestration"].startswith(orchestration)
    ]
    return str(roots[nth])


def op_of(recorded: Recorded, instance: str) -> int:
    """The op that started an instance."""
    return int(recorded.lines("ops", where(type="invoke", instance=instance))[0]["op"])


def told(recorded: Recorded, check: str) -> set[tuple[str | None, str]]:
    """What one check has found: instance and words."""
    return {(f.instance, f.what) for f in recorded.checks(check)[check].findings}
