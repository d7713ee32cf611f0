"""What our own CI lets pass of a run on the released engine, and what it does not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import pytest

from duroxide_stress.judge import judge_run
from duroxide_stress.result import CellResult, Finding, RunResult
from duroxide_stress.verdict import Verdict

SCRIPT = Path(__file__).parents[2] / ".ci/known_defects.py"
LOCKED = (
    "list_instances: Database locked: error returned from database: (code: 5) database is locked "
    "(the engine calls this retryable)"
)
DEADLOCKED = (
    "list_instances: error returned from database: (code: 6) database is deadlocked "
    "(the engine calls this retryable)"
)
FAILED = Finding("infrastructure failure", LOCKED, "i-1", 2.5)
TRACES = {
    "success": (FAILED,),
    "history": (Finding("does not begin with OrchestrationStarted", "execution 1 ...", "i-1"),),
    "books": (Finding("an execution without an instance", "the store has ...", "i-1"),),
    "database": (Finding("no_orphan_execution", "execution 1 is Failed ...", "i-1"),),
}
"""As Duroxide 0.2.2 left them under 100 in flight at 8/32."""


@pytest.fixture(scope="module")
def script() -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("known_defects", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def clean(pristine: Path) -> RunResult:
    """A clean run, as if of the released engine."""
    result = judge_run(pristine)
    cells = tuple(msgspec.structs.replace(cell, engine="duroxide 0.2.2") for cell in result.cells)
    return msgspec.structs.replace(result, cells=cells)


def broken(
    result: RunResult, found: dict[str, tuple[Finding, ...]], more: int = 0, **cell: Any
) -> RunResult:
    """The run with these findings of its checks, as the judgement would show them."""
    first: CellResult = result.cells[0]
    checks = tuple(
        msgspec.structs.replace(
            check,
            verdict=Verdict.VIOLATED,
            found=len(found[check.name]) + more,
            findings=found[check.name],
        )
        if check.name in found
        else check
        for check in first.checks
    )
    reasons = tuple(f"{name}: {len(f)} found in 70 things" for name, f in found.items())
    fields = {"verdict": Verdict.VIOLATED, "reasons": reasons, "checks": checks, **cell}
    return msgspec.structs.replace(result, cells=(msgspec.structs.replace(first, **fields),))


def test_a_clean_run_passes(script: Any, clean: RunResult) -> None:
    """There is nothing to say of it."""
    assert clean.verdict is Verdict.OK
    assert script.verdict(clean) == (True, [])


@pytest.mark.parametrize("words", [LOCKED, DEADLOCKED])
@pytest.mark.parametrize("names", [["success"], list(TRACES)])
def test_the_known_defect_passes_and_is_named(
    script: Any, clean: RunResult, words: str, names: list[str]
) -> None:
    """On both stores, in a later turn and in the first one."""
    found = {name: TRACES[name] for name in names}
    found["success"] = (msgspec.structs.replace(FAILED, detail=words),)
    passed, said = script.verdict(broken(clean, found))
    assert passed
    assert said == [
        f"known defect of the engine (docs/findings.md): {clean.cells[0].recording}: i-1"
    ]


OTHER = {
    "another error": {
        "success": (msgspec.structs.replace(FAILED, detail="disk I/O error"),),
    },
    "the words within others": {
        "success": (msgspec.structs.replace(FAILED, detail=f"{LOCKED} and more"),),
    },
    "one of ours beside it": {
        "success": (FAILED, Finding("completed where a failure was due", "expected Failed", "i-2")),
    },
    "a trace of another instance": {
        **TRACES,
        "books": (msgspec.structs.replace(TRACES["books"][0], instance="i-2"),),
    },
    "no instance": {**TRACES, "database": (Finding("integrity_check", "malformed"),)},
    "another trace of the same": {
        **TRACES,
        "history": (Finding("two ends", "events 4 and 5", "i-1"),),
    },
    "another promise": {**TRACES, "outputs": (Finding("another output", "1, not 2", "i-1"),)},
    "more than two": {
        "success": tuple(
            msgspec.structs.replace(FAILED, instance=f"i-{number}") for number in range(3)
        ),
    },
}


@pytest.mark.parametrize("found", OTHER.values(), ids=OTHER)
def test_anything_else_fails(
    script: Any, clean: RunResult, found: dict[str, tuple[Finding, ...]]
) -> None:
    """And is said."""
    passed, said = script.verdict(broken(clean, found))
    assert not passed
    assert any(line.startswith("not known: ") for line in said)


def test_findings_that_are_not_listed_fail(script: Any, clean: RunResult) -> None:
    """Nobody knows what they are."""
    passed, said = script.verdict(broken(clean, {"success": (FAILED,)}, more=1))
    assert not passed
    assert "2 found, 1 listed" in said[-1]


@pytest.mark.parametrize(
    "cell",
    [
        {"engine": "duroxide 0.3.0"},
        {"reasons": ("success: 1 found in 70 ended instances", "host-0 died: exit code 1")},
        {"verdict": Verdict.UNKNOWN, "reasons": ("the cell was cut off",)},
    ],
)
def test_what_no_check_says_fails(script: Any, clean: RunResult, cell: dict[str, Any]) -> None:
    """Another engine, a host that died, a cell that was cut off."""
    assert not script.verdict(broken(clean, {"success": (FAILED,)}, **cell))[0]


def test_a_question_without_an_answer_fails(script: Any, clean: RunResult) -> None:
    """Unknown is never ok, known defect or not."""
    run = broken(clean, {"success": (FAILED,)})
    checks = tuple(
        msgspec.structs.replace(check, verdict=Verdict.UNKNOWN)
        if check.name == "outputs"
        else check
        for check in run.cells[0].checks
    )
    cells = (msgspec.structs.replace(run.cells[0], checks=checks),)
    assert not script.verdict(msgspec.structs.replace(run, cells=cells))[0]


def test_it_reads_a_result_file(
    script: Any, clean: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `.ci/run` gives it, and says it by its exit code."""
    path = tmp_path / "result.json"
    path.write_bytes(msgspec.json.encode(broken(clean, TRACES)))
    assert script.main(str(path)) == 0
    assert "known defect" in capsys.readouterr().out
    path.write_bytes(msgspec.json.encode(broken(clean, OTHER["another promise"])))
    assert script.main(str(path)) == 1
    assert "not known: " in capsys.readouterr().out
