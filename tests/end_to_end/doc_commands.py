"""Every command of ours that the documents show, as a reader would type it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
]
COMMAND = re.compile(r"(?<![\w.-])duroxide-stress ((?:[a-z]|--)[^\n]*)")
"""The command's name with words behind it, wherever on a line."""
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
END = re.compile(r" (?:&&|\|\|?|>|2>|#) .*| \| .*")
"""Where another command, a redirection or a comment begins."""
OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


class Shown(NamedTuple):
    """A command in a document."""

    where: str
    """File and line."""
    words: tuple[str, ...]
    """Without the command's own name."""


def shown(document: Path) -> list[Shown]:
    """Every command in code blocks (fenced or indented) and in code spans of a Markdown file."""
    name = document.relative_to(ROOT)
    return [
        Shown(f"{name}:{line}", words)
        for line, text in _code(document.read_text(encoding="utf-8").splitlines())
        for words in commands(text)
    ]


def commands(code: str) -> list[tuple[str, ...]]:
    """The words of each command on a line of code. A synopsis gives all that is optional, but for
    `[--flag ...]`, which leaves open what would follow."""
    found = []
    for match in COMMAND.finditer(code):
        text = END.sub("", match[1])
        text = OPTIONAL.sub(lambda part: "" if "..." in part[1] else part[1], text)
        found.append(tuple(shlex.split(text, comments=True)))
    return found


def raw_count(document: Path) -> int:
    """How often the command stands before a word in this file, however it is set."""
    return len(re.findall(r"(?<![\w.-])duroxide-stress\s+(?:[a-z]|--)", document.read_text()))


def _code(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines of code with the number they begin at: continued ones joined, spans of prose unwrapped."""
    fence = ""
    prose: list[str] = []
    joined, began = "", 0
    for number, line in enumerate([*lines, ""], 1):
        mark = line.lstrip()[:3] if line.lstrip().startswith(("```", "~~~")) else ""
        if mark and (not fence or mark == fence):
            fence = "" if fence else mark
        elif fence or line.startswith("    "):
            began = began if joined else number
            joined += line.strip()
            if joined.endswith("\\"):
                joined = joined[:-1]
                continue
            yield began, joined
            joined = ""
        elif line.strip():
            prose.append(line)
            continue
        for span in SPAN.findall(" ".join(prose)):
            yield number - len(prose), span
        prose = []
