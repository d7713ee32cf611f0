"""One seed, named streams: every random choice can be made again from the plan's seed."""

from __future__ import annotations

import hashlib
import random


def stream(seed: int, *names: str | int) -> random.Random:
    """A generator of its own for `names`; the same seed and names give the same numbers.

    Streams of different names are independent, so adding one never shifts another.
    """
    text = "/".join(str(part) for part in (seed, *names))
    return random.Random(hashlib.sha256(text.encode()).digest())
