"""Trends as text, as JSON and as a page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from duroxide_stress.ledger.entry import Entry, Machine
from duroxide_stress.ledger.trend import Trend, trends
from duroxide_stress.reports import trend as report
from duroxide_stress.reports import trend_page
from duroxide_stress.verdict import Verdict
from unit.ledger.made_up import HOSTILE, cell, entry, replace, runs
from unit.ledger.test_trend import values

PLACE = Path("perf")


def text(
    entries: list[Entry], *, gate: bool = False, last: int = 10, width: int | None = None
) -> str:
    """The report of their throughputs."""
    return report.render(PLACE, trends(entries, ["throughput"]), last, gate=gate, width=width)


@pytest.fixture
def worse() -> list[Entry]:
    """Forty runs, the last five of them worse, one that does not count."""
    made = runs(values(step=-4.0))
    made[30] = entry(30, cell(5.0, trustworthy=False, reasons=("foreign CPU 1.3 cores",)))
    return made


def test_a_regression_as_text(worse: list[Entry]) -> None:
    """Its size, the likely first run, what to look at; within 80 columns."""
    said = text(worse, gate=True)
    assert said.startswith("Trends of ledger perf\n\nthroughput of parallel on sqlite-file at 2/2")
    assert re.search(
        r"Worse: -\d+\.\d %, (19|20)\.\d\d/s → 1[56]\.\d\d/s, likely since 00000023", said
    )
    assert "00000023  2025" in said
    assert "<- first of the change" in said
    assert "GATE: WORSE. 1 series judged." in said
    assert "look: duroxide-stress report /runs/35\n" in said
    assert "newest: duroxide-stress report /runs/39\n" in said
    assert max(map(len, said.splitlines())) <= 80
    assert len(re.findall("^  000000", said, re.MULTILINE)) == 10


def test_what_does_not_count_is_marked(worse: list[Entry]) -> None:
    """With its reason, as far as there is room."""
    said = text(worse, last=20, width=120)
    (line,) = [line for line in said.splitlines() if line.startswith("  0000001e")]
    assert line.endswith("* not trustworthy: foreign CPU 1.3 cores  00000000  duroxide 0.2.2")


def test_an_improvement_is_told_and_fails_nothing() -> None:
    """With the gate's own words."""
    said = text(runs(values(step=4.0)), gate=True)
    assert "GATE: no regression seen. 1 series judged." in said
    assert "Better: +" in said
    assert "look:" not in said


def test_a_gate_without_anything_to_compare_says_so_loudly() -> None:
    """And how much it takes."""
    said = text(runs(values(entries=9)), gate=True)
    assert "too few runs; it needs 3 more runs that count (it has 9)" in said
    assert "GATE: NOTHING COMPARED. None of 1 series could be judged" in said
    assert "No run in the ledger has such a figure." in text([])


@pytest.mark.parametrize(
    ("series", "said"),
    [(1, "once in 1,000 gates"), (12, "once in 83 gates"), (500, "once in 2 gates"),
     (501, "0.6 times in every gate"), (2000, "2 times in every gate")],
)  # fmt: skip
def test_how_often_a_gate_over_so_many_rings_falsely(series: int, said: str) -> None:
    """Beyond one in a thousand it is a number a gate."""
    (quiet,) = trends(runs(values()), ["throughput"])
    words = report.render(PLACE, [quiet] * series, 1, gate=True, width=120).split()
    assert f"ring falsely at most {said}." in " ".join(words)


def test_after_a_change_it_says_since_when_it_is_the_normal() -> None:
    """And how small a step could be seen."""
    said = text(runs(values(entries=60, step=4.0, last=30)))
    assert re.search(
        r"Earlier: \+\d+\.\d % since 0000001e \(.*\), the normal since\.", said, re.DOTALL
    )
    assert re.search(r"No change seen; six runs would show one of \d+\.\d % in four", said)


def test_machines_are_never_mixed_silently() -> None:
    """It is said, and each has its series."""
    other = replace(entry(50, cell()), machine=Machine("elsewhere"))
    said = text([*runs(values()), other])
    assert (
        "runs of 2 machines, each a series of its own; figures of\ndifferent machines are" in said
    )
    assert "Not judged: the ledger's newest run has no such figure." in said


