"""A comparison as Markdown, for a pull request. Whatever comes from a recording stays text."""

from __future__ import annotations

from collections.abc import Iterator

from duroxide_stress.ledger.compare_result import CellComparison, Comparison
from duroxide_stress.redaction import redact
from duroxide_stress.reports.compare import HEADINGS, described, remarks, row, summary
from duroxide_stress.reports.markdown import bounded, code, word


def render(found: Comparison) -> str:
    """The whole document, or as much of it as a comment on GitHub holds, with the command at its end."""
    end = ["", f"Repeat: {code(redact(found.command))}"] if found.command else []
    return bounded(list(_body(found)), end)


def _body(found: Comparison) -> Iterator[str]:
    yield "### Duroxide stress comparison"
    yield ""
    if found.interrupted:
        yield from ("**Interrupted, or cut off: this is what is known.**", "")
    yield f"- Base: {word(redact(described(found.base)))}"
    yield f"- Candidate: {word(redact(described(found.candidate)))}"
    if found.turns:
        yield f"- In turn: {found.turns} (A base, B candidate)"
    yield from _listed("Violated promises", found.broken)
    yield from _listed("Mind", found.warnings)
    yield from _listed("Not compared", found.unmatched)
    for cell in found.cells:
        yield from _cell(cell)
    yield ""
    yield from (f"- {word(redact(text))}" for text in summary(found))


def _listed(title: str, sentences: tuple[str, ...]) -> Iterator[str]:
    if sentences:
        yield from ("", f"**{title}**", "")
        yield from (f"- {word(redact(sentence))}" for sentence in sentences)


def _cell(cell: CellComparison) -> Iterator[str]:
    basis = f" ({word(redact(cell.basis))})" if cell.basis else ""
    headings = [long for long, _ in HEADINGS]
    yield from ("", f"**{word(redact(cell.name))}**{basis}", "")
    yield f"| {' | '.join(headings)} |"
    yield "|---|" + "---:|" * (len(headings) - 2) + "---|"
    yield from (f"| {' | '.join(row(change))} |" for change in cell.changes)
    said = [f"- {word(redact(text))}" for text in remarks(cell)]
    if said:
        yield from ("", *said)
