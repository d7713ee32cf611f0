"""A benchmark's own answer from a fresh process: heaps and peaks of one row stay out of the next."""

from __future__ import annotations

import subprocess
import sys


def answer(script: str, *words: object) -> bytes:
    """What `script` (a benchmark's `__file__`), started with these words, prints as its last line.

    Its standard error is ours. Raises subprocess.CalledProcessError when it fails.
    """
    command = [sys.executable, script, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return done.stdout.splitlines()[-1]
