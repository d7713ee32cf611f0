"""A clock that nobody looks at is set and set right."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.faults import clock
from duroxide_stress.faults.base import SkippedError
from duroxide_stress.faults.clock import CLOCK
from duroxide_stress.faults.registry import read_fault
from duroxide_stress.faults.settings import read
from duroxide_stress.plan import StressTestConfig

from .hand import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A stage on which hosts with clocks that can be set live."""
    monkeypatch.setattr(clock, "library", lambda: Path("/lib/libfaketimeMT.so.1"))
    monkeypatch.setattr(clock, "_prove", lambda found, file: None)
    monkeypatch.setattr(clock, "SHARED", tmp_path / "shm")
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    found = Bench(tmp_path)
    assert CLOCK.before is not None
    with CLOCK.before(found.stage, read("clock", CLOCK.all_settings)):
        yield found


def off(bench: Bench, host: str = "host-0") -> float:
    """By how many seconds a host's clock is off."""
    return float((bench.stage.scratch / f"clock-{host}").read_text())


def test_a_clock_jumps_and_is_set_right(bench: Bench) -> None:
    """One host's, for its time; how far is told in a form that can be read."""
    bench.begin(CLOCK, "clock:jump=-30s,for=2s", "host-1")
    assert bench.details == ["the clock of host-1 jumps by -30 s for 2 s, then is set right"]
    assert (off(bench, "host-0"), off(bench, "host-1")) == (0, -30)
    assert not bench.over(1.9)
    assert off(bench, "host-1") == -30
    assert bench.over(0.1)
    assert off(bench, "host-1") == 0


def test_a_clock_drifts(bench: Bench) -> None:
    """It goes on being more and more wrong."""
    bench.begin(CLOCK, "clock:drift=1.05,for=4s", "host-0")
    assert bench.details == [
        "the clock of host-0 runs at 1.05 of its speed for 4 s, then is set right"
    ]
    assert off(bench) == 0
    assert not bench.over(1)
    assert off(bench) == pytest.approx(0.05)
    assert not bench.over(2.9)
    assert off(bench) == pytest.approx(0.195)
    assert bench.over(0.1)
    assert off(bench) == 0


def test_a_slow_clock_falls_behind(bench: Bench) -> None:
    """Its skew has no sign."""
    bench.begin(CLOCK, "clock:drift=0.9,for=10s", "host-0")
    assert bench.skews == [1000]
    assert not bench.over(5)
    assert off(bench) == pytest.approx(-0.5)
    bench.play.close()
    assert off(bench) == 0


def test_a_jump_that_is_cut_off_is_healed(bench: Bench) -> None:
    """A play that is closed sets the clock right."""
    bench.begin(CLOCK, "clock:jump=45s,for=1h", "host-0")
    assert off(bench) == 45
    bench.play.close()
    assert off(bench) == 0


def test_a_clock_that_is_wrong_is_left_alone(bench: Bench) -> None:
    """So is that of a host that is away."""
    bench.begin(CLOCK, "clock:jump=1s", "host-0")
    first = bench.play
    with pytest.raises(SkippedError, match="was still wrong"):
        bench.begin(CLOCK, "clock:jump=2s", "host-0")
    assert off(bench) == 1
    first.close()
    bench.hosts.up["host-0"] = False
    with pytest.raises(SkippedError, match="was not serving"):
        bench.begin(CLOCK, "clock", "host-0")


