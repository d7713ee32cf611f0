"""A self-test for a terminal or a log, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.reports.text import hanging, printable, shortened
from duroxide_stress.selftest.result import CleanRun, Outcome, SelfTest

LETTERS = 4
"""Of a check's name above its column."""
SHOWN = 300


def render(result: SelfTest, width: int | None = None) -> str:
    """The whole report as text. `width` is the terminal's; None for a file or a pipe."""
    blocks = [
        "=== Duroxide Stress Test Self-Test ===",
        "\n".join(matrix(result.outcomes)),
        "\n".join(_summary(result, width)),
        f"Self-test: {'passed' if result.passed else 'failed'}",
    ]
    return printable("\n\n".join(blocks) + "\n")


def document(result: SelfTest) -> str:
    """The result as indented JSON with a newline at its end."""
    whole = {
        **msgspec.to_builtins(result),
        "caught": result.caught,
        "weak": [outcome.name for outcome in result.outcomes if outcome.weak],
        "missed": [outcome.name for outcome in result.outcomes if not outcome.alarms],
        "false_alarms": result.false_alarms,
        "passed": result.passed,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def matrix(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Bugs by checks: a row each, a column each, in 80 characters."""
    checks = list(dict.fromkeys([*CHECKS, *(outcome.check for outcome in outcomes)]))
    wide = max((len(outcome.name) for outcome in outcomes), default=0)
    for line in range(LETTERS):
        yield f"{'':{wide}} {' '.join(name[line : line + 1] or ' ' for name in checks)}".rstrip()
    for outcome in outcomes:
        yield f"{outcome.name:{wide}} {' '.join(_mark(outcome, name) for name in checks)}"
    yield ""
    yield "#  found by the check meant for it    !  not found by the check meant for it"
    yield "+  another check alarmed too          .  silent"


def _mark(outcome: Outcome, check: str) -> str:
    if check == outcome.check:
        return "#" if outcome.caught else "!"
    return "+" if check in outcome.alarms else "."


def _summary(result: SelfTest, width: int | None) -> Iterator[str]:
    total = len(result.outcomes)
    share = 100 * result.caught / total if total else 0
    yield f"Planted bugs: {total}, caught by the check meant for them: {result.caught} ({share:.1f} %)"
    weak = [f"{o.name} ({o.check} is silent)" for o in result.outcomes if o.weak]
    missed = [f"{o.name} ({o.check})" for o in result.outcomes if not o.alarms]
    yield from _listed("Caught by other checks only (weak)", weak, width)
    yield from _listed("Not caught at all", missed, width)
    yield from _listed("Checks that fewer than two bugs are meant for", result.unproven, width)
    yield ""
    for where, real in (("reference engine", False), ("released engine and its stores", True)):
        runs = [run for run in result.clean if run.real is real]
        if runs:
            instances = sum(run.instances for run in runs)
            alarms = sum(bool(run.alarms) for run in runs)
            yield f"Clean runs on the {where}: {len(runs)} ({instances:,} instances)"
            yield f"  false alarms: {alarms}"
    if result.quick:
        yield "The released engine and its stores were left out (--quick)."
    yield from _listed("False alarms", _told(result.clean, "alarms"), width)
    defects = _told(result.clean, "defects")
    yield from _listed("Defects that the released engine's own history bears out", defects, width)


def _told(runs: Sequence[CleanRun], which: str) -> list[str]:
    return [
        f"{run.name}: {shortened(sentence, SHOWN)}"
        for run in runs
        for sentence in getattr(run, which)
    ]


def _listed(title: str, items: Sequence[str], width: int | None) -> Iterator[str]:
    if not items:
        return
    yield f"{title}: {len(items)}"
    for item in items:
        yield hanging(item, width)
