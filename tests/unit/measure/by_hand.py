"""Recordings of a few instances whose figures can be worked out on paper."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from duroxide_stress.recording.tables import Recording
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC
from recordings.make import Line, Recorded, where

WINDOW_SECS = 10
BEFORE_MS, AFTER_MS = 200, 1_000
"""Warm-up and drain."""


class ByHand:
    """A cell whose window is ten seconds; all times are ms from the opening of the window."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.begin_ns = recorded.mark("window_begin")
        self._template = recorded.lines("ops", where(type="invoke", op=0))[0]
        self._lines: dict[str, list[Line]] = {"effects": [], "executions": [], "history": []}
        marks = {
            "begin": -BEFORE_MS,
            "window_begin": 0,
            "window_end": WINDOW_SECS * 1000,
            "drained": WINDOW_SECS * 1000 + AFTER_MS,
        }
        self._lines["ops"] = [
            {"type": "mark", "name": name, "at_ns": self.at(ms)} for name, ms in marks.items()
        ]
        self._lines["samples"] = []
        self._count = 0
        self.part, self.owed = "parallel", {}
        """What the next instances are a part of, and what they owe."""

    def at(self, ms: float) -> int:
        """A moment in ns."""
        return self.begin_ns + round(ms * NS_PER_MS)

    def launch(self, due_ms: float, begun_ms: float | None = None) -> tuple[int, str]:
        """An instance that was started, and of which nothing more is known. Returns op and id."""
        op = self._count
        self._count += 1
        instance = f"par-{op:07d}"
        begun_ms = due_ms if begun_ms is None else begun_ms
        changed = {"op": op, "instance": instance, "due_ns": self.at(due_ms), "part": self.part}
        expect = {**self._template["expect"], **self.owed}
        self._lines["ops"] += [
            {**self._template, **changed, "expect": expect},
            {
                "type": "acked",
                "op": op,
                "begun_ns": self.at(begun_ms),
                "at_ns": self.at(begun_ms + 1),
            },
        ]
        return op, instance

    def complete(
        self,
        due_ms: float,
        durable_ms: float | None,
        *,
        begun_ms: float | None = None,
        seen_ms: float | None = None,
    ) -> None:
        """An instance that the client saw completed; `durable_ms` None when the books lost it."""
        op, instance = self.launch(due_ms, begun_ms)
        seen_ms = (durable_ms or 0) + 2 if seen_ms is None else seen_ms
        self.line("ops", type="ok", op=op, at_ns=self.at(seen_ms), output=[])
        if durable_ms is not None:
            self._book(instance, "Completed", durable_ms)

    def fail(self, due_ms: float, error: str, category: str | None = "application") -> None:
        """An instance that failed 5 ms after it was due; no category means no books."""
        op, instance = self.launch(due_ms)
        self.line("ops", type="fail", op=op, at_ns=self.at(due_ms + 5), where="end", error=error)
        if category is not None:
            self._book(instance, "Failed", due_ms + 5, category=category, error=error)

    def refuse(self, due_ms: float, error: str) -> None:
        """An instance whose start was refused."""
        op, _ = self.launch(due_ms)
        self._lines["ops"].pop()
        at_ns = self.at(due_ms + 5)
        self.line("ops", type="fail", op=op, at_ns=at_ns, where="start", error=error)

    def give_up(self, due_ms: float, reason: str) -> None:
        """An instance whose end nobody knows."""
        op, _ = self.launch(due_ms)
        self.line("ops", type="info", op=op, at_ns=self.at(due_ms + 60_000), reason=reason)

    def execution(
        self,
        begun_ms: float,
        ended_ms: float,
        *,
        instance: str = "long",
        number: int = 1,
        events: int = 2,
        **books: Any,
    ) -> None:
        """One execution of an instance that is not the client's own, all its events but the last at
        its beginning."""
        of = {"instance": instance, "execution": number}
        self.line("executions", **of, **{"status": "Completed", "current": True, **books})
        for event_id in range(1, events + 1):
            ts_ms = self.at(ended_ms if event_id == events else begun_ms) // NS_PER_MS
            self.line("history", **of, event_id=event_id, kind="Any", ts_ms=ts_ms)

    def timer(self, due_ms: float, fired_ms: float | None) -> None:
        """A timer, and its firing if it fired."""
        number = len(self._lines["history"]) + 1
        of = {"instance": "timed", "execution": 1}
        due = json.dumps({"fireAtMs": self.at(due_ms) // NS_PER_MS})
        self.line("history", **of, event_id=number, kind="TimerCreated", ts_ms=0, data=due)
        if fired_ms is not None:
            fired = {"kind": "TimerFired", "source": number}
            ts_ms = self.at(fired_ms) // NS_PER_MS
            self.line("history", **of, event_id=number + 1, ts_ms=ts_ms, **fired)

    def sample(self, ms: float, source: str, **fields: Any) -> None:
        """One sample."""
        self.line("samples", at_ns=self.at(ms), source=source, **fields)

    def cores(self, source: str, cores: float) -> None:
        """Two samples between which `source` kept so many cores busy."""
        for ms in (1_000, 9_000):
            used = round(cores * (ms - 1_000) * NS_PER_MS)
            self.sample(ms, source, cpu_ns=7 * NS_PER_SEC + used)

    def queues(self, ms: float, orchestrator: int, worker: int = 0) -> None:
        """One look at the depths of the queues."""
        self.sample(ms, "queues", orchestrator_queue=orchestrator, worker_queue=worker)

    def fault(
        self,
        number: int,
        began_ms: float | None,
        ended_ms: float | None = None,
        *,
        name: str = "kill",
        target: str = "host-1",
        skipped: str | None = None,
    ) -> None:
        """An injected fault: one that began, and perhaps was healed, or one that was skipped."""
        moments = [("intended", 0.0, ""), ("began", began_ms, f"{name} of {target}")]
        moments += [("ended", ended_ms, ""), ("skipped", 0.0 if skipped else None, skipped or "")]
        for what, ms, detail in moments:
            if ms is not None:
                of = {"number": number, "name": name, "target": target, "what": what}
                self.line("faults", at_ns=self.at(ms), **of, detail=detail)

    def node(self, node: str, **moments: float) -> None:
        """What happened to a host's life, and when, in the order in which it happened."""
        for what, ms in moments.items():
            at_ns = self.at(ms)
            self.line("nodes", at_ns=at_ns, node=node, what=what.rstrip("_"), version="1.0.0")

    def step(
        self, path: str, *, scheduled_ms: Iterable[float], begun_ms: Iterable[float], **fields: Any
    ) -> None:
        """A step of an instance, when attempts of it were scheduled, and when runs of it began."""
        token = f"stepping|1|{path}"
        data = json.dumps({"name": "step", "input": {"token": token}})
        for ms in scheduled_ms:
            number = len(self._lines["history"]) + 1
            of = {"instance": "stepping", "execution": 1, "event_id": number}
            ts_ms = self.at(ms) // NS_PER_MS
            self.line("history", **of, kind="ActivityScheduled", ts_ms=ts_ms, data=data)
        for run, ms in enumerate(begun_ms):
            ran = {"token": token, "instance": "stepping", "run": run, "at_ns": self.at(ms)}
            self.line("effects", phase="begin", **{"node": f"host-{run}", **ran, **fields})

    def line(self, file: str, **fields: Any) -> None:
        """One more line of a file."""
        self._lines.setdefault(file, []).append(fields)

    def unmark(self, name: str) -> None:
        """Let the driver never have passed this border."""
        self._lines["ops"] = [line for line in self._lines["ops"] if line.get("name") != name]

    def save(self) -> Recorded:
        """Write it all."""
        for name, lines in self._lines.items():
            self.recorded.put(name, lines)
        return self.recorded

    def open(self) -> Recording:
        """Write it all, and load it."""
        self.save()
        return self.open_saved()

    def open_saved(self) -> Recording:
        """Load what is on disk."""
        return Recording(self.recorded.directory)

    def _book(self, instance: str, status: str, ended_ms: float, **fields: Any) -> None:
        execution = {"instance": instance, "execution": 1, "status": status, "current": True}
        self.line("executions", **execution, **fields)
        self.line(
            "history",
            instance=instance,
            execution=1,
            event_id=2,
            kind=f"Orchestration{status}",
            ts_ms=self.at(ended_ms) // NS_PER_MS,
            data="[]",
        )
