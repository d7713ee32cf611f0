"""What the logs of a cell's processes say of one instance."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

import msgspec

from duroxide_stress.redaction import redact

BEFORE = 4
"""Lines in front of the first that names it: an engine tells what it tried before it says for whom."""
MOST = 200
"""Lines of one log that are kept."""


class LogLine(msgspec.Struct, frozen=True):
    """One line of a process's log."""

    file: str
    names: bool
    """Whether it names the instance; if not, it stands in front of the first that does."""
    text: str


def names(instance: str, text: str) -> bool:
    """Whether a text names this instance, and not only one whose id is longer."""
    return instance in text and bool(_pattern(instance).search(text))


def lines_about(directory: Path, instance: str) -> tuple[LogLine, ...]:
    """The lines that name an instance, of each log in turn, with a few in front of the first."""
    pattern, wanted = _pattern(instance), instance.encode()
    found: list[LogLine] = []
    for path in sorted(directory.glob("*.log")):
        before: deque[bytes] = deque(maxlen=BEFORE)
        here: list[LogLine] = []
        with path.open("rb") as log:
            for line in log:
                if wanted in line and pattern.search(_text(line)):
                    here += [LogLine(path.name, False, _text(other)) for other in before]
                    before = deque(maxlen=0)
                    here.append(LogLine(path.name, True, _text(line)))
                    if len(here) >= MOST:
                        break
                else:
                    before.append(line)
        found += here
    return tuple(found)


def _pattern(instance: str) -> re.Pattern[str]:
    """Ids of children and of later ops begin with shorter ids, or end with them."""
    return re.compile(rf"(?<![\w-]){re.escape(instance)}(?!\w|::|-\w)")


def _text(line: bytes) -> str:
    return redact(line.decode(errors="replace").rstrip("\r\n"))
