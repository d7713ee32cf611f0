"""Which values can be carried by an engine, written into a recording and compared without a change.

JSON as Python writes it is wider than JSON: it has NaN and lone surrogates, which a recording in UTF-8
would lose or confuse with something else. What cannot be verified exactly is refused by name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from duroxide_stress.program import Json

MAX_DEPTH = 100
"""Lists and objects within each other: Duroxide's joins carry 125, the judgement's tables 127."""
MAX_DIGITS = 4300
"""Of a whole number: Python's own limit, so that of the SDK too."""
MAX_CHARACTERS = 4_000_000
"""Of a whole value, a number or a word counted as one. Stores and recordings hold it several times
over, and escaped."""
UNRECORDED = "$unrecorded"
"""`{"$unrecorded": why}` stands in a recording for an output that has a flaw."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_LONG = 10**MAX_DIGITS
_PATH_SHOWN = 80
_write, _read = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode

Place: TypeAlias = "tuple[Place, str | int] | None"
"""Where in a value something stands: the place of what holds it, and the key or index there."""


def flaw(value: object) -> str:
    """Why a value cannot be carried and verified exactly, as half a sentence; empty when it can.

    Walks without recursion and no further than `MAX_CHARACTERS`, so that a value that holds itself,
    or has a million levels, is told like any other.
    """
    if wrong := _own_flaw(value):
        return wrong
    left = MAX_CHARACTERS - _length(value)
    holders: list[tuple[Any, Place, int]] = [(value, None, 1)] if _holds(value) else []
    while holders:
        holder, place, depth = holders.pop()
        if depth > MAX_DEPTH:
            return f"lists and objects more than {MAX_DEPTH} deep"
        left -= len(holder)
        for key, item in _members(holder) if left >= 0 else ():
            if wrong := _own_flaw(item):
                return wrong + _at((place, key))
            left -= _length(key) + _length(item)
            if _holds(item):
                holders.append((item, (place, key), depth + 1))
        if left < 0:
            break
    return "" if left >= 0 else f"more than {MAX_CHARACTERS:,} characters"


def text_flaw(text: str) -> str:
    """Why a text cannot be written down, as half a sentence; empty when it can."""
    found = None if text.isascii() else _LONE_SURROGATE.search(text)
    if found is None:
        return ""
    return f"a lone surrogate at character {found.start()}, which UTF-8 cannot hold"


def plain(value: Json) -> Json:
    """A flawless value as an orchestration receives it: tuples are lists, enums their values."""
    return json.loads(json.dumps(value))


def has_key(value: Json, key: str) -> bool:
    """Whether an object anywhere within a flawless value has this key."""
    if isinstance(value, dict):
        return key in value or any(has_key(item, key) for item in value.values())
    return isinstance(value, list) and any(has_key(item, key) for item in value)


def recordable(output: Json) -> Json:
    """An orchestration's output as a recording holds it: itself, or what is wrong with it."""
    wrong = "" if _plainly_flawless(output) else flaw(output)
    return {UNRECORDED: wrong} if wrong else output


def _plainly_flawless(value: Json) -> bool:
    """Whether it comes back as it was when it is written and read: nearly always, and seen sooner than a
    flaw is looked for."""
    try:
        text = _write(value)
        if len(text) > MAX_CHARACTERS or text.count(b"[") + text.count(b"{") > MAX_DEPTH:
            return False
        return bool(_read(text) == value)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
        return False


def _holds(item: object) -> bool:
    return isinstance(item, dict | list | tuple)


def _members(holder: Any) -> Iterable[tuple[str | int, Any]]:
    return holder.items() if isinstance(holder, dict) else enumerate(holder)


def _length(item: object) -> int:
    return len(item) if isinstance(item, str) else 0


def _own_flaw(item: object) -> str:
    """What is wrong with a value itself, whatever the values that it holds."""
    if isinstance(item, str):
        return text_flaw(item)
    if isinstance(item, int):
        long = abs(item) >= _TOO_LONG
        return f"a whole number of more than {MAX_DIGITS} digits" if long else ""
    if isinstance(item, float):
        number = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(item, "NaN")
        return "" if math.isfinite(item) else f"{number}, which is no number of JSON"
    if isinstance(item, dict):
        return next(filter(None, map(_key_flaw, item)), "")
    if item is None or _holds(item):
        return ""
    return f"a value of type {type(item).__name__}, which is none of JSON's"


def _key_flaw(key: object) -> str:
    if not isinstance(key, str):
        return f"a key of type {type(key).__name__}, where JSON has only texts"
    wrong = text_flaw(key)
    return f"a key with {wrong}" if wrong else ""


def _at(place: Place) -> str:
    """A place for people: ` at ["items"][0]`; nothing for the value as a whole."""
    steps: list[str] = []
    while place is not None:
        place, key = place
        steps.append(f"[{json.dumps(key[:_PATH_SHOWN] if isinstance(key, str) else key)}]")
    path = "".join(reversed(steps))
    path = path if len(path) <= _PATH_SHOWN else f"{path[:_PATH_SHOWN]}..."
    return f" at {path}" if path else ""
