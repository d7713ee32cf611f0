"""Values as they come out where the engine itself takes JSON apart, which is within all and race.

It sorts keys, makes floats of whole numbers that 64 bits cannot hold, and reads floats its own way:
digits into a whole number, scaled once by a power of ten. That is faster than right, and the last bit
may differ from what Python reads; what code computes from it would differ with it.
"""

from __future__ import annotations

import json
import re

from duroxide_stress.program import Json

_LARGEST = 2**64 - 1
_LEAST = -(2**63)
_LARGEST_POWER = 308
_NUMBER = re.compile(r"-?(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?")


def taken_apart(text: str) -> Json:
    """The value of a JSON text, read and made anew by the engine; the text itself if it is no JSON."""
    try:
        return _sorted(json.loads(text, parse_int=_whole, parse_float=_float, parse_constant=_none))
    except (ValueError, OverflowError):
        return text


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _whole(text: str) -> int | float:
    value = int(text) if len(text) <= len(str(_LARGEST)) else _LARGEST + 1
    return value if _LEAST <= value <= _LARGEST else _float(text)


def _float(text: str) -> float:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(text)
    whole, fraction, power = found.groups(default="")
    digits, exponent = _significand(whole, fraction)
    exponent += int(power or 0)
    value = float(digits)
    while exponent < -_LARGEST_POWER and value:
        value /= 10.0**_LARGEST_POWER
        exponent += _LARGEST_POWER
    value = value * 10.0**exponent if exponent >= 0 else value / 10.0 ** min(-exponent, 308)
    if value == float("inf"):
        raise ValueError(text)
    return -value if text.startswith("-") else value


def _significand(whole: str, fraction: str) -> tuple[int, int]:
    """As many digits as 64 bits hold, and the power of ten that they lack."""
    digits = 0
    for place, digit in enumerate(whole + fraction):
        longer = digits * 10 + int(digit)
        if longer > _LARGEST:
            return digits, len(whole) - place
        digits = longer
    return digits, -len(fraction)


def _none(text: str) -> None:
    raise ValueError(text)
