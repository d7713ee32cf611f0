"""The result as Markdown, for a pull request's comment or a GitHub step summary.

Foreign words (ids, error texts, labels) stand in code, where neither markup, a mention nor a link means
anything. The whole fits a comment; what does not fit is counted, and the words that repeat the run
always stand at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from duroxide_stress.reports.console import (
    MORE_COLUMNS,
    SPEC_COLUMNS,
    heading,
    more_rows,
    same_settings,
    spec_rows,
    target_words,
)
from duroxide_stress.reports.findings import told
from duroxide_stress.reports.text import Heading, cut, one_line, shortened
from duroxide_stress.result import CellResult, CheckResult, RunResult
from duroxide_stress.verdict import Verdict

LIMIT = 65_536
"""Characters of a comment on GitHub; a step summary may have 1 MiB. Counted as UTF-16 does, which is
never less."""
REASONS, COMMAND = 20, 2_000
"""Reasons listed below the verdict, and characters of a command."""
_PLAIN = re.compile(r"[A-Za-z0-9 ,.;:'=()/%-]*")
_REFERENCE = re.compile(r"\b(?:[0-9a-f]{7,}|gh-\d+)\b|www\.|:\S", re.IGNORECASE)
"""What GitHub makes something of, though it is plain: a commit, an issue, an address, an emoji."""


def render(result: RunResult, run: Path) -> str:
    """At most `LIMIT` characters, with a newline at the end."""
    body = [
        *_verdict(result),
        *_tables(result.cells),
        *_section("Violated promises", _violated(result.cells)),
        *_section("Unknown", _unknown(result.cells)),
        *_section("Targets of the spec", _targets(result.cells)),
        *_section("Not to be trusted", _health(result.cells)),
    ]
    return bounded(body, _repeat(result, run))


def _verdict(result: RunResult) -> Iterator[str]:
    cells = "1 cell" if len(result.cells) == 1 else f"{len(result.cells)} cells"
    yield f"## duroxide-stress: {result.verdict.value}"
    yield ""
    engines = sorted({cell.engine for cell in result.cells if cell.engine})
    yield ", ".join([cells, *map(word, engines)])
    if result.reasons:
        yield ""
    yield from (f"- {code(reason)}" for reason in result.reasons[:REASONS])
    if (more := len(result.reasons) - REASONS) > 0:
        yield f"- and {more} more"


def _tables(cells: Sequence[CellResult]) -> Iterator[str]:
    for _, alike in groupby(cells, same_settings):
        group = list(alike)
        _, *settings = heading(msgspec.structs.replace(group[0], title="")).splitlines()
        yield from ("", f"### {word(group[0].title)}", "")
        yield ", ".join(map(word, settings))
        yield from ("", *_table(SPEC_COLUMNS, group, spec_rows(group)))
        yield from ("", *_table(MORE_COLUMNS, group, more_rows(group)))


def _table(
    headings: Sequence[Heading], cells: Sequence[CellResult], rows: Sequence[Sequence[str]]
) -> Iterator[str]:
    """The console's rows, with a repeat that is no issue's number."""
    yield "| " + " | ".join(long for long, _ in headings) + " |"
    yield "|" + "|".join([" --- ", " --- ", *[" ---: "] * (len(headings) - 2)]) + "|"
    for cell, (_, _, *figures) in zip(cells, rows, strict=True):
        yield "| " + " | ".join([word(cell.provider_label), _config(cell), *figures]) + " |"


def _config(cell: CellResult) -> str:
    return cell.config if cell.repeat == 1 else f"{cell.config} (repeat {cell.repeat})"


def _where(cell: CellResult) -> str:
    return f"{word(cell.scenario)} on {word(cell.provider_label)} {_config(cell)}"


def _violated(cells: Sequence[CellResult]) -> Iterator[str]:
    for cell, check in _said(cells, Verdict.VIOLATED):
        found = f"{check.found} found in {check.seen} {check.unit}"
        yield f"- {_where(cell)}, **{word(check.name)}**: {word(found)}. {word(check.promise)}"
        pair = list(told(check.findings[0], check.worst)) if check.findings else []
        for label, finding in pair:
            instance = f"{code(finding.instance)} " if finding.instance else ""
            yield f"  - {label}: {instance}{code(f'{finding.what}: {finding.detail}')}"


def _unknown(cells: Sequence[CellResult]) -> Iterator[str]:
    for cell, check in _said(cells, Verdict.UNKNOWN):
        if check.asked:
            yield f"- {_where(cell)}, **{word(check.name)}**: {code(check.note)}"


def _said(
    cells: Sequence[CellResult], verdict: Verdict
) -> Iterator[tuple[CellResult, CheckResult]]:
    return ((cell, check) for cell in cells for check in cell.checks if check.verdict is verdict)


def _targets(cells: Sequence[CellResult]) -> Iterator[str]:
    for cell in cells:
        for target in cell.targets:
            yield f"- {_where(cell)}: {code(target_words(target))}"


def _health(cells: Sequence[CellResult]) -> Iterator[str]:
    for cell in cells:
        if cell.health.reasons:
            yield f"- {_where(cell)}: {code('; '.join(cell.health.reasons))}"


def _section(title: str, lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return ["", f"### {title}", "", *found] if found else []


def _repeat(result: RunResult, run: Path) -> list[str]:
    """How to repeat the run, and the first cell that broke a promise, to be copied."""
    broken = (c.command for c in result.cells if c.verdict is Verdict.VIOLATED and c.command)
    commands = list(dict.fromkeys([result.plan.command, *list(broken)[:1]]))
    shown = [one_line(text) for text in commands if len(text) <= COMMAND]
    longest = max((len(ticks) for text in shown for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    where = f"Recording: {code(str(run))}"
    return ["", "### Repeat", "", f"{fence}sh", *shown, fence, "", where] if shown else ["", where]


def bounded(body: Sequence[str], end: Sequence[str], limit: int = LIMIT) -> str:
    """As much of the body as there is room for before the end, line by line, and how much is missing."""
    missing = "\n*{} more lines did not fit; result.json has everything.*\n"
    room = limit - _length("".join(f"{line}\n" for line in end)) - len(missing) - 10
    kept: list[str] = []
    for line in body:
        room -= _length(line) + 1
        if room < 0:
            break
        kept.append(f"{line}\n")
    left_out = len(body) - len(kept)
    told_of = missing.format(left_out) if left_out else ""
    return "".join([*kept, told_of, *(f"{line}\n" for line in end)])


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def code(text: str) -> str:
    """Foreign words as code, on one line. Not for a table, whose columns a `|` would break."""
    text = one_line(cut(text)) or " "
    ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    padded = f" {text} " if text[0] in "` " or text[-1] in "` " else text
    return f"{ticks}{padded}{ticks}"


def word(text: str) -> str:
    """Words that stand as they are where Markdown and GitHub see nothing in them, else as code that
    may stand everywhere, also in a table."""
    text = shortened(one_line(text), 400)
    if _PLAIN.fullmatch(text) and not _REFERENCE.search(text):
        return text
    return (
        f"<code>{re.sub(r'[^A-Za-z0-9 ]', lambda found: f'&#{ord(found.group())};', text)}</code>"
    )
