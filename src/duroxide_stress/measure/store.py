"""The store's figures: what its provider says of it at rest, and what was sampled in use."""

from __future__ import annotations

from duroxide_stress.recording.tables import Recording


def store_facts(recording: Recording, completed: int) -> dict[str, int | float | str]:
    """The provider's facts, with two of ours where there is something to tell them from.

    `connections_max` is the most sessions that a sample saw; a shorter burst between two samples is not
    seen. `wal_bytes_per_orchestration` is the server's `wal_bytes` over the `completed` instances of
    the whole cell, warm-up and drain included, because the log is not cut to the window either.
    """
    facts = dict((recording.store or {}).get("facts", {}))
    most = recording.one("SELECT max(connections) FROM samples WHERE source = 'store'")
    if most is not None:
        facts["connections_max"] = most
    written = facts.get("wal_bytes")
    if isinstance(written, int) and completed:
        facts["wal_bytes_per_orchestration"] = round(written / completed)
    return facts
