"""The self-test: plants every bug, tampers with stores, runs clean ones, and looks who alarms."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from duroxide_stress.checks.base import examine
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.errors import RecordingError
from duroxide_stress.plan import Cell, Plan
from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import Finding
from duroxide_stress.runner import run_plan
from duroxide_stress.selftest import clean, stores
from duroxide_stress.selftest.catalogue import BUGS
from duroxide_stress.selftest.planted import Bug
from duroxide_stress.selftest.recorder import record_cell
from duroxide_stress.selftest.result import SCHEMA, CleanRun, Kind, Outcome, SelfTest
from duroxide_stress.selftest.stores import Kept, collect_again, real_run
from duroxide_stress.selftest.streams import LEAKS, STEADY, Stream, record_stream
from duroxide_stress.selftest.struck import Struck
from duroxide_stress.selftest.tampering import TAMPERINGS, Tampering, commits_in_wal

NEEDED = 2
"""Bugs that each check must have."""

# The engine's own history calls the failure one of its store, and one that it should have tried again.
DEFECTS = """
SELECT DISTINCT split_part(instance, '::', 1) FROM history
WHERE kind = 'OrchestrationFailed' AND contains(data, '"Infrastructure"')
  AND regexp_matches(data, '"retryable" *: *true')
"""

T = TypeVar("T")
Tell = Callable[[str, int, int, str], None]
"""Given the phase, the number within it (from 1), how many there are, and a name."""


class Observed(msgspec.Struct, frozen=True):
    """What the checks have to say of a cell."""

    instances: int
    found: dict[str, list[Finding]]
    defects: frozenset[str] = frozenset()
    """Root instances that the engine itself says it failed for nothing of theirs."""
    trouble: tuple[str, ...] = ()
    """Why the cell proves less than it should: it did not finish, or a check crashed."""


def run_selftest(
    *,
    quick: bool = False,
    interrupted: Callable[[], bool] = lambda: False,
    tell: Tell = lambda phase, number, total, name: None,
) -> SelfTest:
    """Run all of it; `quick` leaves out the released engine, with its stores.

    Raises KeyboardInterrupt when `interrupted`.
    """

    def each(phase: str, things: Sequence[T], name: Callable[[T], str]) -> Iterator[T]:
        for number, thing in enumerate(things, 1):
            tell(phase, number, len(things), name(thing))
            yield thing
            if interrupted():
                raise KeyboardInterrupt

    outcomes = [planted(bug) for bug in each("planted bugs", BUGS, lambda bug: bug.name)]
    outcomes += [leaked(leak) for leak in each("leaks", LEAKS, lambda leak: leak.name)]
    cells = each("clean runs on the reference engine", clean.REFERENCE, clean.label)
    runs = [clean_reference(cell) for cell in cells]
    struck = each("clean runs with hosts that are struck", clean.STRUCK, clean.struck_label)
    runs += [clean_struck(one) for one in struck]
    runs.append(steady())
    if not quick:
        with TamperedStore(interrupted) as store:
            for one in each("stores tampered with", TAMPERINGS, lambda one: one.name):
                outcomes.append(store.outcome(one))
            runs += store.controls()
        cells = each("clean runs on the released engine", clean.REAL, clean.label)
        runs += [clean_real(cell, interrupted) for cell in cells]
    return SelfTest(SCHEMA, _in_order(outcomes), tuple(runs), unproven(), quick)


def unproven() -> tuple[str, ...]:
    """Checks that fewer than two bugs are meant for."""
    meant = Counter(bug.check for bug in BUGS)
    meant.update(leak.check for leak in LEAKS)
    meant.update(tampering.check for tampering in TAMPERINGS)
    return tuple(name for name in CHECKS if meant[name] < NEEDED)


def planted(bug: Bug) -> Outcome:
    """Record a cell on the engine with this bug, and judge it."""
    with Scratch() as home:
        seen = observe(record_cell(home, bug.cell, Struck(bug.strikes, bug.plant)))
    return _outcome(bug, "planted", seen)


def leaked(leak: Stream) -> Outcome:
    """Judge a cell whose engine leaks."""
    with Scratch() as home:
        seen = observe(record_stream(home, leak))
    return _outcome(leak, "samples", seen)


def clean_reference(cell: Cell) -> CleanRun:
    """Judge a cell of the reference engine as it is."""
    with Scratch() as home:
        return _clean(clean.label(cell), observe(record_cell(home, cell)), real=False)


def clean_struck(one: clean.StruckCell) -> CleanRun:
    """Judge a cell of the reference engine as it is, whose hosts are killed or paused."""
    with Scratch() as home:
        seen = observe(record_cell(home, one.cell, Struck(one.strikes)))
        return _clean(clean.struck_label(one), seen, real=False)


def steady() -> CleanRun:
    """Judge a cell whose engine's memory is restless and does not leak."""
    with Scratch() as home:
        return _clean(STEADY.name, observe(record_stream(home, STEADY)), real=False)


