"""The person's report: the spec's table, and nothing hidden behind it."""

from pathlib import Path

import msgspec
import pytest

from duroxide_stress.judge import judge_run
from duroxide_stress.reports.console import render
from duroxide_stress.result import Finding, Health, RunResult
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded

from .conftest import MakeCell, replace

RUN = Path("stress-runs/one")
SPEC_HEADER = (
    "| Provider          | Config | Completed | Failed | Success % | Orch/sec | Activity/sec "
    "| Avg Latency |"
)
WIDE_LABEL = "Postgres 16 in a container far away"


def columns(line: str) -> list[str]:
    """The cells of a piped line."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def blocks(text: str, *begins: str) -> list[list[str]]:
    """The lines of the blocks that begin with one of these words."""
    return [block.splitlines() for block in text.split("\n\n") if block.startswith(begins)]


def tables(text: str) -> list[list[str]]:
    """The two tables of figures."""
    found = blocks(text, "| Provider", "Provider")
    assert len(found) == 2
    return found


def test_the_specs_table_comes_first_with_its_columns(standard: RunResult) -> None:
    """Heading, settings and columns are the spec's, in the spec's order."""
    text = render(standard, RUN)
    lines = text.splitlines()
    assert lines[0] == "=== Duroxide Stress Test Results ==="
    assert lines[2:7] == [
        "Test Scenario: Parallel Orchestrations",
        "Duration: 10s (after a warm-up of 2s)",
        "Max Concurrent Instances: 20",
        "Tasks per Instance: 5",
        "Activity Delay: 10ms",
    ]
    header, rule, *rows = tables(text)[0]
    assert columns(header) == columns(SPEC_HEADER)
    assert set(rule) == set("|-")
    assert columns(rows[0]) == (
        ["In-Memory SQLite", "1/1", "17901", "0", "100.0%", "1234.57", "6172.84", "1,040ms"]
    )
    assert [columns(row)[:2] for row in rows] == [
        ["In-Memory SQLite", "1/1"],
        ["In-Memory SQLite", "2/2"],
        ["File SQLite", "1/1"],
        ["File SQLite", "2/2"],
    ]


def test_the_header_is_the_specs_to_the_letter(standard: RunResult) -> None:
    """With a name as wide as the spec's column."""
    cells = tuple(replace(cell, provider_label="x" * 17) for cell in standard.cells)
    assert SPEC_HEADER in render(replace(standard, cells=cells), RUN).splitlines()


def test_the_second_table_holds_what_the_spec_leaves_out(standard: RunResult) -> None:
    """Percentiles, memory, processor, ceiling, and the spec's old figure under its true name."""
    header, _, first, *_ = tables(render(standard, RUN))[1]
    assert dict(zip(columns(header), columns(first), strict=True)) == {
        "Provider": "In-Memory SQLite",
        "Config": "1/1",
        "P50": "1,040ms",
        "P95": "1,101ms",
        "P99": "1,205ms",
        "Peak memory": "1042 MiB",
        "CPU": "1.25",
        "Of ceiling": "91%",
        "Time per completion": "51ms",
    }


@pytest.mark.parametrize("label", [None, WIDE_LABEL])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_of_a_table_is_wider_than_the_terminal(
    standard: RunResult, label: str | None, width: int
) -> None:
    """Whatever the provider is called and however many promises are broken."""
    cells = tuple(
        replace(
            cell,
            provider_label=label or cell.provider_label,
            checks=tuple(replace(check, verdict=Verdict.VIOLATED) for check in cell.checks),
        )
        for cell in standard.cells
    )
    text = render(replace(standard, cells=cells), RUN, width)
    promises = blocks(text, "| Promise ", "Promises", "Findings")
    assert len(promises) == 2
    for line in [line for block in [*tables(text), *promises] for line in block]:
        # Commands are to be copied whole.
        assert len(line) <= width or line.startswith("    repeat: "), line


def test_narrow_and_wide_agree_in_every_figure(standard: RunResult) -> None:
    """Only headings and spacing differ."""

    def figures(width: int | None) -> list[list[str]]:
        rows = [row for found in tables(render(standard, RUN, width)) for row in found]
        words = [row.replace("|", " ").split() for row in rows]
        return [row for row in words if row and ("1/1" in row or "2/2" in row)]

    assert figures(None) == figures(80)
    assert len(figures(80)) == 8
    assert render(standard, RUN, 80) != render(standard, RUN, None)


