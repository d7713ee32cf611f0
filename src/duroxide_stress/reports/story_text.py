"""A story as one page: who it is, what it owes, what was found, what happened, and a bug report."""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime

from duroxide_stress.recording.records import Execution
from duroxide_stress.reports.bug_report import bug_report
from duroxide_stress.reports.findings import story_command
from duroxide_stress.reports.story import Owed, Relative, Story
from duroxide_stress.reports.text import one_line, printable, shortened
from duroxide_stress.reports.timeline import timeline
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

WORDS = 2_000
"""Characters of a text that are shown at most."""
OUTPUT = 100
CHILDREN = 12
LOG = 12


def render(story: Story, width: int | None = None, *, everything: bool = False) -> str:
    """The page. `width` is the terminal's; None for a file or a pipe, where lines are not wrapped."""
    page = _Page(story, width)
    blocks = [
        [f"Story of {one_line(story.instance)}"],
        [*page.head(), *page.findings()],
        page.timeline(everything=everything),
        page.log(everything=everything),
    ]
    if story.findings:
        blocks.append(bug_report(story))
    return printable("\n\n".join("\n".join(block) for block in blocks if block) + "\n")


class _Page:
    """The blocks of one story at one width."""

    def __init__(self, story: Story, width: int | None) -> None:
        self._story = story
        self._width = None if width is None else max(60, width)

    def head(self) -> list[str]:
        """Who it is, what must come out, what came out, whose child it is."""
        story, owed = self._story, self._story.owed
        settings = story.settings
        lines = self._row(
            "cell",
            f"{story.cell} of {story.run}: {story.scenario} on {story.provider_label} at "
            f"{settings.concurrency}, {settings.max_concurrent} in flight, seed {settings.seed}",
        )
        lines += self._row("engine", story.engine)
        if owed is not None:
            of = "" if owed.part == story.scenario else f" of {owed.part}"
            lines += self._row("op", f"{owed.op}{of}, due {_utc(story.due_ns)}, input {owed.input}")
            lines += self._row("owes", _owes(owed, story.instance))
            if makes := _makes(owed):
                lines += self._row("makes", makes)
            lines += self._row("ended", _ended(owed))
        for book in story.books:
            lines += self._row("books", _book(book, several=len(story.books) > 1))
        if not story.books:
            none = f"unknown: {story.no_books}" if story.no_books else "no execution of it"
            lines += self._row("books", none)
        if story.parent is not None:
            lines += self._relative("parent", story.parent)
        for child in story.children[:CHILDREN]:
            lines += self._relative("child", child)
        if len(story.children) > CHILDREN:
            lines += self._row("child", f"... and {len(story.children) - CHILDREN} more children")
        return [*lines, *self._row("repeat", story.command, wrap=False)]

    def findings(self) -> list[str]:
        """What checks have against it."""
        lines = []
        for named in self._story.findings:
            found = named.finding
            whose = ""
            if found.instance not in (None, self._story.instance):
                whose = f" (of {found.instance})"
            text = f"{named.check}: {found.what}{whose}: {found.detail}"
            lines += self._row("FOUND", f"{text} [1 of {named.found} in {named.seen} {named.unit}]")
        nothing = "nothing: no check has anything against it"
        if self._story.no_books:
            nothing += f", but {self._story.no_books}"
        return lines or self._row("found", nothing)

    def timeline(self, *, everything: bool) -> list[str]:
        """All moments in order, under what the signs in them mean."""
        story = self._story
        since = "it was due" if story.root == story.instance else "its root was due"
        if story.due_ns is None:
            since = "the first that is known"
        ids = "~ is this instance" + ("" if story.root == story.instance else ", ~~ its root")
        words = f"What happened, in ms since {since} (the engine's clock has no fractions). {ids}; "
        legend = self._wrapped(words + "...(N): cut, N characters in all.", "")
        return [*legend, *timeline(story, self._width, everything=everything)]

    def log(self, *, everything: bool) -> list[str]:
        """What the processes' logs say of it, with the few lines before."""
        found = self._story.log
        kept = found if everything else found[:LOG]
        lines = [f"{'>' if line.names else ' '} {line.file}: {line.text}" for line in kept]
        if not lines:
            return []
        wrapped = [piece for line in lines for piece in self._wrapped(line, "    ")]
        more = len(found) - len(kept)
        return [
            "Logs that name it (>), and the lines before the first that does",
            *wrapped,
            *([f"... {more} more lines; --all shows them"] if more else []),
        ]

    def _relative(self, label: str, relative: Relative) -> list[str]:
        """Who it is, how it ended, and the words that tell its story."""
        status = relative.status or "not in the books"
        command = story_command(self._story.run, relative.instance)
        return [
            *self._row(label, f"{relative.instance}: {status}"),
            *self._row("", command, wrap=False),
        ]

    def _row(self, label: str, text: str, *, wrap: bool = True) -> list[str]:
        line = f"  {label:<7} {one_line(shortened(text, WORDS))}"
        return self._wrapped(line, " " * 10) if wrap else [line]

    def _wrapped(self, line: str, below: str) -> list[str]:
        if self._width is None:
            return [line]
        line = one_line(line)
        return textwrap.wrap(
            line, self._width, subsequent_indent=below, break_on_hyphens=False,
            drop_whitespace=True,
        )  # fmt: skip


def _owes(owed: Owed, instance: str) -> str:
    if owed.by_predicate:
        what = "an end that its scenario accepts"
    elif owed.status == "Failed":
        what = f"Failed with {owed.error!r}" if owed.error else "Failed"
    else:
        output = (owed.output or "null").replace(instance, "~")
        what = f"{owed.status} with output {shortened(output, OUTPUT)}"
    if owed.canceled:
        what += f", or the end {owed.canceled!r}"
    return what


def _makes(owed: Owed) -> str:
    """The events that its program makes, and the activities in it and its children."""
    try:
        events = json.loads(owed.events or "{}").items()
    except (ValueError, AttributeError):
        events = ()
    counts = [f"{count} {kind}" for kind, count in events]
    if owed.activities:
        counts.append(f"{owed.activities} activities in all")
    return ", ".join(counts)


def _ended(owed: Owed) -> str:
    words = {"ok": "completed", "fail": "failed", "info": "no end was seen"}
    if owed.ended is None or owed.seen_ms is None:
        return "nothing was seen of it: the run was cut off"
    return f"{words[owed.ended]}, {owed.seen_ms:,.0f} ms after it was due, as the client saw it"


def _book(book: Execution, *, several: bool) -> str:
    words = [f"execution {book.execution} {book.status}" if several else book.status]
    words.append(f"{book.events} event" + ("" if book.events == 1 else "s"))
    if book.category:
        words.append(book.category)
    if book.retryable:
        words.append("the engine calls it retryable")
    if not book.listed:
        words.append("not in the engine's list of instances")
    text = ", ".join(words)
    return f"{text}: {book.error}" if book.error else text


def _utc(due_ns: int | None) -> str:
    if due_ns is None:
        return "?"
    try:
        at = datetime.fromtimestamp(due_ns // NS_PER_SEC, UTC)
    except (ValueError, OverflowError, OSError):
        return str(due_ns)
    return f"{at:%Y-%m-%d %H:%M:%S}.{due_ns % NS_PER_SEC // NS_PER_MS:03d} UTC"
