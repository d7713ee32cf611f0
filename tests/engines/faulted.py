"""Cells on the released engine that faults strike, and what is known to go wrong under them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duroxide_stress import StressTestConfig, run_stress_test
from duroxide_stress.config import Choices, build_plan
from duroxide_stress.recording.tables import Recording
from duroxide_stress.verdict import Verdict

SHORT: dict[str, Any] = {
    "max_concurrent": 8,
    "tasks_per_instance": 3,
    "activity_delay_ms": 5,
    "warmup_secs": 0.5,
    "worker_lock_timeout_ms": 2_000,
    "orchestrator_lock_timeout_ms": 2_000,
}
"""A light load whose locks are soon free again."""


class Struck:
    """One cell as it was judged, and its tables."""

    def __init__(self, run: Path, provider: str, *faults: str, **overrides: Any) -> None:
        plan = build_plan(
            Choices(
                scenarios=(overrides.pop("scenario", "parallel"),),
                providers=(provider,),
                configs=("1/1",),
                faults=faults,
                overrides={**SHORT, **overrides},
            )
        )
        (self.cell,) = run_stress_test(plan, out=run).cells
        self.recording = Recording(run / self.cell.recording)
        self.config: StressTestConfig = plan.cells[0].config

    def faults(self) -> list[tuple[str, bool, bool]]:
        """Each injection: its name, whether it began, whether it was healed."""
        sql = "SELECT name, began_ns IS NOT NULL, ended_ns IS NOT NULL FROM faults ORDER BY number"
        return self.recording.rows(sql)

    def moments(self, *what: str) -> list[tuple[str, str]]:
        """Who and what, of these moments of the nodes."""
        sql = "SELECT node, what FROM nodes WHERE list_contains($what, what) ORDER BY at_ns"
        return self.recording.rows(sql, what=list(what))


def kept(struck: Struck) -> None:
    """Every promise was kept, but for one that the released engine is known to break (docs/findings.md):
    a store error in the middle of a turn may end an instance as an infrastructure failure for good, of
    which a parent is then never told. What is found of such a family follows from that; of any other
    there must be nothing."""
    cell = struck.cell
    sql = "SELECT split_part(instance, '::', 1) FROM executions WHERE category = 'infrastructure'"
    failed = {root for (root,) in struck.recording.rows(sql)}
    others = [
        f"{check.name}: {finding.what}: {finding.instance}: {finding.detail}"
        for check in cell.checks
        if check.verdict is Verdict.VIOLATED
        for finding in check.findings
        if (finding.instance or "").partition("::")[0] not in failed
    ]
    assert others == []
    assert [c.name for c in cell.checks if c.asked and c.verdict is Verdict.UNKNOWN] == []
    durability = next(check for check in cell.checks if check.name == "durability")
    assert (durability.verdict, durability.seen > 0) == (Verdict.OK, True)
    assert cell.verdict is (Verdict.VIOLATED if failed else Verdict.OK), cell.reasons
