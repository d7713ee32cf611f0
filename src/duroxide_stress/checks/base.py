"""The contract of a check, and how its rows become a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from duroxide_stress.recording.tables import Recording
from duroxide_stress.result import CheckResult, Finding
from duroxide_stress.units import NS_PER_MS
from duroxide_stress.verdict import Verdict

FINDINGS_SHOWN = 20


class Looked(msgspec.Struct, frozen=True):
    """What a look at the evidence gave."""

    seen: int
    """How much evidence there was, in the check's unit."""
    findings: list[Finding] = []
    undecided: str = ""
    """Why, in one sentence, the evidence cannot clear the promise even without a finding."""
    note: str = ""


class Check(msgspec.Struct, frozen=True):
    """One promise.

    With fewer than `need` units of evidence, and no violation among them, the verdict is unknown:
    a check that saw nothing has proven nothing.
    """

    name: str
    promise: str
    source: str
    """Where the promise is made."""
    unit: str
    look: Callable[[Recording], Looked]
    need: int = 1
    asked: Callable[[Recording], bool] = lambda recording: True
    """Whether the plan of this cell could give the evidence at all."""


def judge(check: Check, recording: Recording) -> CheckResult:
    """Run one check. One that crashes is unknown, with its error as the note."""
    asked, looked = examine(check, recording)
    found = looked.findings
    note = looked.undecided or looked.note
    if found:
        verdict = Verdict.VIOLATED
    elif looked.undecided:
        verdict = Verdict.UNKNOWN
    elif looked.seen < check.need:
        verdict = Verdict.UNKNOWN
        missing = f"saw {looked.seen} {check.unit}, needs {check.need}"
        note = "; ".join(filter(None, (missing, note)))
    else:
        verdict = Verdict.OK
    return CheckResult(
        name=check.name,
        promise=check.promise,
        verdict=verdict,
        seen=looked.seen,
        unit=check.unit,
        asked=asked,
        found=len(found),
        findings=tuple(found[:FINDINGS_SHOWN]),
        worst=_worst(found),
        note=note,
    )


def examine(check: Check, recording: Recording) -> tuple[bool, Looked]:
    """Whether it was asked, and what it saw with all findings in order. A crash is undecided."""
    asked = True
    try:
        asked = check.asked(recording)
        looked = check.look(recording)
        return asked, msgspec.structs.replace(
            looked, findings=_in_order(looked.findings, recording)
        )
    except Exception as error:  # noqa: BLE001 - a check's crash must not cost the others
        words = str(error).partition("\n")[0]
        return asked, Looked(0, undecided=f"the check crashed: {type(error).__name__}: {words}")


def _in_order(found: list[Finding], recording: Recording) -> list[Finding]:
    """By the op that started the instance, or the root of a child; what names none comes last."""
    roots = [(finding.instance or "").partition("::")[0] for finding in found]
    if len(set(roots)) < 2:
        return found
    sql = "SELECT instance, op FROM ops WHERE list_contains($roots, instance)"
    ops = dict(recording.rows(sql, roots=sorted(set(roots))))
    last = max(ops.values(), default=0) + 1
    places = sorted(range(len(found)), key=lambda place: ops.get(roots[place], last))
    return [found[place] for place in places]


def _worst(found: list[Finding]) -> Finding | None:
    """The first of those with the greatest weight, if any was weighed."""
    worst = max(found, key=lambda finding: finding.weight, default=None)
    return worst if worst is not None and worst.weight > 0 else None


def findings(recording: Recording, sql: str, **parameters: object) -> list[Finding]:
    """The rows of a query with the columns instance, what, detail and, if it weighs, weight."""
    return [_finding(row) for row in recording.rows(sql, **parameters)]


def _finding(row: tuple[Any, ...]) -> Finding:
    instance, what, detail, *weight = row
    heavy = float(weight[0] or 0) if weight else 0.0
    return Finding(what=str(what), detail=str(detail), instance=instance, weight=heavy)


def cut_off(recording: Recording) -> str:
    """Why there are no histories; empty when they were copied out."""
    if recording.end is None:
        return "the cell was cut off: no end.json"
    copied = (recording.directory / "executions.jsonl").exists()
    return "" if copied else "the histories were not copied out"


def judgeable(recording: Recording) -> bool:
    """Whether checks can be put to it: what a run could not write down it cannot be held to, and half
    a recording looks like lost work."""
    return recording.end is None or recording.end.ended != "unrecorded"


def at_rest(recording: Recording) -> bool:
    """Whether the engine had nothing left to do when its books were copied out.

    A host that died, or one still busy with instances that took too long, leaves its work, its locks
    and starts that it has not turned to yet behind without blame.
    """
    finished = recording.end is not None and recording.end.ended == "finished"
    return finished and recording.mark("at_rest") is not None


SLEWED_NS = 1_000_000
"""What slewing a clock may take back between two moments that lie close together."""


def clock_slack_ns(recording: Recording) -> int:
    """By how much moments of one wall clock may stand in the wrong order: it was slewed, or set back,
    or a fault made a host's clock wrong on purpose."""
    drift = 0 if recording.end is None else recording.end.driver.clock_drift_ns
    skewed_ms: int = (
        recording.one("SELECT max(skew_ms) FROM faults WHERE began_ns IS NOT NULL") or 0
    )
    return SLEWED_NS + abs(drift) + skewed_ms * NS_PER_MS
