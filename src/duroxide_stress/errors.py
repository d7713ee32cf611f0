"""Errors a user can cause. Each message is one sentence: what was wrong, found, and would be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from duroxide_stress.redaction import redact


class StressError(Exception):
    """Base of every error this package raises on purpose; `str()` is fit to be shown."""

    exit_code = 3


class UsageError(StressError):
    """The user's words, files or configuration cannot be carried out. Holds every problem found."""

    exit_code = 2

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (
            (problems,) if isinstance(problems, str) else tuple(problems)
        )
        super().__init__("\n".join(self.problems))


class RunError(StressError):
    """A cell could not be run or recorded as planned; nothing is proven by it."""


class RecordingError(StressError):
    """A recording is damaged or incomplete, so that it proves nothing as it stands."""


def in_words(error: BaseException) -> str:
    """Someone else's exception as a part of our sentence: its kind and its text, on one line and
    without passwords."""
    text = " ".join(redact(str(error)).split())
    return ": ".join(filter(None, (type(error).__name__, text)))


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """One sentence for a name nobody knows, with the nearest right one."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "one of: " + ", ".join(names)
    return f"unknown {kind} {name!r}: {hint}"
