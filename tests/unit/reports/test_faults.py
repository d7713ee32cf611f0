"""Faults and hosts in the person's report."""

from pathlib import Path
from typing import Any

import pytest

from duroxide_stress.plan import StressTestConfig
from duroxide_stress.reports.console import render
from duroxide_stress.result import NodeFigures, RecoverySummary, RunResult, Spread

from .conftest import MakeCell, replace

RUN = Path("stress-runs/one")
KILL = RecoverySummary(
    name="kill",
    intended=14,
    count=12,
    skipped=2,
    skip_reasons={"host-1 was not serving": 2},
    never_healed=(),
    lasted_secs=Spread(12, 0, 1.0, 2.0),
    first_progress_ms=Spread(12, 0, 12.4, 1_234.0),
    first_progress_after_heal_ms=Spread(12, 0, 3.0, 4.0),
    former_rate_ms=Spread(11, 1, 0.0, None),
    backlog_peak=Spread(12, 0, 30, 120),
    settled_ms=Spread(12, 0, 5_200.0, 31_000.0),
    extra_executions=7,
)
PAUSE = replace(
    KILL,
    name="rolling-restart",
    intended=2,
    count=2,
    skipped=0,
    skip_reasons={},
    never_healed=("3 (host-0)", "9 (host-2)"),
    first_progress_ms=Spread(0, 2, None, None),
    former_rate_ms=Spread(),
    backlog_peak=Spread(),
    settled_ms=Spread(1, 1, 999.4, None),
    extra_executions=None,
)


def node(host: str, **fields: Any) -> NodeFigures:
    """A host that served, with some of its figures."""
    plain = NodeFigures(host, 1, 11.25, 1_234, 123.456, 61.6, 0.512, 0, 0, 0, 0, 0)
    return replace(plain, **fields)


