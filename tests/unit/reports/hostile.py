"""A result in which every text that somebody else wrote is as nasty as it can be."""

from __future__ import annotations

import msgspec

from duroxide_stress.result import CheckResult, Finding, RunResult
from duroxide_stress.verdict import Verdict

NASTY = "</script>|`x``y` @team #12 \x00\x1b[31m\ud800\ufffe\u202e & <b>\r\n=1+1"
"""Markup, columns, code, a mention, controls, what no encoding holds, a direction, a line break."""

replace = msgspec.structs.replace


def check(name: str, verdict: Verdict, *, asked: bool = True, found: int = 0) -> CheckResult:
    """One check's answer, with as many findings as it found, at most 20."""
    findings = tuple(Finding("wrong", NASTY, f"i{n}{NASTY}", n) for n in range(min(found, 20)))
    worst = findings[-1] if findings else None
    return CheckResult(
        name, "It holds.", verdict, 7, "things", asked, found, findings, worst, NASTY
    )


def hostile_result(clean: RunResult) -> RunResult:
    """Three cells: violated, unknown, ok."""
    checks = (
        check("outputs", Verdict.VIOLATED, found=30),
        check("timers", Verdict.UNKNOWN),
        check("races", Verdict.UNKNOWN, asked=False),
        check("history", Verdict.OK),
    )
    first = replace(
        clean.cells[0],
        provider_label=f"={NASTY}",
        title=NASTY,
        engine=NASTY,
        verdict=Verdict.VIOLATED,
        reasons=(NASTY, "outputs: 30 found in 7 things"),
        checks=checks,
        command=f"run '{NASTY}'",
        recording="one",
    )
    second = replace(
        clean.cells[0], verdict=Verdict.UNKNOWN, reasons=("cut off",), checks=(), recording="two"
    )
    cells = (first, second, replace(clean.cells[0], repeat=2, recording="three"))
    reasons = tuple(f"{c.recording}: {reason}" for c in cells for reason in c.reasons)
    return replace(clean, verdict=Verdict.VIOLATED, reasons=reasons, cells=cells)
