"""A whole recording against code: which of its histories the code still follows, and where not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from duroxide_stress.errors import RecordingError, UsageError
from duroxide_stress.recording.store import read_run, refuse_unfinished
from duroxide_stress.recording.tables import Recording
from duroxide_stress.replay.code import Code, code_of
from duroxide_stress.replay.context import Kept
from duroxide_stress.replay.driver import Found, Outcome, Past, replay
from duroxide_stress.replay.grammar import same_json
from duroxide_stress.replay.histories import Unreadable, instances
from duroxide_stress.replay.result import (
    SCHEMA,
    CellReplay,
    Difference,
    Kind,
    Place,
    ReplayResult,
)
from duroxide_stress.replay.words import apart
from duroxide_stress.verdict import Verdict, worst

EXAMPLES = 5
"""Instances that are shown of each place."""
MOST_ENDLESS = 3
"""After so many instances whose code did not come back a cell is left: each costs seconds."""


def replay_run(
    run: Path, scenario: str | None = None, instance: str | None = None, limit: int | None = None
) -> ReplayResult:
    """Replay the recording in `run` with each cell's own scenario, or with another's code.

    `instance` replays that one alone, `limit` so many of each cell. Raises UsageError when `run` is
    no recording, the scenario cannot be loaded, or there is no such instance.
    """
    head = read_run(run)
    refuse_unfinished(run)
    codes = [code_of(cell, scenario) for cell in head.plan.cells]
    cells = tuple(
        _replay_cell(run / cell.key, scenario or cell.scenario, code, instance, limit)
        for cell, code in zip(head.plan.cells, codes, strict=True)
    )
    if instance is not None:
        cells = tuple(cell for cell in cells if cell.instances)
        if not cells:
            raise UsageError(f"{run} has no history of an instance {instance!r}")
    return ReplayResult(SCHEMA, worst(cell.verdict for cell in cells), scenario, cells)


def _replay_cell(
    directory: Path, scenario: str, code: Code, instance: str | None, limit: int | None
) -> CellReplay:
    tally = _Tally()
    try:
        if not directory.is_dir():
            raise RecordingError("not run: the run ended before this cell")
        recording = Recording(directory)
    except RecordingError as error:
        return tally.judged(directory.name, scenario, str(error))
    try:
        for _, executions in instances(recording, instance, limit):
            if tally.endless >= MOST_ENDLESS:
                left = f"the rest was left: in {tally.endless} instances the code did not come back"
                return tally.judged(directory.name, scenario, left)
            tally.add(executions, code)
    finally:
        recording.close()
    if not tally.instances:
        return tally.judged(directory.name, scenario, "there is no history in it to replay")
    if foreign := tally.foreign({name for name, _ in code}):
        names = ", ".join(map(repr, foreign))
        return CellReplay(
            recording=directory.name,
            scenario=scenario,
            verdict=Verdict.UNKNOWN,
            reasons=(f"the code has none of the orchestrations in it: {names}",),
            instances=tally.instances,
        )
    return tally.judged(directory.name, scenario)


class _Tally:
    """What has been seen of a cell so far; of the differences only the first of each place."""

    def __init__(self) -> None:
        self.instances = self.executions = self.events = 0
        self.resumable = self.different = self.endless = self.delays = 0
        self.unreadable: Counter[str] = Counter()
        self._counts: Counter[_Place] = Counter()
        self._examples: defaultdict[_Place, list[Difference]] = defaultdict(list)

    def add(self, executions: Iterable[Past | Unreadable], code: Code) -> None:
        """Replay one instance up to its end, or to the first difference."""
        self.instances += 1
        kept, before, outcome = Kept(), None, Outcome()
        for past in executions:
            if isinstance(past, Unreadable):
                self.unreadable[past.why] += 1
                return
            if before is not None and (found := _handed_over(outcome, past)):
                self._differs(before, found)
                return
            self.executions += 1
            self.events += len(past.events)
            outcome = _replayed(past, code, kept)
            self.delays += len(outcome.delays)
            if outcome.found is not None:
                self._differs(past, outcome.found)
                return
            before = past
        self.resumable += outcome.open

    def _differs(self, past: Past, found: Found) -> None:
        self.different += 1
        self.endless += found.kind == "endless"
        place = _Place(past.orchestration, past.version, found.kind, found.labels)
        self._counts[place] += 1
        if len(self._examples[place]) < EXAMPLES:
            self._examples[place].append(
                Difference(past.instance, past.execution, found.event_id, found.history, found.code)
            )

    def foreign(self, known: set[str]) -> list[str]:
        """The orchestrations in the histories, when the code knows none of them by name."""
        missing = {at: n for at, n in self._counts.items() if at.orchestration not in known}
        everything = sum(missing.values()) == self.instances
        return sorted({at.orchestration for at in missing}) if everything else []

    def judged(self, recording: str, scenario: str, problem: str = "") -> CellReplay:
        """The cell's verdict and everything behind it."""
        reasons = [problem] if problem else []
        reasons += [
            f"{n} instances cannot be replayed: {why}" for why, n in self.unreadable.items()
        ]
        verdict = Verdict.VIOLATED if self.different else Verdict.OK
        return CellReplay(
            recording=recording,
            scenario=scenario,
            verdict=worst([verdict, *([Verdict.UNKNOWN] if reasons else [])]),
            reasons=tuple(reasons),
            instances=self.instances,
            executions=self.executions,
            events=self.events,
            resumable=self.resumable,
            different=self.different,
            unreadable=self.unreadable.total(),
            changed_delays=self.delays,
            places=tuple(
                Place(at.orchestration, at.version, at.kind, n, tuple(self._examples[at]))
                for at, n in self._counts.most_common()
            ),
        )


class _Place(NamedTuple):
    """What differences have in common that are told as one."""

    orchestration: str
    version: str
    kind: Kind
    labels: tuple[str, str]


def _replayed(past: Past, code: Code, kept: Kept) -> Outcome:
    function = code.get((past.orchestration, past.version))
    if function is not None:
        return replay(past, function, kept)
    began = f"began as {past.orchestration!r} in version {past.version}"
    versions = sorted(version for name, version in code if name == past.orchestration)
    has = f"has it in {', '.join(versions)} only" if versions else "has no such orchestration"
    return Outcome(Found("missing", past.events[0].event_id, began, has, (began, has)))


def _handed_over(outcome: Outcome, following: Past) -> Found | None:
    """What is wrong with the input and the version that the code hands to the execution after it."""
    if outcome.next_input is None:
        return None
    if outcome.next_version not in (None, following.version):
        history = f"continues as new in version {following.version}"
        code = f"continues as new in version {outcome.next_version}"
        return Found("input", outcome.end_id, history, code, (history, code))
    if following.input == outcome.next_input or (
        not following.exact and same_json(following.input, outcome.next_input)
    ):
        return None
    history, code = apart(
        f"continues as new with {following.input}", f"continues as new with {outcome.next_input}"
    )
    return Found("input", outcome.end_id, history, code, ("continues as new", "otherwise"))
