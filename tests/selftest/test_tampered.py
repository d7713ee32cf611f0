"""A real store, tampered with behind the engine's back after a real run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from duroxide_stress.selftest.running import TamperedStore
from duroxide_stress.selftest.tampering import TAMPERINGS, Tampering


@pytest.fixture(scope="module")
def store() -> Iterator[TamperedStore]:
    """One run of the released engine for all tests."""
    with TamperedStore() as kept:
        yield kept


def test_nothing_alarms_where_nothing_was_done(store: TamperedStore) -> None:
    """Neither the run itself, nor its store opened again, nor one whose last commits are in the WAL."""
    for run in store.controls():
        assert run.alarms == (), run.name
        assert run.instances >= 8


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda one: one.name.replace(" ", "-"))
def test_what_was_done_to_a_store_is_found(store: TamperedStore, tampering: Tampering) -> None:
    """By the check that is there for it, also where the engine cannot open the store any more."""
    outcome = store.outcome(tampering)
    assert outcome.caught, outcome.alarms
    assert outcome.finding
