"""A cell's store in one line."""

from __future__ import annotations

from collections.abc import Mapping

from duroxide_stress.units import MIB

KIB = 1024
_ROWS = "rows."


def store_words(facts: Mapping[str, int | float | str]) -> str:
    """`21 connections, database 3.1 MiB, WAL 48 KiB per orchestration, rows left: ...`: what is known
    of these; empty for a store of which none is."""
    parts = []
    if (most := facts.get("connections_max")) is not None:
        parts.append(f"{most} connection{'' if most == 1 else 's'}")
    for name, form in (
        ("database_bytes", "database {}"),
        ("wal_bytes_per_orchestration", "WAL {} per orchestration"),
    ):
        size = facts.get(name)
        if isinstance(size, int | float):
            parts.append(form.format(_bytes(size)))
    left = [
        f"{name.removeprefix(_ROWS)} {count}"
        for name, count in facts.items()
        if name.startswith(_ROWS) and name.endswith("_queue")
    ]
    if left:
        parts.append(f"rows left: {', '.join(left)}")
    return ", ".join(parts)


def _bytes(size: float) -> str:
    if size >= MIB:
        return f"{size / MIB:.1f} MiB"
    return f"{size / KIB:.0f} KiB" if size >= 10 * KIB else f"{size / KIB:.1f} KiB"