def test_the_document_names_the_runs(worse: list[Entry]) -> None:
    """And has every figure, also those that do not count."""
    (series,) = json.loads(report.document(trends(worse, ["throughput"])))
    assert (series["metric"], series["state"], series["unit"]) == ("throughput", "worse", "/s")
    assert series["reading"]["change"]["first_id"] == "00000023"
    assert len(series["points"]) == 40
    assert [p["id"] for p in series["points"] if not p["counts"]] == ["0000001e"]
    assert series["machine"]["host"] == "bench-1"


class Page(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def hostile(number: int, value: float) -> Entry:
    """An entry with something nasty wherever text may stand."""
    nasty = cell(
        value, scenario=HOSTILE, provider=HOSTILE, config=HOSTILE, settings={HOSTILE: HOSTILE},
        reasons=(HOSTILE,), trustworthy=number != 3,
    )  # fmt: skip
    return entry(
        number, nasty, label=HOSTILE, commit=HOSTILE, engines=(HOSTILE,), run=HOSTILE,
        machine=Machine(HOSTILE, 2, 8, HOSTILE),
    )  # fmt: skip


def test_hostile_strings_stay_text() -> None:
    """On the page and on the terminal: no element, no attribute, no control character of theirs."""
    mild = Page(trend_page.render(PLACE, trends(runs(values(step=-4.0)), ["throughput"])))
    entries = [hostile(number, value) for number, value in enumerate(values(step=-4.0))]
    found = trends(entries, ["throughput"])
    page = trend_page.render(Path(HOSTILE), found)
    read = Page(page)
    assert set(read.tags) == set(mild.tags)
    assert "script" not in read.tags
    assert not any(name.startswith("on") for name, _ in read.attributes)
    assert "onerror" in "".join(read.words), "it is there, as text"
    assert "{{ 7*7 }}" in page
    for shown in (page, report.render(Path(HOSTILE), found, 10, gate=True)):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert max(map(len, report.render(PLACE, found, 10, gate=True).splitlines())) <= 200


def test_the_page_needs_nothing_and_runs_nothing(worse: list[Entry]) -> None:
    """No script, no address, a policy that forbids both; a picture with every run in it."""
    page = trend_page.render(PLACE, trends(worse, ["throughput"]))
    read = Page(page)
    policy = dict(read.attributes)["content"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert policy is not None
    assert not re.search(r"https?:|url\(|<script|<link|<img", page)
    assert read.tags.count("circle") == 40
    assert sum(pair == ("class", "out") for pair in read.attributes) == 2, "a point and its row"
    assert ("class", "worse") in read.attributes
    assert read.tags.count("tr") == 41


def test_words_to_look_can_be_copied_into_a_shell(worse: list[Entry]) -> None:
    """Whatever a recording's path is."""
    nasty = [replace(made, run="/runs/$(touch x) y") for made in worse]
    assert "look: duroxide-stress report '/runs/$(touch x) y'\n" in text(nasty, gate=True)


def drawn(found: list[Trend]) -> list[float]:
    """Every coordinate of the pictures."""
    page = trend_page.render(PLACE, found)
    return [float(n) for n in re.findall(r' (?:x|y|cx|cy|x1|x2|y1|y2)="([^"]*)"', page)]


@pytest.mark.parametrize(
    "figures", [[20.0], [0.0], [5.0] * 14, [0.0] * 14, [1e-9, 1e9], [1e15] * 3]
)
def test_every_picture_stays_within_its_frame(figures: list[float]) -> None:
    """Whatever the figures are."""
    for number in drawn(trends(runs(figures), ["throughput"])):
        assert 0 <= number <= trend_page.WIDTH


def test_a_page_of_nothing_says_so() -> None:
    """A ledger without such a figure."""
    assert "No run in the ledger has such a figure." in trend_page.render(PLACE, [])


def test_a_violated_run_is_shown_so() -> None:
    """In the table of the page."""
    wrong = cell(verdict=Verdict.VIOLATED, reasons=("outputs: 3 are wrong",))
    page = trend_page.render(PLACE, trends([entry(1, wrong)], ["throughput"]))
    assert "violated: outputs: 3 are wrong" in page
