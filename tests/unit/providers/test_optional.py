"""What a provider may have beside the seven names, and what happens when it has not, or fails at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from duroxide_stress.config import single_cell_plan
from duroxide_stress.errors import UsageError
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.providers.base import (
    StoreFigures,
    cache_bytes_of,
    keep_store_of,
    store_figures,
)
from duroxide_stress.providers.reference import Reference
from duroxide_stress.providers.sqlite import FileSqlite, InMemorySqlite
from duroxide_stress.recording.store import read_cell_head
from duroxide_stress.runner import SilentObserver, run_plan


class Away(Reference):
    """Has a server that is not there."""

    error: Exception = UsageError("it is away")

    def prepare(self) -> None:
        raise self.error

    def create(self, directory: Path) -> str:
        raise AssertionError("nothing must have begun")


class Broken(Away):
    error = ValueError("cannot reach postgres://u:s3cret@h/d")


class Measured(Reference):
    """Has figures."""

    def size_bytes(self, address: str) -> Any:
        return 12.0

    def connections(self, address: str) -> Any:
        return None

    def server_pid(self, address: str) -> Any:
        raise OSError

    cache_bytes: Any = 5_000_000

    def keep(self, address: str) -> str:
        return f"kept at {address}"


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        (Away(), "it is away"),
        (
            Broken(),
            "provider reference could not be prepared: "
            "ValueError: cannot reach postgres://u:***@h/d",
        ),
    ],
)
def test_a_provider_that_is_not_prepared_stops_the_run(
    provider: Reference, told: str, tmp_path: Path
) -> None:
    """Before anything is written."""
    plan = single_cell_plan(StressTestConfig(), "parallel", "reference")
    with pytest.raises(UsageError) as caught:
        run_plan(plan, tmp_path, observer=SilentObserver(), providers={"reference": provider})
    assert str(caught.value) == told
    assert list(tmp_path.iterdir()) == []


def test_figures_are_what_can_be_said() -> None:
    """A method that is not there, says None or fails, gives none."""
    assert store_figures(Measured(), "a") == StoreFigures(bytes=12)
    assert store_figures(Reference(), "a") == StoreFigures()


def test_a_store_that_is_kept_may_say_where() -> None:
    """Without the method, the runner says it."""
    assert keep_store_of(Measured(), "a") == "kept at a"
    assert keep_store_of(Reference(), "a") is None


@pytest.mark.parametrize("said", [None, "5 MiB", -1, 0.5, True])
def test_caches_that_are_no_number_of_bytes_stop_the_run(said: Any, tmp_path: Path) -> None:
    """Nothing is excused by what cannot be understood, and nobody is left to wonder why."""
    provider = Measured()
    provider.cache_bytes = said
    plan = single_cell_plan(StressTestConfig(), "parallel", "reference")
    with pytest.raises(UsageError) as caught:
        run_plan(plan, tmp_path, observer=SilentObserver(), providers={"reference": provider})
    told = f"provider reference has cache_bytes {said!r}; it must be bytes, 0 or more"
    assert str(caught.value) == told
    assert list(tmp_path.iterdir()) == []


class Failing(Reference):
    """Has a figure that cannot be worked out."""

    @property
    def cache_bytes(self) -> int:
        raise OSError("no such setting")


def test_caches_that_cannot_be_said_stop_the_run(tmp_path: Path) -> None:
    """One sentence, before anything is written."""
    plan = single_cell_plan(StressTestConfig(), "parallel", "reference")
    with pytest.raises(UsageError, match="cannot say its cache_bytes: OSError: no such setting"):
        run_plan(plan, tmp_path, observer=SilentObserver(), providers={"reference": Failing()})
    assert list(tmp_path.iterdir()) == []


def test_caches_of_the_store_are_in_the_recording(tmp_path: Path) -> None:
    """The judgement has them without the provider."""
    plan = single_cell_plan(StressTestConfig(duration_secs=1), "parallel", "reference")
    run_plan(plan, tmp_path, observer=SilentObserver(), providers={"reference": Measured()})
    (head,) = tmp_path.rglob("cell.json")
    assert read_cell_head(head.parent).cache_bytes == 5_000_000


def test_which_of_our_stores_are_cached_in_the_engines_process() -> None:
    """SQLite's page caches on a file; what lives in memory has none beside itself."""
    assert cache_bytes_of(FileSqlite()) == 524_288_000
    assert cache_bytes_of(InMemorySqlite()) == cache_bytes_of(Reference()) == 0
