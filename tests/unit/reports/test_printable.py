"""Engines' and providers' words are shown, and may hold anything."""

import pytest

from duroxide_stress.reports.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines", "two\nlines"),
        ("é ✓ 漢字", "é ✓ 漢字"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("back\rspace\x08", "back\\rspace\\x08"),
        ("c1 \x9b31m", "c1 \\x9b31m"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("one\u2028line", "one\\u2028line"),
        ("path/\udcff", "path/\\udcff"),
    ],
)
def test_only_what_a_terminal_obeys_is_escaped(text: str, shown: str) -> None:
    """Control and direction characters become visible, everything else stays as it is."""
    assert printable(text) == shown