def test_what_the_hosts_are_started_with(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reads a file of its own, at every look; what another fault has put there stays."""
    beside = bench.stage.host_environment
    assert beside["host-0"] == {
        "LD_PRELOAD": "/lib/libfaketimeMT.so.1",
        "FAKETIME_TIMESTAMP_FILE": str(bench.stage.scratch / "clock-host-0"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    assert beside["host-1"]["FAKETIME_TIMESTAMP_FILE"].endswith("clock-host-1")
    assert bench.stage.false_clocks
    beside["host-0"] = {"FUSE": "1"}
    monkeypatch.setenv("LD_PRELOAD", "/lib/other.so")
    assert CLOCK.before is not None
    with CLOCK.before(bench.stage, read("clock", CLOCK.all_settings)):
        assert beside["host-0"]["FUSE"] == "1"
        assert beside["host-0"]["LD_PRELOAD"] == "/lib/libfaketimeMT.so.1 /lib/other.so"


def test_what_dead_processes_left_is_removed(bench: Bench) -> None:
    """And nothing that a living one may still use."""
    shared = bench.stage.scratch / "shm"
    shared.mkdir()
    dead = 2**22 + 1  # above what Linux gives
    names = [
        f"{kind}_{pid}"
        for kind in ("faketime_shm", "sem.faketime_sem")
        for pid in (dead, os.getpid())
    ]
    for name in [*names, "other_1"]:
        (shared / name).touch()
    clock._sweep()
    assert sorted(path.name for path in shared.iterdir()) == [
        f"faketime_shm_{os.getpid()}",
        "other_1",
        f"sem.faketime_sem_{os.getpid()}",
    ]


def test_it_says_how_to_get_the_library(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """Before a run, and should it vanish later."""
    assert CLOCK.unavailable() == "" or clock.sys.platform != "linux"
    monkeypatch.setattr(clock, "library", lambda: None)
    monkeypatch.setattr("sys.platform", "linux")
    assert "apt-get install libfaketime" in CLOCK.unavailable()
    assert CLOCK.before is not None
    with (
        pytest.raises(RunError, match="apt-get install"),
        CLOCK.before(bench.stage, read("clock", CLOCK.all_settings)),
    ):
        raise AssertionError
    monkeypatch.setattr("sys.platform", "darwin")
    assert "Linux only" in CLOCK.unavailable()


def test_the_library_is_found_on_the_library_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one for threads before the other."""
    monkeypatch.setattr(clock, "PLACES", ("nowhere/*/faketime",))
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere:{tmp_path}")
    assert clock.library() is None
    (tmp_path / "libfaketime.so.1").touch()
    assert clock.library() == tmp_path / "libfaketime.so.1"
    (tmp_path / "libfaketimeMT.so.1").touch()
    assert clock.library() == tmp_path / "libfaketimeMT.so.1"


def test_a_library_that_does_nothing_is_found_out(tmp_path: Path) -> None:
    """A fault that nobody feels must not be said to have begun."""
    with pytest.raises(RunError, match="does nothing to"):
        clock._prove(tmp_path / "libnothing.so.1", tmp_path / "probe")


def test_sleep_is_that_of_time() -> None:
    """It only goes another way."""
    clock.sleep(0)
    with pytest.raises(ValueError, match="non-negative"):
        clock.sleep(-1)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("clock", {"for": 5, "jump": -30}),
        ("clock:jump=45s", {"for": 5, "jump": 45}),
        ("clock:jump=-200ms,for=1s", {"for": 1, "jump": -0.2}),
        ("clock:drift=0.95", {"for": 5, "jump": -30, "drift": 0.95}),
    ],
)
def test_how_it_is_written(text: str, values: dict[str, float]) -> None:
    """A drift takes the place of the jump."""
    fault, spec = read_fault(text)
    assert spec.values == values
    assert fault.clash(spec, StressTestConfig()) == ""


@pytest.mark.parametrize("text", ["jump=2d", "jump=-25h", "drift=3", "drift=0", "drift=-1"])
def test_what_it_does_not_know(text: str) -> None:
    """Limits, and units of a duration."""
    with pytest.raises(UsageError):
        read_fault(f"clock:{text}")


def test_a_clock_either_jumps_or_drifts() -> None:
    """Both at once are refused before a run."""
    fault, spec = read_fault("clock:jump=1s,drift=1.1")
    assert "exclude each other" in fault.clash(spec, StressTestConfig())
