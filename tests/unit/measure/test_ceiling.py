"""The two bounds that no engine can exceed, and what held the rate."""

import msgspec
import pytest

from duroxide_stress.measure.ceiling import ceiling
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.recording.records import FORMAT, CellHead
from duroxide_stress.result import Offered

CLOSED = Offered("closed", None, 0, 0, None)


def head(
    *,
    workers: int = 2,
    in_flight: int = 20,
    activity_ms: int = 50,
    min_ms: int = 10,
    scenario: str = "parallel",
    provider: str = "sqlite-file",
) -> CellHead:
    """The head of a cell of W activity workers, N in flight, n·d and m milliseconds."""
    config = StressTestConfig(
        max_concurrent=in_flight, orch_concurrency=workers, worker_concurrency=workers
    )
    return CellHead(
        format=FORMAT,
        cell=Cell(scenario, provider, config),
        title="",
        provider_label="",
        engine="reference",
        engine_version="",
        mode="separate",
        activity_ms_per_instance=activity_ms,
        min_ms=min_ms,
        instance_pattern="",
        command="",
    )


@pytest.mark.parametrize(
    ("of", "rate", "limit"),
    [
        (head(workers=1), 20.0, "activity workers"),
        (head(workers=2), 40.0, "activity workers"),
        (head(workers=32, in_flight=1), 100.0, "max_concurrent"),
        (head(workers=32, in_flight=4, min_ms=50), 80.0, "max_concurrent"),
        (head(workers=1, activity_ms=0, in_flight=3, min_ms=30), 100.0, "max_concurrent"),
        (head(activity_ms=0, min_ms=0), None, "none"),
    ],
)
def test_the_lower_of_the_two_bounds_is_the_ceiling(
    of: CellHead, rate: float | None, limit: str
) -> None:
    """W·1000/(n·d) or N·1000/m; without delays there is none."""
    found = ceiling(of, None, CLOSED, None, None)
    assert found.orchestrations_per_sec == rate
    assert (found.limit, found.share) == (limit, None)


@pytest.mark.parametrize(
    ("rate", "machine", "cpus", "share", "bound_by"),
    [
        (34.0, None, 4, 0.85, "activity workers"),
        (34.0, 4.0, 4, 0.85, "activity workers"),
        (33.0, None, 4, 0.825, "engine and store"),
        (10.0, 3.5, 4, 0.25, "engine and store"),
        (10.0, 3.6, 4, 0.25, "cpu"),
        (10.0, 3.6, None, 0.25, "engine and store"),
        (None, 3.9, 4, None, "cpu"),
        (None, None, None, None, "engine and store"),
    ],
)
def test_what_held_the_rate(
    rate: float | None, machine: float | None, cpus: int | None, share: float | None, bound_by: str
) -> None:
    """The ceiling from 85 % on, else a machine whose cores are 90 % busy, else the engine."""
    found = ceiling(head(), rate, CLOSED, machine, cpus)
    assert found.share == (None if share is None else pytest.approx(share))
    assert found.bound_by == bound_by


def test_without_a_ceiling_there_is_no_share() -> None:
    """Activities that take no time bound nothing."""
    found = ceiling(msgspec.structs.replace(head(activity_ms=0, min_ms=0)), 500.0, CLOSED, 0.5, 4)
    assert (found.share, found.bound_by) == (None, "engine and store")


@pytest.mark.parametrize(
    ("rate", "limit", "bound_by"),
    [
        (29.5, "offered rate", "offered rate"),
        (26.0, "activity workers", "engine and store"),
        (38.0, "activity workers", "activity workers"),
    ],
)
def test_an_open_loop_is_held_by_what_it_offers_only_if_that_was_done(
    rate: float, limit: str, bound_by: str
) -> None:
    """One that fell behind was held by something else."""
    wanted = 30.0 if rate < 30 else 60.0
    offer = Offered(f"constant:{wanted:g}/s", wanted, 300, 0, 0.0)
    found = ceiling(head(in_flight=10_000), rate, offer, None, None)
    assert (found.limit, found.bound_by) == (limit, bound_by)
