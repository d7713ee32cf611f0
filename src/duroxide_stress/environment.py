"""Where a run was made: enough to refuse a comparison between machines, and no secrets."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import Any

import psutil

from duroxide_stress import __version__


def describe_environment() -> dict[str, Any]:
    """Package, Python, machine and the git state of the working directory (None outside one)."""
    return {
        "duroxide_stress": __version__,
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        "cpus": _cpus(),
        "memory_bytes": psutil.virtual_memory().total,
        "git": _git(),
    }


def _cpus() -> int | None:
    """Cores this process may use, where the system says (Linux), else all there are."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count()


def _git() -> dict[str, Any] | None:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None
