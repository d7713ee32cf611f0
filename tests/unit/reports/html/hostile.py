"""Texts that would do something if a page took them for more than text, put wherever a recording or a
result has any text."""

from __future__ import annotations

from typing import Any

import msgspec

from duroxide_stress.judge import judge_run
from duroxide_stress.result import (
    CheckResult,
    Figure,
    Finding,
    Latency,
    NodeFigures,
    Part,
    Recovery,
    RecoverySummary,
    RunResult,
    Spread,
    TargetResult,
)
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

replace = msgspec.structs.replace

MARK = "PWNED"
HOSTILE = (
    f"</script></style></title></pre></svg><script>window.{MARK}=1</script>"
    f"<img src=x onerror=window.{MARK}=1><!-- {{{{ 7*7 }}}} {{% raw %}} \"'` onload=x "
    "\u202eright\u2066 to\u200f left\x1b[31m\x00 javascript:alert(1) &lt;b&gt; ]]> "
    "postgresql://me:hunter2@db.example/x"
)
"""Ends every element that it could stand in, opens others, turns the direction of writing."""


def hostile_run(recorded: Recorded) -> RunResult:
    """The recording with hostile ids, outputs and faults, judged; then every text of the result so."""
    victim = recorded.instance(9)
    for name in ("ops", "history", "executions"):
        recorded.change(name, where(instance=victim), instance=f"{victim}{HOSTILE}")
    recorded.change("ops", where(type="ok", op=3), output=HOSTILE)
    began = recorded.mark("window_begin")
    fault = {"number": 0, "name": f"kill{HOSTILE}", "target": HOSTILE, "at_ns": began + 10**8}
    recorded.add(
        "faults",
        {**fault, "what": "began", "detail": HOSTILE},
        {**fault, "what": "ended", "at_ns": began + 3 * 10**8},
    )
    return spoilt(judge_run(recorded.run))


def spoilt(result: RunResult) -> RunResult:
    """The same result with hostile text in every field that may hold somebody's words."""
    (cell,) = result.cells
    checks = (*(_spoilt_check(check) for check in cell.checks), _violated())
    cell = replace(
        cell,
        scenario=HOSTILE,
        title=HOSTILE,
        provider=HOSTILE,
        provider_label=HOSTILE,
        engine=HOSTILE,
        config=HOSTILE,
        verdict=Verdict.VIOLATED,
        reasons=(HOSTILE, f"its last words:\n{HOSTILE}"),
        failed=3,
        failed_by_category={HOSTILE: 3},
        failure_words={HOSTILE: 3},
        store={HOSTILE: HOSTILE, "database_bytes": 4096},
        figures=(Figure(HOSTILE, HOSTILE, 1, spread=Latency(1, 1, 1, 1, 1, 1, 1)),),
        parts=(Part(HOSTILE, 1, 1, 0, 1.0, Latency()), Part("b", 1, 1, 0, 1.0, Latency())),
        recovery=(_recovery(),),
        recovery_summary=(_summary(),),
        nodes=(NodeFigures(HOSTILE, 2, 1.0, 1, 1.0, 1.0, 1.0, 0, 0, 0, 0, 0),),
        checks=checks,
        targets=(TargetResult(HOSTILE, 1.0, 1.0, "missed", HOSTILE),),
        health=replace(cell.health, trustworthy=False, reasons=(HOSTILE,), notes=(HOSTILE,)),
        command=HOSTILE,
    )
    return replace(
        result,
        verdict=Verdict.VIOLATED,
        reasons=(HOSTILE,),
        plan=replace(result.plan, name=HOSTILE, command=HOSTILE, checks=(HOSTILE,)),
        environment={HOSTILE: HOSTILE, "host": {HOSTILE: [HOSTILE]}},
        cells=(cell,),
    )


def _spoilt_check(check: CheckResult) -> CheckResult:
    return replace(check, unit=f"{check.unit}{HOSTILE}", note=f"{check.note}{HOSTILE}")


def _violated() -> CheckResult:
    finding = Finding(HOSTILE, HOSTILE, HOSTILE, 1.0)
    return CheckResult(
        name=HOSTILE,
        promise=HOSTILE,
        verdict=Verdict.VIOLATED,
        seen=1,
        unit=HOSTILE,
        asked=True,
        found=1,
        findings=(finding,),
        worst=finding,
        note=HOSTILE,
    )


def _summary() -> RecoverySummary:
    nothing: dict[str, Any] = dict.fromkeys(
        (
            *("lasted_secs", "first_progress_ms", "first_progress_after_heal_ms"),
            *("former_rate_ms", "backlog_peak", "settled_ms"),
        ),
        Spread(),
    )
    return RecoverySummary(
        name=HOSTILE,
        intended=1,
        count=1,
        skipped=1,
        skip_reasons={HOSTILE: 1},
        never_healed=(HOSTILE,),
        extra_executions=None,
        **nothing,
    )


def _recovery() -> Recovery:
    return Recovery(
        number=0,
        name=HOSTILE,
        target=HOSTILE,
        detail=HOSTILE,
        began_secs=0.1,
        lasted_secs=None,
        first_progress_ms=None,
        first_progress_after_heal_ms=None,
        stuck=True,
        former_rate_ms=None,
        former_rate_reason=HOSTILE,
        backlog_before=None,
        backlog_peak=None,
        in_flight=None,
        settled_ms=None,
        never_ended=0,
        extra_executions=None,
    )
