"""How a fault is written: `name`, or `name:setting,setting`, where a setting is `key=value` or one of
the words that a setting of this fault knows: `kill:every=2s`, `pause:longer-than-lock`,
`network:latency=20ms,jitter=10ms`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from duroxide_stress.errors import UsageError, shown, unknown_name
from duroxide_stress.units import format_duration, format_size, parse_duration_secs, parse_size

Kind: TypeAlias = Literal["duration", "number", "size", "word"]
Value: TypeAlias = float | str
Values: TypeAlias = Mapping[str, Value]

_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")


class Setting(msgspec.Struct, frozen=True):
    """One thing that can be said about a fault; the only place where its default and limits live."""

    name: str
    kind: Kind
    meaning: str
    default: Value | None = None
    low: float = 0
    high: float = 0
    """Limits of a number, of a duration in seconds, of a size in bytes."""
    words: tuple[str, ...] = ()
    """Words that stand for a value; each may be written alone."""
    signed: bool = False
    """Whether a duration may be written with a minus before it."""

    def describe(self) -> str:
        """One line for `duroxide-stress list faults`."""
        known = [*self.words]
        if self.kind != "word":
            known.append(f"{self.show(self.low)} to {self.show(self.high)}")
        default = "" if self.default is None else f"={self.show(self.default)}"
        return f"{self.name}{default} ({', '.join(known)}): {self.meaning}"

    def show(self, value: Value) -> str:
        """A value as it is written."""
        if isinstance(value, str):
            return value
        if self.kind == "duration":
            sign = "-" if value < 0 else ""
            size = abs(value)
            return sign + (f"{size * 1000:g}ms" if 0 < size < 1 else format_duration(size))
        return format_size(value) if self.kind == "size" else f"{value:.15g}"

    def read(self, text: str) -> Value:
        """The value a text stands for. Raises ValueError with what would be right."""
        if text in self.words:
            return text
        if self.kind == "word":
            raise ValueError(f"must be {' or '.join(self.words)}, found {shown(text)}")
        try:
            value = self._measure(text)
        except ValueError:
            value = None
        if value is None or not self.low <= value <= self.high:
            words = f"{' or '.join(self.words)}, or " if self.words else ""
            unit = " with its unit" if self.kind == "duration" else ""
            raise ValueError(
                f"must be {words}a {self.kind}{unit} between {self.show(self.low)} and "
                f"{self.show(self.high)}, found {shown(text)}"
            )
        return value

    def _measure(self, text: str) -> float | None:
        if self.kind == "duration":
            if text.strip()[-1:].isdecimal() and float(text):
                return None  # 20 of what? Options beside it are in ms
            negative = self.signed and text.startswith("-")
            secs = parse_duration_secs(text.lstrip("+-") if self.signed else text)
            return -secs if negative else secs
        if self.kind == "size":
            return parse_size(text.removesuffix("/s"))
        return float(text) if _NUMBER.fullmatch(text) else None


EVERY = Setting("every", "duration", "again and again, about so far apart", None, 0.2, 86_400)
AT = Setting("at", "duration", "once, so long after the measuring window opened", None, 0, 604_800)
TIMES = (EVERY, AT)
"""What can be said about the time of most faults; with neither, once in the window's second quarter."""


class Spec(msgspec.Struct, frozen=True):
    """One `--fault`, taken apart: its name and every setting that has a value."""

    text: str
    name: str
    values: dict[str, Value]

    def secs(self, name: str) -> float | None:
        """A duration that was set, or has a default; None when it has none (or is a word)."""
        value = self.values.get(name)
        return None if value is None or isinstance(value, str) else value


def split(text: str) -> tuple[str, list[str]]:
    """The name of a fault and its settings as they are written."""
    name, _, rest = text.strip().partition(":")
    return name.strip(), [part.strip() for part in rest.split(",") if part.strip()]


def read(text: str, settings: Sequence[Setting]) -> Spec:
    """Read a fault whose settings are known. Raises UsageError with every problem found."""
    name, parts = split(text)
    known = {setting.name: setting for setting in settings}
    by_word = {word: setting for setting in settings for word in setting.words}
    values: dict[str, Value] = {s.name: s.default for s in settings if s.default is not None}
    given: set[str] = set()
    problems: list[str] = []
    for part in parts:
        key, equals, value = part.partition("=")
        setting = known.get(key) if equals else by_word.get(part)
        if setting is None:
            what = key if equals else part
            problems.append(
                f"fault {name}: {part} needs a value, for example {name}:{part}=2s"
                if part in known
                else unknown_name(f"setting of {name}", what, [*known, *by_word])
            )
        elif setting.name in given:
            problems.append(f"fault {shown(text)}: {setting.name} is given twice")
        else:
            given.add(setting.name)
            try:
                values[setting.name] = setting.read(value if equals else part)
            except ValueError as error:
                problems.append(f"fault {name}: {setting.name} {error}")
    if {"every", "at"} <= given:
        problems.append(f"fault {shown(text)}: every and at exclude each other; give one of them")
    if problems:
        raise UsageError(problems)
    return Spec(text.strip(), name, values)
