"""The crash map for people and for programs, from cells made by hand."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.reports import console
from duroxide_stress.reports.crash_map import WORDS, block, document, render, spots
from duroxide_stress.result import (
    CellResult,
    CheckResult,
    Finding,
    Recovery,
    RecoverySummary,
    RunResult,
    Spread,
)
from duroxide_stress.verdict import Verdict

from .conftest import replace

RUN = Path("stress-runs/one")
CONFIG = StressTestConfig(max_concurrent=5)
NEVER = "host-0 did not come to turn-begin 9 times"


def died(settled_ms: float | None) -> dict[str, Any]:
    """What a cell has of a crash that was done."""
    recovery = Recovery(
        number=0, name="crash", target="host-0", detail="", began_secs=0.1, lasted_secs=0.7,
        first_progress_ms=900.0, first_progress_after_heal_ms=200.0, stuck=False,
        former_rate_ms=None, former_rate_reason="", backlog_before=1, backlog_peak=2, in_flight=5,
        settled_ms=settled_ms, never_ended=0, extra_executions=1,
    )  # fmt: skip
    return {"recovery": (recovery,), "recovery_summary": (_summary(1, {}),)}


def skipped() -> dict[str, Any]:
    """What a cell has of one that was not."""
    summary = {"recovery": (), "recovery_summary": (_summary(0, {NEVER: 1}),)}
    return {**summary, "verdict": Verdict.UNKNOWN, "reasons": (NEVER,)}


def _summary(count: int, why: dict[str, int]) -> RecoverySummary:
    none = Spread()
    return RecoverySummary(
        "crash", 1, count, len(why), why, (), none, none, none, none, none, none, None
    )


def broken(cell: CellResult, *found: tuple[str, str]) -> dict[str, Any]:
    """These checks of a cell violated, each with one finding of these words."""
    what = dict(found)
    checks = tuple(_violated(c, what[c.name]) if c.name in what else c for c in cell.checks)
    return {"checks": checks, "verdict": Verdict.VIOLATED, "reasons": ("because",)}


def _violated(check: CheckResult, what: str) -> CheckResult:
    finding = Finding(what, "the detail", "parallel-1-0000003")
    return replace(check, verdict=Verdict.VIOLATED, found=1, seen=40, findings=(finding,))


def made(clean: RunResult, *cells: tuple[str, int, dict[str, Any]]) -> RunResult:
    """A map's result: moment, pass and the fields of each cell."""
    planned, judged = [], []
    for number, (moment, times, fields) in enumerate(cells, 1):
        faults = (f"crash:{moment},pass={times}",)
        cell = Cell("parallel", "sqlite-file", CONFIG, repeat=number, faults=faults)
        planned.append(cell)
        own = {"recording": cell.key, "repeat": number, "settings": CONFIG, "reasons": ()}
        words = {"command": f"duroxide-stress run --fault {faults[0]}", "verdict": Verdict.OK}
        judged.append(replace(clean.cells[0], **{**own, **words, **died(2_000.0), **fields}))
    plan = replace(clean.plan, cells=tuple(planned), command="duroxide-stress crash-map")
    return replace(clean, plan=plan, cells=tuple(judged))


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ([("durability", "an acknowledged start is gone")], "lost"),
        ([("completion", "no end within the wait timeout")], "stuck"),
        ([("success", "failed")], "failed"),
        ([("outputs", "another output")], "wrong"),
        ([("history", "completed more than once")], "doubled"),
        ([("history", "gap in event ids")], "wrong"),
        ([("effects", "ran again after it was booked as done")], "doubled"),
        ([("effects", "ran twice at once")], "doubled"),
        ([("effects", "booked as done, but never ran")], "wrong"),
        ([("books", "more than one current execution")], "doubled"),
        ([("database", "integrity_check")], "broken"),
        ([("success", "failed"), ("completion", "hangs")], "stuck"),
        ([("outputs", "another"), ("durability", "gone")], "lost"),
        ([("outputs", "another"), ("effects", "ran twice at once")], "doubled"),
    ],
)
def test_a_word_for_what_came_of_it(
    clean: RunResult, found: list[tuple[str, str]], word: str
) -> None:
    """The gravest of several."""
    fields = broken(clean.cells[0], *found)
    (spot,) = spots(made(clean, ("turn-begin", 1, fields)))
    assert (spot.moment, spot.times, spot.word) == ("turn-begin", 1, word)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "ok"),
        (skipped(), "not reached"),
        ({"verdict": Verdict.UNKNOWN}, "unknown"),
        ({**skipped(), "recovery_summary": (_summary(0, {}),)}, "unknown"),
        ({"verdict": Verdict.VIOLATED, "checks": ()}, "broken"),
        (
            {"verdict": Verdict.UNKNOWN, "checks": (), "recovery": (), "recovery_summary": ()},
            "unknown",
        ),
    ],
)
def test_a_word_without_a_finding(clean: RunResult, fields: dict[str, Any], word: str) -> None:
    """A crash that was skipped is told from one that the run was too short for."""
    (spot,) = spots(made(clean, ("turn-begin", 9, fields)))
    assert spot.word == word