def columns(line: str) -> list[str]:
    """The cells of a piped line."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def block(text: str, title: str) -> list[str]:
    """The lines under a title; nothing where it does not stand."""
    found = [lines.splitlines()[1:] for lines in text.split("\n\n") if lines.startswith(title)]
    return found[0] if found else []


@pytest.fixture
def struck(clean: RunResult, make_cell: MakeCell) -> RunResult:
    """A result of two cells in which faults were injected."""
    nodes = (
        node("host-0"),
        node("host-1", lives=4, killed=2, died=1, deaths=3, paused=1, frozen=1),
    )
    cells = (
        make_cell(recovery_summary=(KILL, PAUSE), nodes=nodes, config="4/8", repeat=2),
        make_cell(recovery_summary=(KILL,), nodes=nodes[:1]),
    )
    return replace(clean, cells=cells)


def test_a_result_without_faults_says_nothing_of_them(clean: RunResult) -> None:
    """No table, and none of the hosts where there is one that lived once."""
    text = render(clean, RUN)
    assert block(text, "Faults") == block(text, "Nodes") == []


def test_faults_stand_in_a_table_of_their_own(struck: RunResult) -> None:
    """A line a name, for each cell; what has no figure has a dash, what never came says so."""
    header, _, *rows = [line for line in block(render(struck, RUN), "Faults") if line[0] == "|"]
    assert columns(header)[2:] == [
        *("Fault", "Count", "Skipped", "Progress after P50/max", "Former rate P50/max"),
        *("Backlog peak", "Settled P50/max", "Extra runs"),
    ]
    kill = ["kill", "12", "2", "12ms/1.2s", "0ms/never", "120", "5.2/31s", "7"]
    assert [columns(row)[2:] for row in rows] == [
        kill,
        ["rolling-restart", "2", "0", "never", "-", "-", "999ms/never", "-"],
        kill,
    ]


def test_what_a_table_has_no_room_for_is_told_under_it(struck: RunResult) -> None:
    """A line a cell: skipped and why, never healed, not back."""
    text = " ".join(line for line in block(render(struck, RUN), "Faults") if line[0] != "|")
    assert text == (
        "Reference (virtual) 4/8 #2: kill skipped 2 times: host-1 was not serving; after kill the "
        "former rate was not back within the window once; rolling-restart never healed: "
        "3 (host-0), 9 (host-2); nothing completed after rolling-restart 2 times; rolling-restart "
        "struck instances that never ended once "
        "Reference (virtual) 2/2: kill skipped 2 times: host-1 was not serving; after kill the "
        "former rate was not back within the window once"
    )


def test_reasons_are_counted_where_there_are_several(clean: RunResult, make_cell: MakeCell) -> None:
    """Each with how often it was given; many names are cut short."""
    kill = replace(
        KILL,
        skipped=3,
        skip_reasons={"it was down": 1, "it was paused": 2},
        never_healed=tuple(f"{n} (store)" for n in range(8)),
        former_rate_ms=Spread(),
    )
    text = render(replace(clean, cells=(make_cell(recovery_summary=(kill,)),)), RUN)
    said = " ".join(line for line in block(text, "Faults") if line[0] != "|")
    assert said.endswith(
        "kill skipped 3 times: it was down (x 1), it was paused (x 2); kill never healed: "
        "0 (store), 1 (store), 2 (store), 3 (store), 4 (store) and 3 more"
    )


def test_hosts_stand_in_a_table_where_there_are_several(struck: RunResult) -> None:
    """Cells of one host that lived once are left out."""
    header, _, *rows = block(render(struck, RUN), "Nodes")
    assert columns(header)[2:] == [
        *("Host", "Lives", "Ready", "Activities", "Activity/sec", "Peak memory", "CPU"),
        *("Killed", "Died", "Stood still"),
    ]
    same = ["11.2s", "1234", "123.46", "62 MiB", "0.51"]
    assert [columns(row)[1:] for row in rows] == [
        ["4/8 #2", "host-0", "1", *same, "0", "0", "0"],
        ["4/8 #2", "host-1", "4", *same, "2", "1", "2"],
    ]


def test_one_host_with_several_lives_is_shown(clean: RunResult, make_cell: MakeCell) -> None:
    """What could not be measured is a dash."""
    host = node("host-0", lives=2, rss_peak_mb=None, cpu_cores=None, activities_per_sec=None)
    text = render(replace(clean, cells=(make_cell(nodes=(host,)),)), RUN)
    (row,) = block(text, "Nodes")[2:]
    assert columns(row)[2:] == [
        *("host-0", "2", "11.2s", "1234", "-", "-", "-", "0", "0", "0"),
    ]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_both_tables_fit_the_terminal(struck: RunResult, width: int) -> None:
    """With the widest names and figures there are."""
    wide = Spread(1, 0, 999.0, 99_000.0)
    cells = tuple(
        replace(
            cell,
            recovery_summary=tuple(
                replace(one, first_progress_ms=wide, former_rate_ms=wide, settled_ms=wide)
                for one in cell.recovery_summary
            ),
        )
        for cell in struck.cells
    )
    text = render(replace(struck, cells=cells), RUN, width)
    lines = [*block(text, "Faults"), *block(text, "Nodes")]
    assert len(lines) >= 10
    for line in lines:
        assert len(line) <= width, line


def test_unusual_hosts_and_locks_stand_in_the_heading(
    clean: RunResult, make_cell: MakeCell
) -> None:
    """And only those."""
    settings = StressTestConfig(
        nodes=3, worker_lock_timeout_ms=2_000, orchestrator_lock_timeout_ms=1_500
    )
    heading = ["Hosts: 3", "Activity Lock Timeout: 2000ms", "Orchestration Lock Timeout: 1500ms"]
    text = render(replace(clean, cells=(make_cell(settings=settings),)), RUN)
    assert text.split("\n\n")[1].splitlines()[-3:] == heading
    assert "Hosts: " not in render(clean, RUN)
    assert "Lock Timeout" not in render(clean, RUN)
