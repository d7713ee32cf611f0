"""A comparison as Markdown, for a pull request. Whatever comes from a recording stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from duroxide_stress.ledger.compare_result import CellComparison, Comparison
from duroxide_stress.redaction import redact
from duroxide_stress.reports.compare import HEADINGS, described, remarks, row, summary
from duroxide_stress.reports.text import cut, one_line

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~@-])")


def render(found: Comparison) -> str:
    """The whole document, GitHub's flavour."""
    blocks = ["### Duroxide stress comparison", "\n".join(_head(found))]
    blocks += [_listed("Violated promises", found.broken), _listed("Mind", found.warnings)]
    blocks += [_listed("Not compared", found.unmatched)]
    blocks += ["\n".join(_cell(cell)) for cell in found.cells]
    blocks += ["  \n".join(map(escaped, summary(found)))]
    if found.command:
        blocks.append(f"Repeat: {_code(found.command)}")
    return redact("\n\n".join(filter(None, blocks)) + "\n")


def escaped(text: str) -> str:
    """Somebody's words as text: no markup, no HTML, no mention, one line."""
    plain = one_line(cut(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", plain)


def _code(text: str) -> str:
    """A command as code, behind more backticks than it has in a row."""
    plain = one_line(text)
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence}{' ' if longest else ''}{plain}{' ' if longest else ''}{fence}"


def _head(found: Comparison) -> Iterator[str]:
    if found.interrupted:
        yield "**Interrupted, or cut off: this is what is known.**\n"
    yield f"- Base: {escaped(described(found.base))}"
    yield f"- Candidate: {escaped(described(found.candidate))}"
    if found.turns:
        yield f"- In turn: {found.turns} (A base, B candidate)"


def _listed(title: str, sentences: tuple[str, ...]) -> str:
    if not sentences:
        return ""
    return "\n".join([f"**{title}**\n", *(f"- {escaped(sentence)}" for sentence in sentences)])


def _cell(cell: CellComparison) -> Iterator[str]:
    yield f"**{escaped(cell.name)}**" + (f" ({escaped(cell.basis)})" if cell.basis else "") + "\n"
    headings = [long for long, _ in HEADINGS]
    yield f"| {' | '.join(headings)} |"
    yield "|---|" + "---:|" * (len(headings) - 2) + "---|"
    for change in cell.changes:
        yield f"| {' | '.join(map(escaped, row(change)))} |"
    said = [f"- {escaped(text)}" for text in remarks(cell)]
    if said:
        yield "\n" + "\n".join(said)
