"""Errors a user can cause. Each message is one sentence: what was wrong, found, and would be right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from duroxide_stress.redaction import redact

SHOWN, SHOWN_DIGITS = 80, 24
"""Characters of a given value, or digits of a given number, that a sentence shows whole."""


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


def shown(value: object) -> str:
    """A value that was given, as its writer would know it again: cut where it is long, and also
    where Python refuses to print a number of thousands of digits."""
    if isinstance(value, int) and abs(value) >= 10**SHOWN_DIGITS:
        digits = int(value.bit_length() * math.log10(2))
        digits += abs(value) >= 10**digits
        leading = abs(value) // 10 ** (digits - 8)
        return f"{'-' if value < 0 else ''}{leading}... ({digits} digits)"
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a user's object may raise anything, or hold such a number
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


def unknown_name(kind: str, name: str, known: Iterable[str], besides: str = "") -> str:
    """One sentence for a name nobody knows, with the nearest right one; `besides` is what could be
    named beside those known."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        hint = f"did you mean {near[0]!r}{besides and ', or ' + besides}?"
    else:
        hint = f"one of: {', '.join(names)}{besides and '; or ' + besides}"
    return f"unknown {kind} {shown(name)}: {hint}"
