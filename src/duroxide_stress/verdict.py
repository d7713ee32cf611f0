"""The three verdicts and what they mean for an exit code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

EXIT_OK = 0
EXIT_VIOLATED = 1
EXIT_USAGE = 2
EXIT_UNKNOWN = 3
EXIT_TARGET_MISSED = 4
EXIT_INTERRUPTED = 130


class Verdict(StrEnum):
    """`ok`: looked, and it held. `violated`: rows prove it did not. `unknown`: could not tell."""

    OK = "ok"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


_RANK = {Verdict.OK: 0, Verdict.UNKNOWN: 1, Verdict.VIOLATED: 2}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several (violated > unknown > ok); nothing at all is unknown, never ok."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.UNKNOWN)


def exit_code(verdict: Verdict, *, target_missed: bool = False) -> int:
    """The process exit code; where several apply, 1 beats 4 beats 3 beats 0."""
    if verdict is Verdict.VIOLATED:
        return EXIT_VIOLATED
    if target_missed:
        return EXIT_TARGET_MISSED
    return EXIT_UNKNOWN if verdict is Verdict.UNKNOWN else EXIT_OK