def test_failures_are_split_and_told_in_the_engines_words(
    clean: RunResult, make_cell: MakeCell
) -> None:
    """How many of how many, of which category, and how often each was said."""
    split = {**clean.cells[0].failed_by_category, "infrastructure": 3, "client": 1}
    words = {"database is locked (code 5)": 3, "refused": 1}
    cell = make_cell(failed=4, launched=87, failed_by_category=split, failure_words=words)
    (failures,) = blocks(render(replace(clean, cells=(cell,)), RUN), "Failures")
    assert failures == [
        "Failures",
        "  Reference (virtual) 2/2: 4 of 87 failed: 3 infrastructure, 1 client",
        "    3 x database is locked (code 5)",
        "    1 x refused",
    ]
    assert blocks(render(clean, RUN), "Failures") == []


def test_promises_show_each_checks_verdict(clean: RunResult, make_cell: MakeCell) -> None:
    """A violation stands out with its first finding, its worst and how many there are; what was not
    asked is marked as that."""
    success, *others, memory = clean.cells[0].checks
    findings = tuple(Finding("poison failure", f"why {n}", f"par-{n}") for n in range(5))
    broken = replace(
        success,
        verdict=Verdict.VIOLATED,
        found=7,
        seen=87,
        findings=findings,
        worst=Finding("poison failure", "why 9", "par 9", weight=2),
    )
    cell = make_cell(checks=(broken, *others, memory))
    text = render(replace(clean, cells=(cell,)), RUN)
    ((header, _, *rows),) = blocks(text, "| Promise ")
    assert columns(header) == ["Promise", "Reference (virtual) 2/2"]
    asked = [c.name for c in others if c.asked]
    table = [columns(row) for row in rows if row.startswith("|")]
    assert table == [["success", "VIOLATED"], *([name, "ok"] for name in asked)]
    silent = " ".join(row for row in rows if not row.startswith("|"))
    assert silent.startswith("Not asked, for this run could not have shown it: ordering, timers,")
    assert silent.endswith("memory")
    ((title, *rest),) = blocks(text, "Findings")
    assert title == "Findings"
    assert [line.strip() for line in rest] == [
        "Reference (virtual) 2/2, success: 7 found in 87 ended instances",
        "first: par-0: poison failure: why 0",
        "story: duroxide-stress show stress-runs/one par-0",
        "worst: par 9: poison failure: why 9",
        "story: duroxide-stress show stress-runs/one 'par 9'",
        "... and 5 more; result.json lists 5",
        f"repeat: {cell.command}",
    ]


def test_a_finding_that_is_first_and_worst_is_told_once(
    clean: RunResult, make_cell: MakeCell
) -> None:
    """And one that names no instance has no story."""
    success, *others = clean.cells[0].checks
    only = Finding("broken", "in two", weight=1)
    broken = replace(success, verdict=Verdict.VIOLATED, found=1, findings=(only,), worst=only)
    text = render(replace(clean, cells=(make_cell(checks=(broken, *others)),)), RUN)
    assert "    first and worst: broken: in two\n    repeat: " in text
    assert "story:" not in text


def test_only_the_first_broken_cell_repeats_its_command_beside_each_check(
    clean: RunResult, make_cell: MakeCell
) -> None:
    """The others have it at the end of the report, once each."""
    success, completion, *others = clean.cells[0].checks
    broken = tuple(
        replace(check, verdict=Verdict.VIOLATED, found=1, findings=(Finding("so", "it is", "i"),))
        for check in (success, completion)
    )
    cells = tuple(
        make_cell(
            recording=name,
            command=f"again {name}",
            verdict=Verdict.VIOLATED,
            checks=(*broken, *others),
        )
        for name in ("one", "two")
    )
    text = render(replace(clean, cells=cells), RUN)
    assert text.count("repeat: again one") == 3
    assert text.count("repeat: again two") == 1


