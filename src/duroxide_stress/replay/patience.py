"""Code that never comes back is left after a while."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE_SECS = 10.0
"""How long code may take from one event to the next. It only decides: milliseconds are usual."""


class OutOfPatience(BaseException):
    """Raised into code that takes too long."""


@contextmanager
def patience(secs: float) -> Iterator[None]:
    """Raises OutOfPatience in the block when it takes longer.

    Only the main thread can be interrupted: in another one the block may take as long as it likes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise OutOfPatience

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, secs)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