def wide(clean: RunResult) -> RunResult:
    """A map with a bit of everything, out of order."""
    cell = clean.cells[0]
    return made(
        clean,
        ("between-generations", 1, died(None)),
        ("turn-begin", 4, died(2_149.0)),
        ("turn-begin", 1, died(351.0)),
        ("turn-begin", 9, skipped()),
        ("activity-end", 1, broken(cell, ("durability", "gone"), ("completion", "hangs"))),
        ("activity-end", 4, {"verdict": Verdict.UNKNOWN, "reasons": ("it was cut off",)}),
    )


def test_the_map(clean: RunResult) -> None:
    """Moments in the order of a life, passes in theirs; how long it took until all was over."""
    text = block(spots(wide(clean)), None)
    assert text.splitlines() == [
        "| Moment              | Pass 1 | Pass 4  | Pass 9      | Settled min/median/max |",
        "|---------------------|--------|---------|-------------|------------------------|",
        "| turn-begin          | ok     | ok      | not reached | 0.4/0.4/2.1s           |",
        "| activity-end        | lost   | unknown | -           | 2.0/2.0/2.0s           |",
        "| between-generations | ok     | -       | -           | -                      |",
        *(f"{word}: {WORDS[word]}" for word in ("lost", "not reached", "unknown", "ok")),
    ]


def test_what_is_not_ok_is_told_with_the_words_that_repeat_it(clean: RunResult) -> None:
    """What was found, why it was skipped, or why nobody knows; nothing of what is ok."""
    text = render(wide(clean), RUN)
    assert "turn-begin, pass 9 (parallel.sqlite-file.2-2.r4): not reached\n" in text
    assert f"    {NEVER}\n" in text
    assert "activity-end, pass 1 (parallel.sqlite-file.2-2.r5): lost\n" in text
    assert "activity-end, pass 1, durability: 1 found in 40" in text
    assert "parallel-1-0000003: gone: the detail" in text
    assert "it was cut off" in text
    repeats = [line.strip() for line in text.splitlines() if "repeat:" in line]
    assert repeats == [
        "repeat: duroxide-stress run --fault crash:turn-begin,pass=9",
        "repeat: duroxide-stress run --fault crash:activity-end,pass=1",
        "repeat: duroxide-stress run --fault crash:activity-end,pass=4",
    ]
    assert text.endswith(
        f"Verdict: ok\nRecording: {RUN}\nRepeat: duroxide-stress crash-map\n"
        f"Engine: {clean.cells[0].engine}\n"
    )


def test_it_fits_a_terminal_of_eighty_columns(clean: RunResult) -> None:
    """But for the words that are to be copied."""
    text = render(wide(clean), RUN, 80)
    copied = ("repeat:", "story:")
    long = [line for line in text.splitlines() if len(line) > 80]
    assert [line for line in long if not line.strip().startswith(copied)] == []


def test_several_cells_of_one_pass_show_the_gravest(clean: RunResult) -> None:
    """As a plan with repeats has them."""
    result = made(clean, ("turn-begin", 1, {}), ("turn-begin", 1, skipped()))
    assert "| turn-begin | not reached | 2.0/2.0/2.0s" in block(spots(result), None)


def test_the_ordinary_report_has_the_map_too(clean: RunResult) -> None:
    """Where there is more than one crash to compare."""
    assert "Crash map\n| Moment " in console.render(wide(clean), RUN)
    assert "Crash map" not in console.render(made(clean, ("turn-begin", 1, {})), RUN)
    assert "Crash map" not in console.render(clean, RUN)


def test_the_document_is_the_result_and_the_map(clean: RunResult) -> None:
    """So that whoever reads results reads it too."""
    result = wide(clean)
    found = msgspec.json.decode(document(result))
    crash_map = found.pop("crash_map")
    assert found == msgspec.json.decode(msgspec.json.encode(result))
    assert len(crash_map) == 6
    assert crash_map[3] == {
        "moment": "turn-begin",
        "pass": 9,
        "word": "not reached",
        "settled_ms": None,
        "recording": "parallel.sqlite-file.2-2.r4",
    }
    assert msgspec.json.decode(document(result), type=RunResult) == result