def test_an_unknown_that_was_asked_tells_its_note(clean: RunResult, make_cell: MakeCell) -> None:
    """And it is not marked as not asked."""
    checks = tuple(
        replace(check, asked=True, note="it was dark")
        if check.name == "memory"
        else replace(check, asked=True, verdict=Verdict.OK)
        for check in clean.cells[0].checks
    )
    text = render(replace(clean, cells=(make_cell(checks=checks),)), RUN)
    assert "  Reference (virtual) 2/2, memory: unknown: it was dark" in text.splitlines()
    assert "(-)" not in text
    assert "Not asked" not in text


def test_targets_say_their_state_and_why(standard: RunResult) -> None:
    """One line each, per cell."""
    ((_, first, second, *_),) = blocks(render(standard, RUN), "Targets of the spec")
    assert first == "  In-Memory SQLite 1/1, throughput >= 10 orch/s: 18.25, met"
    assert second == (
        "  In-Memory SQLite 1/1, average latency < 200ms: 1,040ms, out of reach: N/X says so"
    )


def test_doubts_are_told_once_for_all_cells_that_share_them(standard: RunResult) -> None:
    """A reason not to trust a figure stands beside the names it holds for."""
    doubtful: Health = replace(
        standard.cells[0].health, trustworthy=False, reasons=("only 5 latencies",), notes=()
    )
    first, second, *others = (
        replace(c, health=replace(c.health, notes=())) for c in standard.cells
    )
    cells = (replace(first, health=doubtful), replace(second, health=doubtful), *others)
    (doubts,) = blocks(render(replace(standard, cells=cells), RUN), "Health of the measurement")
    assert doubts[1:] == [
        "  In-Memory SQLite 1/1, In-Memory SQLite 2/2: untrustworthy: only 5 latencies"
    ]


def test_cells_of_other_settings_stand_in_tables_of_their_own(
    clean: RunResult, make_cell: MakeCell
) -> None:
    """Figures at different loads are not put side by side; repeats of one load are."""
    longer = msgspec.structs.replace(clean.cells[0].settings, duration_secs=90)
    cells = (make_cell(), make_cell(repeat=2), make_cell(settings=longer))
    text = render(replace(clean, cells=cells), RUN)
    durations = [line for line in text.splitlines() if line.startswith("Duration: ")]
    assert durations == [
        "Duration: 1s (after a warm-up of 0.2s)",
        "Duration: 1m 30s (after a warm-up of 0.2s)",
    ]
    assert [columns(row)[1] for row in blocks(text, "| Provider")[0][2:]] == ["2/2", "2/2 #2"]


def test_each_scenario_has_its_heading_and_its_tables(several: RunResult) -> None:
    """Figures of one scenario stand together; what it has none of is not there."""
    text = render(several, RUN)
    titles = [line for line in text.splitlines() if line.startswith("Test Scenario: ")]
    assert titles == [
        "Test Scenario: Parallel Orchestrations",
        "Test Scenario: Timer-Based Orchestrations",
        "Test Scenario: Mixed Workloads",
    ]
    kinds = [columns(found[0])[2] for found in blocks(text, "| Provider")]
    two = ["Completed", "P50"]
    assert kinds == [*two, *two, "Figure", *two, "Part", "Figure"]


def test_parts_stand_in_a_table_of_their_own(several: RunResult) -> None:
    """A line a part, for each cell; what has no figure has a dash."""
    text = render(several, RUN)
    ((header, _, *rows),) = [b for b in blocks(text, "| Provider") if columns(b[0])[2] == "Part"]
    assert columns(header)[2:] == ["Part", "Completed", "Failed", "Orch/sec", "Avg Latency", "P99"]
    assert [columns(row) for row in rows[:2]] == [
        ["In-Memory SQLite", "1/1", "parallel", "17900", "1", "1234.57", "1,040ms", "1,205ms"],
        ["In-Memory SQLite", "1/1", "sub-orchestrations", "17", "0", "-", "-", "-"],
    ]
    assert [columns(row)[0] for row in rows] == ["In-Memory SQLite"] * 2 + ["File SQLite"] * 2


