"""This tool as the child of a comparison: it ends when the comparison does, however that ended.

    python -m duroxide_stress.versus.tethered run ...

A child has a session of its own, so a terminal that is closed does not reach it, and nothing tells it of
a parent that was killed. Its standard input does: a pipe whose other end only the parent holds.
"""

from __future__ import annotations

import os
import runpy
import signal
import threading
import time

GRACE_SECS = 120.0
"""A run that was told to end drains and is judged before it does."""


def main() -> None:
    """Run `duroxide-stress` with the words of the command line, which reads nothing."""
    tether = os.dup(0)  # not inherited: what the run starts has no part in it
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with, args=(tether,), name="tether", daemon=True).start()
    runpy.run_module("duroxide_stress", run_name="__main__", alter_sys=True)


def _end_with(tether: int) -> None:
    """Interrupt this process when the parent is gone, and kill it if that does not end it."""
    while os.read(tether, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_SECS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
