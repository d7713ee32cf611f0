"""A ledger as a list."""

import json
from pathlib import Path

from duroxide_stress.reports import history
from duroxide_stress.verdict import Verdict
from unit.ledger.made_up import HOSTILE, cell, entry, replace

PLACE = Path("perf")
FIGURES = {"throughput": 16.5, "p50": 835.2, "p99": 1056.4}


def test_every_run_with_its_headline() -> None:
    """Machine, engine, verdict, figures; the newest last; what does not count is marked."""
    first = entry(1, cell(values=FIGURES), cell(values={}, provider="sqlite-memory", repeat=2))
    bad = cell(values=FIGURES, verdict=Verdict.VIOLATED)
    second = entry(2, bad, verdict=Verdict.VIOLATED, label="after the fix", commit=None)
    lines = history.render(PLACE, [first, second], 5).splitlines()
    assert lines[0] == "Ledger perf: 5 runs, the newest 2 of them here"
    assert lines[2].startswith("00000001  2025-10-")
    assert lines[2].endswith("  ok  duroxide 0.2.2  00000000")
    assert lines[3] == "  standard on bench-1, 4 cpus, 16 GiB, Linux x86_64"
    assert lines[5].split() == [
        "parallel",
        "sqlite-file",
        "2/2",
        "ok",
        "16.50/s",
        "835ms",
        "1,056ms",
    ]
    assert lines[6].split() == ["parallel", "sqlite-memory", "2/2", "r2", "ok", "-", "-", "-"]
    assert lines[8].endswith("  violated  duroxide 0.2.2  after the fix")
    assert "violated *" in lines[11]
    assert lines[-2].startswith("* does not count in trends")


def test_a_ledger_without_runs() -> None:
    """Is no error."""
    assert history.render(PLACE, [], 0) == "Ledger perf: 0 runs\n"
    assert json.loads(history.document([])) == []


def test_hostile_words_are_shown_as_escapes_within_the_width() -> None:
    """A name of any length is shortened, a label is not obeyed."""
    nasty = entry(1, cell(scenario=HOSTILE * 30, config=HOSTILE), label=HOSTILE, plan=HOSTILE * 9)
    nasty = replace(nasty, commit="\x1b[31m" + HOSTILE)
    said = history.render(PLACE, [nasty], 1)
    assert "\x1b" not in said
    assert "\u202e" not in said
    figures = [line for line in said.splitlines() if "/s" in line]
    assert max(map(len, figures)) <= 80


def test_the_document_has_the_whole_entry() -> None:
    """As it is filed."""
    (found,) = json.loads(history.document([entry(1, cell(values=FIGURES))]))
    assert found["cells"][0]["values"] == FIGURES
    assert found["machine"]["host"] == "bench-1"
