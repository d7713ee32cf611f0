"""What a maintainer wants to be told of an instance, in Markdown that can be pasted as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from duroxide_stress.plan import StressTestConfig
from duroxide_stress.reports.moments import Around, Moment
from duroxide_stress.reports.story import Story
from duroxide_stress.reports.text import one_line, shortened
from duroxide_stress.result import Finding

HEAD, TAIL = 16, 16
"""Rows of a history that are shown; more of them are folded first."""
DATA = 300
ERROR = 1_000
TITLE = 160
LOG = 12
FAULTS = 6
"""Faults around it that are named; the last of them, which are the nearest to what went wrong."""


def bug_report(story: Story) -> list[str]:
    """Engine, store, settings, command, findings, books, history and log of an instance."""
    return [
        "--- For a bug report (lines are not wrapped, so that they can be copied) ---",
        "",
        f"**{story.engine} on {story.provider_label}: {_title(story)}**",
        "",
        *_setting(story),
        "",
        f"Instance `{_code(story.instance)}`:",
        "",
        *(f"- {n.check}: {_words(story, n.finding)}"
          f" ({n.found} found in {n.seen} {n.unit} of this run)"
          for n in story.findings),
        f"- books at rest: {_book(story)}",
        *_around(story.faults),
        "",
        *_fenced(_history(story.moments)),
        *_log(story),
    ]  # fmt: skip


def _title(story: Story) -> str:
    named = [n.finding for n in story.findings]
    failures = [n.finding for n in story.findings if n.check == "success"]
    finding = (failures or named)[0]
    return one_line(f"{finding.what}: {shortened(finding.detail, TITLE)}")


def _words(story: Story, finding: Finding) -> str:
    whose = "" if finding.instance in (None, story.instance) else f" (of {finding.instance})"
    return one_line(f"{finding.what}{whose}: {shortened(finding.detail, ERROR)}")


def _book(story: Story) -> str:
    if not story.books:
        return f"unknown: {story.no_books}" if story.no_books else "no execution of it"
    book = story.books[-1]
    facts = [f"execution {book.execution} of {len(story.books)} is {book.status}"]
    facts += [book.category] if book.category else []
    facts += ["called retryable by the engine"] if book.retryable else []
    facts += [] if book.listed else ["not in the engine's list of instances"]
    return ", ".join(facts)


def _setting(story: Story) -> list[str]:
    s, machine = story.settings, story.environment
    where = [
        str(machine[key]) for key in ("platform", "machine") if isinstance(machine.get(key), str)
    ]
    python = f"Python {machine['python']}" if machine.get("python") else ""
    cores = f"{machine['cpus']} cores" if machine.get("cpus") else ""
    one = (
        "engine and client in one process"
        if story.mode == "embedded"
        else "engine and client apart"
    )
    return [
        f"- engine: {story.engine}, {one}",
        f"- store: {story.provider_label} (`{_code(story.provider)}`)",
        f"- orchestration / activity workers: {s.concurrency}, poll interval "
        f"{s.poll_interval_ms} ms",
        *_unusual(s, story.planned_faults),
        f"- load: {story.scenario}, {s.max_concurrent} instances in flight, "
        f"{s.tasks_per_instance} activities of {s.activity_delay_ms} ms",
        f"- machine: {one_line(', '.join(filter(None, [*dict.fromkeys(where), python, cores])))}",
        f"- repeat: `{_code(story.command)}`",
    ]


def _unusual(settings: StressTestConfig, faults: Sequence[str]) -> list[str]:
    """Hosts, locks and faults, where they are not what everybody has."""
    default = StressTestConfig()
    lines = []
    if settings.nodes != default.nodes:
        lines.append(f"- hosts on the store: {settings.nodes}")
    locks = [
        f"{what} {value} ms (default {usual})"
        for what, value, usual in (
            ("activities", settings.worker_lock_timeout_ms, default.worker_lock_timeout_ms),
            (
                "orchestrations",
                settings.orchestrator_lock_timeout_ms,
                default.orchestrator_lock_timeout_ms,
            ),
        )
        if value != usual
    ]
    if locks:
        lines.append(f"- lock timeouts: {', '.join(locks)}")
    if faults:
        lines.append(f"- faults injected: {', '.join(f'`{_code(fault)}`' for fault in faults)}")
    return lines


def _around(faults: Sequence[Around]) -> list[str]:
    """What was broken on purpose while the instance lived, on one line."""
    if not faults:
        return []
    words = []
    for fault in faults[-FAULTS:]:
        over = "never healed" if fault.ended_ms is None else f"healed at {fault.ended_ms:,.0f} ms"
        what = fault.detail or f"{fault.name} {fault.target}".strip()
        words.append(f"{what} at {fault.began_ms:,.0f} ms, {over}")
    more = len(faults) - len(words)
    before = f"{more} earlier; " if more else ""
    return [f"- faults around it: {before}{one_line(shortened('; '.join(words), ERROR))}"]


def _history(moments: Sequence[Moment]) -> list[str]:
    """The history and what clients did, as a table; what came many times at once is one line."""
    events = [moment for moment in moments if moment.source in ("engine", "client")]
    rows = [_row(list(alike)) for _, alike in groupby(events, key=_alike)]
    if len(rows) > HEAD + TAIL:
        left_out = len(rows) - HEAD - TAIL
        rows = [*rows[:HEAD], ("", f"... {left_out} rows left out", "", "", ""), *rows[-TAIL:]]
    table = [("ms", "event", "kind", "of", "data"), *rows]
    a, b, c, d = (max(len(row[column]) for row in table) for column in range(4))
    return [
        f"{at:>{a}}  {event:>{b}}  {kind:<{c}}  {of:>{d}}  {data}".rstrip()
        for at, event, kind, of, data in table
    ]


def _alike(moment: Moment) -> tuple[object, ...]:
    """Equal for events that may share a row: no failure is ever folded away."""
    alone = id(moment) if moment.failed or moment.source == "client" else None
    return moment.at_ms, moment.execution, moment.what, alone


def _row(alike: Sequence[Moment]) -> tuple[str, str, str, str, str]:
    first, last = alike[0], alike[-1]
    events = "client"
    if first.source == "engine":
        events = f"{first.execution}.{first.event}" + ("" if last is first else f"-{last.event}")
    of = "" if first.answers is None else str(first.answers)
    times = "" if last is first else f" x {len(alike)}"
    room = ERROR if first.failed else DATA
    data = one_line(shortened(first.detail or "", room if last is first else DATA // 3))
    return f"{first.at_ms:,.0f}", events, f"{one_line(first.what)}{times}", of, data


def _log(story: Story) -> list[str]:
    if not story.log:
        return []
    lines = [f"{'>' if line.names else ' '} {one_line(line.text)}" for line in story.log[:LOG]]
    files = ", ".join(dict.fromkeys(line.file for line in story.log[:LOG]))
    return [
        "",
        f"The engine's log ({files}); `>` marks the lines that name the instance:",
        "",
        *_fenced(lines),
    ]


def _fenced(lines: Sequence[str]) -> list[str]:
    """A block of code, with a fence that nothing within it closes."""
    ticks = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, ticks + 1)
    return [f"{fence}text", *lines, fence]


def _code(text: str) -> str:
    """Text within backticks, which may hold none itself."""
    return one_line(text).replace("`", "'")