def clean_real(cell: Cell, interrupted: Callable[[], bool] = lambda: False) -> CleanRun:
    """Run a cell on the released engine and judge it."""
    with Scratch() as home:
        run_plan(Plan("self-test", (cell,), ""), home, observer=Kept(interrupted))
        return _clean(clean.label(cell), observe(home / cell.key), real=True)


class TamperedStore:
    """A real run whose store is kept while copies of it are tampered with."""

    def __init__(self, interrupted: Callable[[], bool] = lambda: False) -> None:
        self._scratch, self._interrupted = Scratch(), interrupted

    def __enter__(self) -> TamperedStore:
        self._home = self._scratch.__enter__()
        try:
            self._recorded, self._store = real_run(self._home / "run", self._interrupted)
        except BaseException:
            self._scratch.__exit__()
            if self._interrupted():
                raise KeyboardInterrupt from None
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._scratch.__exit__()

    def outcome(self, tampering: Tampering) -> Outcome:
        """Tamper with a copy, copy its histories out again, and judge that."""
        seen = self._observed(tampering.tamper, tampering.patience_secs)
        return _outcome(tampering, "tampered", seen)

    def controls(self) -> list[CleanRun]:
        """The run as it was, its store as it is, and with its last commits in the WAL: no damage."""
        return [
            _clean(clean.label(stores.CELL), observe(self._recorded), real=True),
            _clean("its store, opened again", self._observed(lambda store: None), real=True),
            _clean("its store, last commits in the WAL", self._observed(commits_in_wal), real=True),
        ]

    def _observed(
        self, tamper: Callable[[Path], None], patience_secs: float = stores.COLLECT_SECS
    ) -> Observed:
        copy, again = self._home / "copy", self._home / "again"
        shutil.copytree(self._store, copy)
        try:
            tamper(copy)
            collect_again(self._recorded, copy, again, patience_secs)
            return observe(again)
        finally:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.rmtree(again, ignore_errors=True)


class Scratch:
    """A directory for recordings, gone with everything in it afterwards."""

    def __enter__(self) -> Path:
        self._home = Path(tempfile.mkdtemp(prefix="duroxide-stress-self-test-"))
        return self._home

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self._home, ignore_errors=True)


def observe(directory: Path) -> Observed:
    """Put every check to a cell, and keep all that they find."""
    try:
        recording = Recording(directory)
    except RecordingError as error:
        return Observed(0, {}, trouble=(str(error),))
    try:
        looks = {name: examine(check, recording)[1] for name, check in CHECKS.items()}
        trouble = [look.undecided for look in looks.values() if "crashed" in look.undecided]
        if recording.end is None or recording.end.ended != "finished":
            trouble.append(recording.end.reason if recording.end else "the cell was cut off")
        return Observed(
            instances=recording.one("SELECT count(*) FROM ops"),
            found={name: look.findings for name, look in looks.items() if look.findings},
            defects=frozenset(name for (name,) in recording.rows(DEFECTS)),
            trouble=tuple(trouble),
        )
    finally:
        recording.close()


def _outcome(bug: Bug | Stream | Tampering, kind: Kind, seen: Observed) -> Outcome:
    first = next(iter(seen.found.get(bug.check, ())), None)
    return Outcome(
        name=bug.name,
        what=bug.what,
        kind=kind,
        check=bug.check,
        alarms={name: len(findings) for name, findings in seen.found.items()},
        finding="" if first is None else f"{first.what}: {first.detail}",
    )


def _clean(name: str, seen: Observed, *, real: bool) -> CleanRun:
    alarms: list[str] = list(seen.trouble)
    defects: list[str] = []
    for check, findings in seen.found.items():
        for finding in findings:
            root = (finding.instance or "").partition("::")[0]
            proven = real and root in seen.defects
            (defects if proven else alarms).append(_sentence(check, finding))
    return CleanRun(name, real, seen.instances, tuple(alarms), tuple(defects))


def _sentence(check: str, finding: Finding) -> str:
    where = f" ({finding.instance})" if finding.instance else ""
    return f"{check}: {finding.what}: {finding.detail}{where}"


def _in_order(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """By the check that is meant, in the order of the registry."""
    order = list(CHECKS)
    last = len(order)
    return tuple(
        sorted(outcomes, key=lambda o: order.index(o.check) if o.check in CHECKS else last)
    )
