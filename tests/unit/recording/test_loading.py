"""How long the lines of a file may be is found out without reading all of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from duroxide_stress.recording import loading


@pytest.mark.parametrize("seed", range(20))
def test_a_line_longer_than_usual_is_noticed(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stands, and only then; held against all lines, one by one."""
    monkeypatch.setattr(loading, "LONG_LINE", 64)
    monkeypatch.setattr(loading, "BLOCK", 8)
    drawn = random.Random(seed)
    most = drawn.choice((20, 63, 64, 65, 100))
    lines = [b"x" * drawn.randint(0, most - 1) + b"\n" for _ in range(200)]
    path = tmp_path / "ops.jsonl"
    path.write_bytes(b"".join(lines))
    longest = max(map(len, lines))
    assert loading._has_only_short_lines(path) == (longest <= 64)
    assert loading._longest([path]) == max(64, longest)


@pytest.mark.parametrize(("length", "short"), [(64, True), (65, False), (200, False)])
def test_the_border_is_exact(
    length: int, short: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of just the length is a short one, first, last or alone."""
    monkeypatch.setattr(loading, "LONG_LINE", 64)
    monkeypatch.setattr(loading, "BLOCK", 8)
    line = b"x" * (length - 1) + b"\n"
    for number, text in enumerate((line, b"y\n" * 90 + line, line + b"y\n" * 90)):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(text)
        assert loading._has_only_short_lines(path) is short
