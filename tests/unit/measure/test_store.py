"""The store's figures: its provider's, the samples', and both together."""

from __future__ import annotations

import json
from typing import Any

from duroxide_stress.measure.store import store_facts
from duroxide_stress.recording.tables import Recording
from recordings.make import Recorded


def facts(recorded: Recorded, completed: int, known: dict[str, Any] | None) -> dict[str, Any]:
    """The figures of a recording whose provider knows this."""
    if known is not None:
        found = {"asked": ["open"], "problems": [], "facts": known}
        (recorded.directory / "store.json").write_text(json.dumps(found))
    recording = Recording(recorded.directory)
    try:
        return store_facts(recording, completed)
    finally:
        recording.close()


def test_a_store_of_which_nothing_is_known_has_no_figures(recorded: Recorded) -> None:
    """Not even zeros."""
    assert facts(recorded, 5, None) == {}


def test_sessions_are_the_most_that_were_seen(recorded: Recorded) -> None:
    """Also of a store that is not audited."""
    for number, connections in enumerate((3, 21, 4)):
        recorded.add("samples", {"at_ns": number, "source": "store", "connections": connections})
    recorded.add("samples", {"at_ns": 9, "source": "store", "bytes": 1})
    assert facts(recorded, 5, None) == {"connections_max": 21}


def test_log_bytes_are_shared_among_all_that_completed(recorded: Recorded) -> None:
    """Where there are both."""
    known = {"wal_bytes": 1_001, "server_version": "18"}
    assert facts(recorded, 10, known) == {**known, "wal_bytes_per_orchestration": 100}
    assert facts(recorded, 0, known) == known
    assert facts(recorded, 10, {"rows.history": 1}) == {"rows.history": 1}