def test_a_scenarios_own_figures_are_shown_in_their_units(several: RunResult) -> None:
    """Milliseconds as such, events as whole numbers, rates per second, dashes for the rest."""
    text = render(several, RUN)
    found = [b for b in blocks(text, "| Provider") if columns(b[0])[2] == "Figure"]
    header, _, *rows = found[0]
    assert columns(header)[2:] == ["Figure", "Count", "Per sec", "P50", "P95", "P99", "Max"]
    assert [columns(row)[2:] for row in rows[:4]] == [
        ["timer lateness", "17901", "-", "1,040ms", "1,101ms", "1,205ms", "1,400ms"],
        ["time per sub-orchestration", "17901", "-", "1,040ms", "1,101ms", "1,205ms", "1,400ms"],
        ["history of a generation", "24", "-", "1,234", "1,234", "1,234", "1,234"],
        ["generations", "24", "1234.57", "-", "-", "-", "-"],
    ]


def test_several_scenarios_are_told_apart_in_every_sentence(several: RunResult) -> None:
    """Promises stand with their scenario, findings and ceilings begin with it; one alone needs not."""
    cells = list(several.cells)
    findings = (Finding("bad", "so"),)
    success, *others = cells[2].checks
    broken = replace(success, verdict=Verdict.VIOLATED, found=1, findings=findings)
    cells[2] = replace(cells[2], checks=(broken, *others))
    text = render(replace(several, cells=tuple(cells)), RUN)
    promises = blocks(text, "| Promise ")
    assert len(promises) == len({cell.scenario for cell in cells})
    assert columns(promises[0][0])[0] == "Promise"
    assert sum(len(columns(block[0])) - 1 for block in promises) == len(cells)
    assert "\n  timers In-Memory SQLite 1/1, success: 1 found in " in text
    assert "\nmixed File SQLite 1/1: ceiling 20.0 orch/s" in text
    alone = render(replace(several, cells=several.cells[:2]), RUN)
    assert len(blocks(alone, "| Promise ")) == 1


@pytest.mark.parametrize("width", [80, 100, 120])
def test_several_scenarios_fit_the_terminal(several: RunResult, width: int) -> None:
    """Tables, parts, figures and promises, also with the longer name of a repeat."""
    cells = tuple(replace(cell, config="4/8", repeat=2) for cell in several.cells)
    text = render(replace(several, cells=cells), RUN, width)
    found = blocks(text, "| Provider", "Provider", "| Promise ", "Promises")
    assert len(found) == 9 + len({cell.scenario for cell in cells})
    for line in [line for block in found for line in block]:
        assert len(line) <= width, line


def test_the_end_says_the_verdict_why_and_how_to_repeat(
    clean: RunResult, make_cell: MakeCell
) -> None:
    """Cells that are not ok give their reasons and their command."""
    cell = make_cell(verdict=Verdict.VIOLATED, reasons=("it died", "its last words:\npanic!"))
    text = render(replace(clean, verdict=Verdict.VIOLATED, cells=(cell,)), RUN)
    (end,) = blocks(text, "Verdict: ")
    assert end == [
        "Verdict: violated",
        f"  {cell.recording}: violated",
        "    it died",
        "    its last words:",
        "    panic!",
        f"    repeat: {cell.command}",
        f"Recording: {RUN}",
        f"Repeat: {clean.plan.command}",
        "Engine: reference 1",
    ]


@pytest.mark.parametrize("width", [None, 80, 20])
def test_a_run_of_which_nothing_can_be_judged_is_shown_all_the_same(
    recorded: Recorded, width: int | None
) -> None:
    """Dashes for figures, no promises, the reason, and no traceback."""
    recorded.directory.rename(recorded.run / "away")
    text = render(judge_run(recorded.run), recorded.run, width)
    assert "Verdict: unknown" in text
    assert "not run: the run ended before this cell" in text
    assert "Promises" not in text
    row = next(line for line in text.splitlines() if "2/2" in line)
    assert row.replace("|", " ").split()[-4:] == ["-"] * 4


def test_a_result_without_cells_is_shown(clean: RunResult) -> None:
    """Nothing to show is still a report."""
    text = render(replace(clean, cells=(), verdict=Verdict.UNKNOWN), RUN, 80)
    assert "Verdict: unknown" in text
    assert blocks(text, "| Provider", "Provider") == []
