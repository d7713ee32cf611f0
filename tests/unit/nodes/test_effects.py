"""Effects are written by the true clock, whatever the host's own says."""

import time
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.nodes.messages import Control
from duroxide_stress.nodes.roles import Effects
from duroxide_stress.recording.records import Effect

ANCHOR_NS = 10**18


@pytest.mark.parametrize("anchor_ns", [None, ANCHOR_NS])
def test_the_time_of_an_effect(tmp_path: Path, anchor_ns: int | None) -> None:
    """As it came, or by the anchor where the wall clock may be wrong."""
    path = tmp_path / "effects.jsonl"
    effects = Effects(path, _Deaf(), anchor_ns)
    before = time.monotonic_ns()
    effects.write(Effect("begin", "i|1|0", "i", 0, 7, "host-0"))
    after = time.monotonic_ns()
    effects.close()
    (line,) = path.read_bytes().splitlines()
    found = msgspec.json.decode(line, type=Effect)
    if anchor_ns is None:
        assert found.at_ns == 7
    else:
        assert ANCHOR_NS + before <= found.at_ns <= ANCHOR_NS + after
    assert msgspec.structs.replace(found, at_ns=7) == Effect("begin", "i|1|0", "i", 0, 7, "host-0")


class _Deaf(Control):
    """A line to a supervisor that nobody reads."""
