"""Configuration, cells and plans as frozen values."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.errors import UsageError
from duroxide_stress.plan import (
    CELL_OVERHEAD_SECS,
    CONFIG_LIMITS,
    MAX_WORKERS,
    Cell,
    Concurrency,
    Plan,
    StressTestConfig,
)

WORKERS = st.integers(1, MAX_WORKERS)


@given(WORKERS, WORKERS)
def test_concurrency_is_read_as_it_is_written(orchestration: int, worker: int) -> None:
    """`N/M` goes through text and back."""
    found = Concurrency(orchestration, worker)
    assert Concurrency.parse(str(found)) == found
    assert Concurrency.parse(f" {orchestration}/{worker} ") == found


@pytest.mark.parametrize("text", ["2x2", "2", "2/", "/2", "2/2/2", "a/b", "-1/2", "2 / 2", "1.5/2"])
def test_what_is_not_n_slash_m_is_refused(text: str) -> None:
    """The form is explained with an example."""
    with pytest.raises(UsageError, match=r"is not of the form N/M.*for example 2/2"):
        Concurrency.parse(text)


@pytest.mark.parametrize("text", ["0/2", "2/0", f"{MAX_WORKERS + 1}/1", f"1/{MAX_WORKERS + 1}"])
def test_worker_counts_no_engine_could_use_are_refused(text: str) -> None:
    """Zero workers would silently do nothing; far too many are a slip of the finger."""
    with pytest.raises(UsageError, match=f"both numbers must be between 1 and {MAX_WORKERS}"):
        Concurrency.parse(text)


def test_the_defaults_are_the_specs() -> None:
    """The spec's fields have the spec's defaults, and they are possible ones."""
    config = StressTestConfig()
    assert (config.max_concurrent, config.duration_secs, config.tasks_per_instance) == (20, 10, 5)
    assert (config.activity_delay_ms, str(config.concurrency)) == (10, "2/2")
    assert config.wait_timeout_secs == 60
    assert config.problems() == []


@pytest.mark.parametrize("field", CONFIG_LIMITS)
def test_a_field_out_of_its_limits_is_named(field: str) -> None:
    """Just below and just above are problems, the limits themselves are not."""
    low, high = CONFIG_LIMITS[field]
    for fine in (low, high):
        assert StressTestConfig(**{field: fine}).problems() == []
    for wrong in (low - 1, high * 2, float("nan")):
        (problem,) = StressTestConfig(**{field: wrong}).problems()
        assert problem.startswith(f"{field} must be between {low} and {high}, found ")


def test_every_field_has_limits() -> None:
    """No field can be added that is never checked; the load is a text with a grammar of its own."""
    assert {*CONFIG_LIMITS, "load"} == set(StressTestConfig.__struct_fields__)
    (problem,) = StressTestConfig(load="constant:fast").problems()
    assert problem.startswith("load 'constant:fast' is not of a known form")


def test_all_wrong_fields_are_told_at_once() -> None:
    """One look is enough to mend them all."""
    problems = StressTestConfig(max_concurrent=0, duration_secs=0, seed=-1).problems()
    assert [p.split()[0] for p in problems] == ["max_concurrent", "duration_secs", "seed"]


@pytest.mark.parametrize(
    ("provider", "repeat", "key"),
    [
        ("sqlite-file", 1, "parallel.sqlite-file.2-2.r1"),
        ("sqlite-file", 2, "parallel.sqlite-file.2-2.r2"),
        ("my.package:Store", 1, "parallel.my-package-Store-56beccef.2-2.r1"),
        ("../../etc:X", 1, "parallel.etc-X-8932535a.2-2.r1"),
    ],
)
def test_a_cells_key_is_a_plain_directory_name(provider: str, repeat: int, key: str) -> None:
    """Whatever a provider is called, its directory stays inside the recording."""
    assert Cell("parallel", provider, StressTestConfig(), repeat).key == key


def test_two_providers_never_share_a_directory() -> None:
    """Names that differ only in what a directory name cannot hold get keys of their own."""
    keys = {Cell("parallel", name, StressTestConfig()).key for name in ("a.b:C", "a-b:C", "a-b-C")}
    assert len(keys) == 3


def test_a_plan_says_what_it_will_do() -> None:
    """Every cell has a line, and the estimate adds up windows, warm-ups and overhead."""
    config = StressTestConfig(duration_secs=10, warmup_secs=2)
    cells = tuple(Cell("parallel", name, config) for name in ("sqlite-file", "sqlite-memory"))
    plan = Plan("mine", cells, "duroxide-stress run --seed 1")
    assert plan.estimated_secs == 2 * (12 + CELL_OVERHEAD_SECS)
    first, *lines, last = plan.describe().splitlines()
    assert first == "Plan mine: 2 cells, about 32s"
    assert "parallel on sqlite-memory at 2/2, repeat 1: 20 in flight, 5 x 10 ms" in lines[1]
    assert last == "Repeat it with: duroxide-stress run --seed 1"


def test_a_plan_tells_its_canaries() -> None:
    """They are load too."""
    cells = (Cell("parallel", "sqlite-file", StressTestConfig(canary_every_ms=250)),)
    assert ", a canary every 250 ms\n" in Plan("mine", cells, "").describe()


def test_plans_are_frozen() -> None:
    """What was written first cannot be changed by what comes after."""
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        StressTestConfig().seed = 2  # type: ignore[misc]
