"""Recordings whose every file has lines."""

import pytest

from recordings.make import Recorded


@pytest.fixture
def recorded(recorded: Recorded) -> Recorded:
    """A copy of the clean run with faults in it, to be damaged."""
    at_ns = recorded.mark("window_begin")
    fault = {"name": "kill", "due_ms": 200, "target": "host-0"}
    recorded.add(
        "faults",
        {"at_ns": at_ns, "number": 0, "what": "intended", **fault},
        {"at_ns": at_ns, "number": 1, "what": "intended", **fault, "target": "host-1"},
        {"at_ns": at_ns + 2, "number": 0, "what": "began", **fault, "detail": "kill -9 of host-0"},
        {"at_ns": at_ns + 3, "number": 1, "what": "skipped", **fault, "detail": "it was down"},
        {"at_ns": at_ns + 9, "number": 0, "what": "ended", **fault},
    )
    return recorded
