"""Times and sizes: integers inside, one way to read and one way to print each."""

from __future__ import annotations

import math
import re

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_SEC = 1_000_000_000
MIB = 1024 * 1024

_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)?\s*")
_SECONDS = {"ms": 0.001, "s": 1.0, None: 1.0, "m": 60.0, "h": 3600.0}


def secs_to_ns(secs: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(secs * NS_PER_SEC)


def parse_duration_secs(text: str) -> float:
    """Read `15`, `15s`, `500ms`, `2m` or `1h` as seconds. Raises ValueError with one sentence."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"not a duration: {text!r}; write seconds, or 500ms, 15s, 2m, 1h")
    return float(match.group(1)) * _SECONDS[match.group(2)]


def format_duration(secs: float) -> str:
    """Seconds for people: `10s`, `0.5s`, `1m 30s`, `1h 0m`."""
    if secs < 60:
        return f"{secs:g}s"
    whole = round(secs)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s" if whole % 60 else f"{whole // 60}m"
    return f"{whole // 3600}h {whole % 3600 // 60}m"


_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(B|KB|MB|GB|KiB|MiB|GiB)?\s*")
_BYTES: dict[str | None, int] = {
    None: 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9,
    "KiB": 1024, "MiB": MIB, "GiB": 1024 * MIB,
}  # fmt: skip


def parse_size(text: str) -> float:
    """Read `4096`, `64KB`, `1.5MB` or `1MiB` as bytes. Raises ValueError with one sentence."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a size: {text!r}; write bytes, or 64KB, 1.5MB, 1MiB")
    return float(match.group(1)) * _BYTES[match.group(2)]


def format_size(size: float) -> str:
    """Bytes for people: `512B`, `64KB`, `1.5MB`."""
    for unit in ("GB", "MB", "KB"):
        if size >= _BYTES[unit]:
            return f"{size / _BYTES[unit]:g}{unit}"
    return f"{size:g}B"


def format_ms(ms: float | None) -> str:
    """Milliseconds for a table cell: `66ms`, `1.50ms`; `-` when there is no figure."""
    if ms is None or math.isnan(ms):
        return "-"
    return f"{ms:,.0f}ms" if ms >= 10 else f"{ms:.2f}ms"
