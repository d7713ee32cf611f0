"""The page as a file: complete, closed, and every text in it a text."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from pathlib import Path

import pytest

from duroxide_stress.judge import judge_run
from duroxide_stress.reports.html.page import OPEN, STORIES, render
from duroxide_stress.reports.text import printable
from duroxide_stress.result import RunResult
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, make_run, small_cell, where

from ..conftest import MakeCell, replace
from .hostile import HOSTILE, hostile_run
from .reading import Reading


@pytest.fixture(scope="module")
def page(pristine: Path) -> str:
    """The page of the clean run."""
    return render(judge_run(pristine), pristine)


def test_it_says_first_what_came_of_the_run(page: str, clean: RunResult) -> None:
    """Verdict, the cell's figures as the tables have them, and the words that repeat the run."""
    text = Reading(page).text
    words = ("✓ ok", "Every promise that was put to the test was kept", "Results", "Cells")
    assert sorted(words, key=text.index) == list(words)
    (cell,) = clean.cells
    assert f"{cell.orchestrations_per_sec:,.2f}" in text
    assert f"{cell.completed:,}" in text
    assert " ".join(clean.plan.command.split()) in " ".join(text.split())


def test_figures_in_doubt_are_called_so_at_the_top(
    recorded: Recorded, clean: RunResult, make_cell: MakeCell
) -> None:
    """How many cells, and at each of them why; a verdict stays what it is."""
    health = replace(clean.cells[0].health, trustworthy=False, reasons=("the driver was late",))
    sound = replace(health, trustworthy=True, reasons=())
    cells = tuple(make_cell(recording="gone", health=each) for each in (health, sound))
    head, _, below = Reading(render(replace(clean, cells=cells), recorded.run)).text.partition(
        "Results"
    )
    assert "1 of 2 cells are doubtful" in head
    assert "✓ ok" in head
    assert "Figures are doubtful: the driver was late" in below


def test_it_is_one_file_that_asks_for_nothing(page: str) -> None:
    """No address to load anything from; the policy forbids all but its own style and script."""
    read = Reading(page)
    for tag, attributes in read.elements:
        assert tag not in ("img", "iframe", "object", "embed", "base", "form")
        assert "src" not in attributes
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        if "href" in attributes:
            assert attributes["href"].startswith(("#", "data:,"))
    assert not re.search(r"@import|url\(", page)
    (policy,) = [m["content"] for m in read.all("meta") if "http-equiv" in m]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_every_picture_says_in_words_what_it_shows(page: str) -> None:
    """Each has a label with its values, and lines that were drawn."""
    read = Reading(page)
    plots = read.all("svg", class_="plot")
    assert [plot["aria-label"].partition(".")[0] for plot in plots] == [
        *("Latency by percentile", "Throughput, completions", "Latency", "In flight and queues"),
    ]
    for plot in plots:
        assert plot["role"] == "img"
        assert " from " in plot["aria-label"]
    strokes = [found for found in read.all("path") if found["class"].startswith("stroke")]
    assert len(strokes) >= len(plots)
    assert all(re.match(r"M[\d.]+ [\d.]+L", stroke["d"]) for stroke in strokes)


def test_every_table_has_headings_and_a_caption(page: str) -> None:
    """Columns and rows are named, for those who hear them."""
    read = Reading(page)
    assert len(read.all("table")) == len(read.all("caption")) == len(read.all("thead"))
    assert {cell.get("scope") for cell in read.all("th")} == {"col", "row"}


def test_hostile_text_stays_text(recorded: Recorded) -> None:
    """In ids, outputs, errors, labels, names: no element, attribute or comment comes of it, and nothing
    turns the direction of writing or hides."""
    result = hostile_run(recorded)
    page = render(result, recorded.run)
    read = Reading(page)
    assert [tag for tag, _ in read.elements if tag in ("script", "style", "title", "img")] == [
        *("title", "style", "script"),
    ]
    assert read.comments == []
    for tag, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or "<" in name], tag
    assert not re.search("[\x00-\x08\x0b-\x1f\u200e\u200f\u202a-\u202e\u2066-\u2069]", page)
    shown = printable(HOSTILE).replace("hunter2", "***")
    assert read.text.count(shown) > 20
    assert "hunter2" not in page
    assert "49" not in re.findall(r"<!-- (.*?) ", read.text)
    assert "Story of" in read.text
    faults = {found["data-words"] for found in read.all("rect", class_="band fault")}
    assert len(faults) == 1
    assert faults.pop().startswith(f"kill{shown}")


