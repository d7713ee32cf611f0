"""The fuse that a host is handed: a file that says at which moment, and at the how many-th time it comes
there, it kills itself.

A host burns the fuse (renames it) before it dies, so that no later life of it dies too. Whoever wants it
to live puts the fuse out by removing it. Both are atomic: one of them has its way, and knows it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

VARIABLE = "DUROXIDE_STRESS_CRASH"
"""Names the fuse to a host: an environment variable."""


class Fuse(msgspec.Struct, frozen=True):
    """What the file says."""

    moment: str
    times: int
    watch: str = ""
    """For `store-write`: the file."""


def lay(path: Path, fuse: Fuse) -> None:
    """Make a fuse."""
    path.write_bytes(msgspec.json.encode(fuse))


def found(path: Path) -> Fuse | None:
    """The fuse that lies there; None when it has burnt, or was put out."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Fuse)
    except FileNotFoundError:
        return None


def burn(path: Path) -> bool:
    """Whether it was there to be burnt."""
    try:
        path.rename(_ashes(path))
    except FileNotFoundError:
        return False
    return True


def burnt(path: Path) -> bool:
    """Whether a host has burnt it, which it does to die."""
    return _ashes(path).exists()


def put_out(path: Path) -> bool:
    """Whether it was there to be put out."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _ashes(path: Path) -> Path:
    return path.with_name(path.name + ".burnt")
