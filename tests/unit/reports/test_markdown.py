"""Markdown as GitHub reads it: tables that hold, foreign words that stay words, a bounded length."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from duroxide_stress.reports.markdown import LIMIT, bounded, code, render, word
from duroxide_stress.result import RunResult

from .hostile import NASTY, hostile_result, replace

RUN = Path("runs/a `b`")


class Page(HTMLParser):
    """The tags of a page, its text, and its text outside code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = self.bare = ""
        self._in_code = 0
        self.feed(MarkdownIt("commonmark").enable("table").render(markdown))

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self._in_code += tag in ("code", "pre")

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        self.text += data
        self.bare += "" if self._in_code else data


def test_the_standard_result_is_the_specs_table(standard: RunResult) -> None:
    """Verdict, table, percentiles, targets, how to repeat; plain figures stand as they are."""
    text = render(standard, RUN)
    assert text.startswith("## duroxide-stress: ok\n")
    assert "| Provider | Config | Completed | Failed | Success % | Orch/sec |" in text
    row = "| In-Memory SQLite | 1/1 | 17901 | 0 | 100.0% | 1234.57 | 6172.84 | 1,040ms |"
    assert row in text.splitlines()
    page = Page(text)
    assert page.tags.count("table") == 2
    assert page.tags.count("tr") == 2 * (1 + len(standard.cells))
    assert "average latency < 200ms: 1,040ms, out of reach: N/X says so" in page.text
    assert f"{standard.plan.command}\n" in page.text


def test_foreign_words_stay_words(clean: RunResult) -> None:
    """No markup, no mention, no column, no other line comes of them, and none is lost."""
    result = hostile_result(clean)
    page = Page(render(result, RUN))
    assert set(page.tags) <= {
        *("h2", "h3", "p", "ul", "li", "strong", "pre", "code"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    for sign in "@#`|<>\x00\x1b\u202e":
        assert sign not in page.bare, sign
    assert page.tags.count("tr") == 2 * (1 + 3)
    assert page.tags.count("td") == (8 + 9) * 3
    shown = r"</script>|`x``y` @team #12 \x00\x1b[31m\ud800\ufffe\u202e & <b>\r\n=1+1"
    assert page.text.count(shown.replace(r"\ufffe", "\ufffe")) >= 6


def test_findings_name_the_first_and_the_worst(clean: RunResult) -> None:
    """With how many there are; an unknown that was asked has its reason."""
    text = Page(render(hostile_result(clean), RUN)).text
    assert "outputs: 30 found in 7 things. It holds." in text
    assert "first: i0" in text
    assert "worst: i19" in text
    assert "timers: </script>" in text
    assert "races" not in text


@pytest.mark.parametrize("text", ["a", "`", "``", " a ", "`a", "a``b`", "\\", "", "x\ny"])
def test_code_holds_any_text(text: str) -> None:
    """Whatever its backticks."""
    page = Page(f"- {code(text)} after")
    assert page.tags == ["ul", "li", "code"]
    assert page.bare.strip() == "after"
    assert page.text.split(" after")[0].strip() == text.replace("\n", "\\n").strip()


@pytest.mark.parametrize(
    "text", ["a|b", "@me", "GH-7", "deadbeef01", "http://x.y", "www.x.y", ":tada:", "*a*", "<b>"]
)
def test_words_that_mean_something_become_code(text: str) -> None:
    """Also in a table."""
    page = Page(f"| a |\n| --- |\n| {word(text)} |")
    assert page.tags[-2:] == ["td", "code"]
    assert page.text.split() == ["a", text]


def test_plain_words_stay_readable() -> None:
    """Labels, durations, shares."""
    for text in ("In-Memory SQLite", "Duration: 10s (after a warm-up of 2s)", "duroxide 0.2.2"):
        assert word(text) == text


def test_a_huge_result_fits_a_comment(clean: RunResult) -> None:
    """The end is always there, and says how much is missing."""
    one = hostile_result(clean).cells[0]
    cells = tuple(replace(one, reasons=(NASTY * 9,), recording=f"c{n}") for n in range(900))
    huge = replace(clean, cells=cells, reasons=(NASTY * 900,) * 900)
    text = render(huge, RUN)
    assert 0.9 * LIMIT < len(text.encode("utf-16-le")) // 2 <= LIMIT
    assert re.search(r"^\*\d+ more lines did not fit; result\.json has everything\.\*$", text, re.M)
    assert text.endswith("Recording: `` runs/a `b` ``\n")
    assert "- and 880 more" in text


def test_what_fits_is_whole() -> None:
    """No line is dropped that has room, none is kept that has not."""
    assert bounded(["a", "b"], ["end"]) == "a\nb\nend\n"
    short = bounded(["a" * 50, "b" * 50], ["end"], limit=140)
    assert short.startswith("a" * 50 + "\n\n*1 more lines")
    assert len(short) <= 140