def test_a_broken_promise_comes_with_its_findings_and_their_stories(recorded: Recorded) -> None:
    """At the top; below it, what happened to the instance, as `show` tells it."""
    recorded.change("ops", where(type="ok", op=3), output=["wrong"])
    result = judge_run(recorded.run)
    text = Reading(render(result, recorded.run)).text
    (found,) = [c for c in result.cells[0].checks if c.name == "outputs"]
    assert found.verdict is Verdict.VIOLATED
    head, _, below = text.partition("Results")
    assert "✗ violated 0 of 1 cell ok, 1 violated." in " ".join(head.split())
    assert "broke outputs: 1 found in" in head
    assert found.promise in head
    instance = recorded.instance(3)
    assert f"Story of {instance}" in below
    assert "OrchestrationCompleted" in below
    assert f"FOUND   outputs: {found.findings[0].what}" in below
    assert "--- For a bug report" in below


def test_stories_are_bounded(recorded: Recorded) -> None:
    """However much was found, a page has a few stories of each cell, and says what it leaves out."""
    for op in range(30):
        recorded.change("ops", where(type="ok", op=op), output=["wrong"])
    result = judge_run(recorded.run)
    page = render(replace(result, cells=result.cells * 7), recorded.run)
    read = Reading(page)
    assert len(read.all("details", class_="story")) == STORIES
    assert "more; result.json lists the first of them" in read.text
    assert len(page) < 2_000_000


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("gone", "its recording is not there"),
        ("damaged", "ops.jsonl is damaged"),
        ("empty", "the cell was never begun"),
    ],
)
def test_a_cell_without_pictures_says_why(
    recorded: Recorded, clean: RunResult, damage: str, why: str
) -> None:
    """Gone, damaged or empty after it was judged: the figures are there, the pictures are not."""
    if damage == "gone":
        shutil.rmtree(recorded.directory)
    elif damage == "damaged":
        recorded.path("ops").write_text("{}\n" * 3)
    else:
        (recorded.directory / "cell.json").unlink()
    read = Reading(render(clean, recorded.run))
    assert f"No pictures: {why}" in read.text
    assert read.all("figure") == []
    assert f"{clean.cells[0].completed:,}" in read.text


def test_a_run_that_was_cut_off(recorded: Recorded) -> None:
    """A cell without its end and one that was never run: both appear, unknown, with their reason."""
    for name in ("executions", "history"):
        recorded.path(name).unlink()
    (recorded.directory / "end.json").unlink()
    (cell,) = judge_run(recorded.run).cells
    never = replace(
        cell, verdict=Verdict.UNKNOWN, reasons=("not run: the run ended before this cell",),
        checks=(), recording="never",
    )  # fmt: skip
    read = Reading(render(replace(judge_run(recorded.run), cells=(cell, never)), recorded.run))
    text = " ".join(read.text.split())
    assert "0 of 2 cells ok, 2 unknown." in text
    assert "the cell was cut off: it has no end.json" in text
    assert "not run: the run ended before this cell" in text
    assert "ends that the client saw per second" in text


def test_a_plan_without_cells(recorded: Recorded, clean: RunResult) -> None:
    """Nothing was run: the page says so instead of calling it ok."""
    nothing = replace(clean, verdict=Verdict.UNKNOWN, cells=())
    text = Reading(render(nothing, recorded.run)).text
    assert "nothing was run, so nothing was shown" in text


def test_many_cells_are_folded(recorded: Recorded, clean: RunResult, make_cell: MakeCell) -> None:
    """Up to three cells are open; of forty only the first that was violated."""
    plain = make_cell(recording="gone")
    few = Reading(render(replace(clean, cells=(plain,) * OPEN), recorded.run))
    assert len(few.all("details", class_="cell", open="")) == OPEN
    violated = replace(plain, verdict=Verdict.VIOLATED, reasons=("broken",))
    cells = (*[plain] * 20, violated, *[plain] * 19)
    many = Reading(render(replace(clean, cells=cells), recorded.run))
    assert len(many.all("details", class_="cell")) == 40
    opened = [found["id"] for found in many.all("details", class_="cell") if "open" in found]
    assert opened == ["cell-21"]


def test_a_page_is_small(recorded: Recorded, clean: RunResult) -> None:
    """Forty cells are a few megabytes at most: it is to be sent by mail."""
    one, two = (len(render(replace(clean, cells=clean.cells * n), recorded.run)) for n in (1, 2))
    assert one + 39 * (two - one) < 3_000_000


def test_timers_faults_and_hosts_have_their_place(tmp_path: Path) -> None:
    """Timer lateness is drawn, faults are shaded and told of, hosts are listed."""
    cell = replace(
        small_cell("timers", {"count": 2}, duration_secs=4, nodes=2), faults=("kill:every=1s",)
    )
    run = make_run(tmp_path / "run", cell)
    read = Reading(render(judge_run(run), run))
    titles = [found["aria-label"].partition(".")[0] for found in read.all("svg", class_="plot")]
    assert titles[-1] == "Timer lateness by percentile"
    bands = read.all("rect", class_="band fault")
    assert bands
    assert bands[0]["data-words"].startswith("kill host-")
    for words in ("Recovery from faults", "Each fault", "Hosts", "host-1", "fired minus due"):
        assert words in read.text
