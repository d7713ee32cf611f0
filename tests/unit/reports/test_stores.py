"""A store in one line."""

import pytest

from duroxide_stress.reports.stores import store_words


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, ""),
        ({"journal_mode": "wal", "rows.instances": 7}, ""),
        (
            {
                "connections_max": 21,
                "database_bytes": 3_250_000,
                "wal_bytes_per_orchestration": 49_152,
                "rows.history": 9,
                "rows.orchestrator_queue": 0,
                "rows.worker_queue": 2,
            },
            "21 connections, database 3.1 MiB, WAL 48 KiB per orchestration, "
            "rows left: orchestrator_queue 0, worker_queue 2",
        ),
        ({"connections_max": 1, "database_bytes": 4_608}, "1 connection, database 4.5 KiB"),
        ({"connections_max": 0}, "0 connections"),
    ],
)
def test_what_is_known_is_said(facts: dict[str, int | float | str], words: str) -> None:
    """And nothing else."""
    assert store_words(facts) == words
