"""A comparison as text and as Markdown: its widths, and words that were made to break it."""

import pytest

from duroxide_stress.ledger.compare_result import (
    SCHEMA,
    CellComparison,
    Change,
    Comparison,
    Outcome,
    Side,
    SideCell,
)
from duroxide_stress.reports import compare, compare_markdown
from duroxide_stress.verdict import Verdict

HOSTILE = "</script><b>|`x`\x1b[31m\u202e\n# @all ![x](http://x) postgresql://u:secret99@h/d"


def change(outcome: Outcome = "slower", **fields: float | str | bool | None) -> Change:
    """One figure that got a tenth worse."""
    given = {
        "metric": "p99", "title": "P99", "unit": "ms", "base": 1234.5, "candidate": 1358.0,
        "change_pct": 10.0, "low_pct": 4.2, "high_pct": 16.1, "smallest_pct": 8.0, "p": 0.01,
        "confirmed": True,
    }  # fmt: skip
    return Change(outcome=outcome, **{**given, **fields})  # type: ignore[arg-type]


def comparison(*changes: Change, words: str = "old") -> Comparison:
    """A cell with these figures; `words` stand wherever a recording's may."""
    side = SideCell(Verdict.VIOLATED, (words,), (words,), (words,))
    cell = CellComparison(words, "parallel", "p", "2/2", side, side, words, (words,), changes)
    whole = Side(words, (words,), words, words, Verdict.VIOLATED)
    return Comparison(SCHEMA, whole, whole, "ABBA", (words,), (words,), (words,), (cell,), words)


@pytest.mark.parametrize("width", [None, 80, 120])
def test_the_table_fits(width: int | None) -> None:
    """At 80 columns and at more; every figure with its interval and what could be seen."""
    unknown = change(
        "cannot tell", change_pct=None, low_pct=None, high_pct=None, smallest_pct=None,
        base=None, p=None, confirmed=False, why="too few latencies",
    )  # fmt: skip
    text = compare.render(comparison(change(), change("no difference seen"), unknown), None, width)
    assert max(map(len, text.splitlines())) <= (width or 80)
    assert "+4.2 to +16.1%" in text
    assert "1,234ms" in text or "1,235ms" in text
    assert "cannot tell P99: too few latencies" in text
    assert text.index("Violated promises") < text.index("Figure")


def test_hostile_words_stay_words_on_a_terminal() -> None:
    """No escape, no line of its own, no password."""
    text = compare.render(comparison(change(), words=HOSTILE))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "secret99" not in text
    assert "\n# @all" not in text


def test_hostile_words_stay_words_in_markdown() -> None:
    """No tag, no link, no mention, no new cell of a table."""
    text = compare_markdown.render(comparison(change(), words=HOSTILE))
    outside = text[: text.rindex("Repeat:")]
    assert "<b>" not in outside
    assert "![x]" not in outside
    assert "secret99" not in text
    assert "\x1b" not in text
    assert "@all" not in outside
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert rows[2].count("|") == 8


def test_code_keeps_backticks() -> None:
    """A command with backticks ends where it ends."""
    text = compare_markdown.render(comparison(change(), words="run `a` ``b``"))
    assert "Repeat: ``` run `a` ``b`` ```" in text


def test_chance_is_said() -> None:
    """Differences that may be chance are counted, those that are not are named."""
    both = comparison(change(), change(confirmed=False))
    text = compare.render(both)
    assert "Confirmed: P99 slower (+10.0%), old" in text
    assert "1 of the differences may be chance" in text
    none = comparison(change("no difference seen", confirmed=False))
    assert "No difference in 1 of 1 figures" in compare.render(none)
    assert "Nothing can be told." in compare.render(comparison(change("cannot tell")))
