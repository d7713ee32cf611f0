"""The page: verdict first, then the matrix, then every cell, then how to make it again.

It is one file that asks for nothing: style and script stand in it, and its content security policy
allows these two by their hashes and no request at all. Pictures are SVG and need no script.
Whatever stands in a recording is text: every expression of the templates goes through `_safe`, which
blanks passwords and makes control and direction characters visible, and is then escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress import __version__
from duroxide_stress.recording.store import read_run
from duroxide_stress.redaction import redact
from duroxide_stress.reports.findings import story_command
from duroxide_stress.reports.html import cells, matrix, tables
from duroxide_stress.reports.html.cells import CellView
from duroxide_stress.reports.text import cut, printable
from duroxide_stress.result import RunResult
from duroxide_stress.units import NS_PER_SEC
from duroxide_stress.verdict import Verdict

OPEN = 3
"""Up to so many cells are shown unfolded; of more, only the first that is not ok."""
STORIES = 24
"""Of the whole page."""
REASONS = 12
FINDINGS = 3
"""Of the top of the page."""


class Page(msgspec.Struct, frozen=True):
    """What the template shows beside the cells' own results."""

    result: RunResult
    run: str
    version: str
    began: str
    counted: str
    """How many cells are what, in a sentence."""
    doubted: int
    """In how many cells the figures are not to be trusted."""
    views: tuple[CellView, ...]
    unfolded: frozenset[int]
    groups: tuple[matrix.Group, ...]
    promises: tables.Table
    facts: tables.Table
    first: tuple[tuple[int, str, cells.Found], ...]
    """The first findings: the number of the cell, what it is called, what was found."""


def render(result: RunResult, run: Path) -> str:
    """The report of a run as one HTML document. `run` is its recording, for pictures and stories; a cell
    whose recording is gone, damaged or empty appears with the reason."""
    left = STORIES
    views = []
    for number, cell in enumerate(result.cells, 1):
        view = cells.view(cell, number, run, left)
        left -= len(view.stories)
        views.append(view)
    page = Page(
        result=result,
        run=str(run),
        version=__version__,
        began=_began(run),
        counted=_counted(result),
        doubted=sum(not cell.health.trustworthy for cell in result.cells),
        views=tuple(views),
        unfolded=_unfolded(views),
        groups=matrix.groups(result.cells),
        promises=tables.promises(result),
        facts=tables.facts(result),
        first=tuple(_first(views))[:FINDINGS],
    )
    return _filled(page)


def _began(run: Path) -> str:
    ns = read_run(run).started_ns if (run / "plan.json").is_file() else 0
    return datetime.fromtimestamp(ns / NS_PER_SEC, UTC).strftime("%Y-%m-%d %H:%M UTC") if ns else ""


def _counted(result: RunResult) -> str:
    """`3 of 4 cells ok, 1 violated.`"""
    if not result.cells:
        return "The plan has no cell: nothing was run, so nothing was shown."
    counts = Counter(cell.verdict for cell in result.cells)
    others = [f"{counts[v]} {v.value}" for v in (Verdict.VIOLATED, Verdict.UNKNOWN) if counts[v]]
    cells_of = "1 cell" if len(result.cells) == 1 else f"{len(result.cells)} cells"
    if not others:
        return f"Every promise that was put to the test was kept, in {cells_of}."
    return f"{counts[Verdict.OK]} of {cells_of} ok, {', '.join(others)}."


def _unfolded(views: list[CellView]) -> frozenset[int]:
    if len(views) <= OPEN:
        return frozenset(view.number for view in views)
    worst = [view.number for view in views if view.cell.verdict is Verdict.VIOLATED]
    doubtful = [view.number for view in views if view.cell.verdict is Verdict.UNKNOWN]
    return frozenset((worst or doubtful)[:1])


def _first(views: list[CellView]) -> Iterator[tuple[int, str, cells.Found]]:
    for view in views:
        for found in view.found:
            yield view.number, name(view), found


def name(view: CellView) -> str:
    """A cell in a few words."""
    cell = view.cell
    return f"{cell.scenario} on {cell.provider_label} at {matrix.config_words(cell)}"


def _filled(page: Page) -> str:
    """The template with the page in it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    loader = PackageLoader("duroxide_stress.reports.html")
    env = Environment(
        loader=loader, autoescape=True, finalize=_safe, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    style, script = (loader.get_source(env, file)[0] for file in ("style.css", "script.js"))
    env.filters["cut"] = cut
    return env.get_template("page.html").render(
        page=page,
        result=page.result,
        cell_name=name,
        config_words=matrix.config_words,
        result_row=tables.result_row,
        headings=tables.RESULT_HEADINGS,
        story_command=story_command,
        reasons_shown=REASONS,
        # Ours, files of the package: these two are not escaped, and their hashes are what may run.
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _safe(value: Any) -> Any:
    """An expression's value as text that hides nothing; what the templates made is left alone."""
    if hasattr(value, "__html__") or not isinstance(value, str):
        return value
    return printable(redact(value))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
