"""Damages that several checks are tried on, and one way to read what was caught."""

from __future__ import annotations

from typing import Any

from duroxide_stress.result import CheckResult
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, encoded, where

ENDS = ("ok", "fail", "info")


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
    recorded.change("executions", of, status="Failed", output=None, error=error, **books)
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
    recorded.change("executions", where(instance=instance), status="Running", output=None)
    recorded.drop("history", lambda e: e["instance"] == instance and e["event_id"] > 2)


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
    of = where(instance=recorded.instance(op))
    recorded.change("executions", of, output=encoded(output))


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
