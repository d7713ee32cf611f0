"""Whether all that a run found is the one defect of the engine that we know: `known_defects.py RESULT`.

Duroxide 0.2.2 now and then fails an instance for good on a lock error that it calls retryable, at any
settings (docs/findings.md). A CI that is red for that by chance is soon read by nobody, and one that
lets every violation pass is worth nothing. So this one passes when, in every cell that is not ok,

- every finding is about an instance that failed with that very error, and is one of the traces that the
  defect is known to leave;
- no check was left without an answer, and nothing else kept the cell from being ok;
- the engine is one that is known to have it, and no more than two instances of the run met it.

Exit code 0 then, and the instances are named; else 1, with what is not known.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import msgspec

from duroxide_stress.result import CellResult, CheckResult, RunResult
from duroxide_stress.verdict import Verdict

ENGINES = {"duroxide 0.2.2"}
"""A newer engine has to be looked at before it is excused."""
MOST = 2
"""Instances of a run; we saw one of about 900 in some runs of the standard suite, in most none."""
ERROR = re.compile(
    r"list_instances: (Database locked: )?error returned from database: \(code: \d+\) "
    r"database is (locked|deadlocked) \(the engine calls this retryable\)"
)
TRACES = {
    ("success", "infrastructure failure"),
    # When it strikes an instance's first turn:
    ("history", "does not begin with OrchestrationStarted"),
    ("books", "an execution without an instance"),
    ("database", "no_orphan_execution"),
}


def struck(cell: CellResult) -> set[str]:
    """The instances that the known error ended."""
    return {
        finding.instance
        for check in cell.checks
        if check.name == "success"
        for finding in check.findings
        if finding.instance and ERROR.fullmatch(finding.detail)
    }


def strange(cell: CellResult) -> list[str]:
    """Whatever keeps this cell from being ok and is not the known defect, one sentence each."""
    if cell.verdict is Verdict.OK:
        return []
    if cell.engine not in ENGINES:
        return [f"{cell.engine} is not known to have the defect"]
    known = struck(cell)
    found = [sentence for check in cell.checks for sentence in _strange(check, known)]
    violated = [check.name for check in cell.checks if check.verdict is Verdict.VIOLATED]
    found += [
        reason for reason in cell.reasons if reason.partition(":")[0] not in violated
    ]  # a host that died, a cell that was cut off
    if not violated and not found:
        found.append(f"the verdict is {cell.verdict.value}, and no check says why")
    return found


def _strange(check: CheckResult, known: set[str]) -> list[str]:
    if check.verdict is Verdict.UNKNOWN and check.asked:
        return [f"{check.name}: unknown: {check.note}"]
    if check.verdict is not Verdict.VIOLATED:
        return []
    found = [
        f"{check.name}: {finding.instance}: {finding.what}: {finding.detail}"
        for finding in check.findings
        if finding.instance not in known or (check.name, finding.what) not in TRACES
    ]
    if check.found != len(check.findings) or not check.findings:
        found.append(f"{check.name}: {check.found} found, {len(check.findings)} listed")
    return found


def verdict(result: RunResult) -> tuple[bool, list[str]]:
    """Whether the run passes, and what to say of it."""
    unknown = [f"{c.recording}: {sentence}" for c in result.cells for sentence in strange(c)]
    met = [f"{c.recording}: {instance}" for c in result.cells for instance in sorted(struck(c))]
    if not result.cells:
        unknown.append("the run has no cells")
    if len(met) > MOST:
        unknown.append(f"{len(met)} instances met the known defect, {MOST} are the most: {met}")
    said = [f"known defect of the engine (docs/findings.md): {instance}" for instance in met]
    return not unknown, [*said, *(f"not known: {sentence}" for sentence in unknown)]


def main(path: str) -> int:
    """Judge a result file."""
    passed, said = verdict(msgspec.json.decode(Path(path).read_bytes(), type=RunResult))
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
