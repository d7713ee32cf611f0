"""Faults carried out on a stage whose hosts and clock are the test's own."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.errors import RunError
from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.processes import KILL, PAUSE, ROLLING_RESTART, SHUTDOWN
from duroxide_stress.faults.settings import read
from duroxide_stress.faults.storm import Storm
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.providers.sqlite import FileSqlite
from duroxide_stress.recording.records import FaultEvent

CONFIG = StressTestConfig(duration_secs=10, nodes=2, worker_lock_timeout_ms=4_000)


class Rows:
    """Records, kept."""

    def __init__(self) -> None:
        self.rows: list[FaultEvent] = []

    def write(self, record: msgspec.Struct) -> None:
        assert isinstance(record, FaultEvent)
        self.rows.append(record)

    def moments(self) -> list[tuple[int, str]]:
        """Number and moment of each, without what was intended."""
        return [(r.number, r.what) for r in self.rows if r.what != "intended"]


class HandHosts:
    """Two hosts that do at once what they are told, and a list of it."""

    def __init__(self) -> None:
        self.up = {"host-0": True, "host-1": True}
        self.done: list[str] = []

    def serving(self, host: str) -> bool:
        return self.up[host]

    def life(self, host: str) -> str:
        return host

    def pid(self, host: str) -> int:
        return 0

    def kill(self, host: str) -> None:
        self._do("kill", host, up=False)

    def doom(self, host: str) -> None:
        self.done.append(f"doom {host}")

    def pause(self, host: str) -> None:
        self._do("pause", host, up=False)

    def resume(self, host: str) -> None:
        self._do("resume", host, up=True)

    def stop(self, host: str) -> None:
        self._do("stop", host, up=False)

    def gone(self, host: str) -> bool:
        return not self.up[host]

    def start(self, host: str) -> None:
        self._do("start", host, up=True)

    def _do(self, what: str, host: str, *, up: bool) -> None:
        self.done.append(f"{what} {host}")
        self.up[host] = up


class Bench:
    """A storm of one fault, stepped by hand."""

    def __init__(self, fault: Fault, text: str, due: list[tuple[int, str]], tmp: Path) -> None:
        self.now, self.hosts, self.records = 0.0, HandHosts(), Rows()
        self.told: list[str] = []
        spec = read(text, fault.all_settings)
        stage = Stage(
            Cell("parallel", "sqlite-file", CONFIG),
            FileSqlite(),
            "store.db",
            self.hosts,
            lambda: self.now,
            scratch=tmp,
            directory=tmp,
        )
        drawn = [Injection(n, spec, ms, target, n) for n, (ms, target) in enumerate(due)]
        self.storm = Storm(
            [(fault, spec)],
            drawn,
            stage,
            self.records,
            window_secs=10,
            now_ns=lambda: round(self.now * 1e9),
            tell=self.told.append,
        )

    def until(self, secs: float) -> None:
        """Step every tenth of a second, as the supervisor does more often."""
        while self.now < secs - 1e-9:
            self.now = round(self.now + 0.1, 1)
            self.storm.step(self.now)


def test_a_kill_and_its_restart(tmp_path: Path) -> None:
    """The host is down as long as it was told, then up, and then the fault is over."""
    bench = Bench(KILL, "kill:down=2s", [(1_000, "host-1")], tmp_path)
    assert [r.what for r in bench.records.rows] == ["intended"]
    bench.until(0.9)
    assert bench.hosts.done == []
    bench.until(2.9)
    assert bench.hosts.done == ["kill host-1"]
    bench.until(3.5)
    assert bench.hosts.done == ["kill host-1", "start host-1"]
    assert bench.records.moments() == [(0, "began"), (0, "ended")]
    began, ended = bench.records.rows[1:]
    assert (began.at_ns, began.target, began.detail) == (10**9, "host-1", "kill -9 of host-1")
    assert 3 * 10**9 <= ended.at_ns <= 3.2 * 10**9
    assert bench.told == ["fault kill: kill -9 of host-1"]
    assert bench.storm.over


def test_who_is_down_cannot_be_struck(tmp_path: Path) -> None:
    """It is skipped, with the reason; the other host's turn is not."""
    due = [(1_000, "host-1"), (2_000, "host-1"), (2_000, "host-0")]
    bench = Bench(KILL, "kill:down=3s", due, tmp_path)
    bench.until(6)
    assert bench.records.moments() == [
        (0, "began"), (1, "skipped"), (2, "began"), (0, "ended"), (2, "ended"),
    ]  # fmt: skip
    skipped = next(r for r in bench.records.rows if r.what == "skipped")
    assert skipped.detail == "host-1 was not serving"


@pytest.mark.parametrize(
    ("text", "secs"),
    [("pause:for=1.5s", 1.5), ("pause:longer-than-lock", 7), ("pause:shorter-than-lock", 2)],
)
def test_a_pause_is_measured_against_the_locks(text: str, secs: float, tmp_path: Path) -> None:
    """Longer than the longest (5 s) by two seconds, or half as long as the shortest (4 s)."""
    bench = Bench(PAUSE, text, [(1_000, "host-0")], tmp_path)
    bench.until(1 + secs - 0.1)
    assert bench.hosts.done == ["pause host-0"]
    bench.until(1 + secs + 0.3)
    assert bench.hosts.done == ["pause host-0", "resume host-0"]
    assert bench.storm.over


def test_what_is_cut_off_is_healed(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a pause lets the host go on, and says so."""
    bench = Bench(PAUSE, "pause:for=5s", [(1_000, "host-0")], tmp_path)
    bench.until(2)
    bench.storm.close()
    assert bench.hosts.done == ["pause host-0", "resume host-0"]
    assert bench.records.rows[-1].what == "ended"
    assert bench.records.rows[-1].detail == "cut off with the cell"


def test_a_fault_may_outlast_the_window_but_not_begin_after_it(tmp_path: Path) -> None:
    """What is at work goes on; what was not begun is skipped."""
    due = [(9_000, "host-0"), (9_990, "host-1")]
    bench = Bench(PAUSE, "pause:for=3s", due, tmp_path)
    bench.until(9)
    bench.now = 10.0
    bench.storm.step(10.0)
    assert bench.records.moments() == [(0, "began"), (1, "skipped")]
    assert not bench.storm.over
    bench.until(12.2)
    assert bench.storm.over


def test_a_graceful_shutdown_and_a_rolling_restart(tmp_path: Path) -> None:
    """One host, or all one after another, leave and come again."""
    bench = Bench(SHUTDOWN, "shutdown", [(0, "host-1")], tmp_path)
    bench.until(1)
    assert bench.hosts.done == ["stop host-1", "start host-1"]
    bench = Bench(ROLLING_RESTART, "rolling-restart:down=1s", [(0, "hosts")], tmp_path)
    bench.until(3)
    assert bench.hosts.done == ["stop host-0", "start host-0", "stop host-1", "start host-1"]


def _endless(stage: Stage, injection: Injection) -> Play[None]:
    stage.began("it holds")
    while True:
        yield


def _broken(stage: Stage, injection: Injection) -> Play[None]:
    yield
    raise OSError("no such device")


def _idle(stage: Stage, injection: Injection) -> Iterator[None]:
    raise SkippedError("nothing to break")
    yield


def test_a_fault_of_the_store_does_not_strike_twice_at_once(tmp_path: Path) -> None:
    """The second is skipped while the first is at work."""
    fault = Fault("hold", "holds.", _endless)
    bench = Bench(fault, "hold", [(0, "store"), (500, "store")], tmp_path)
    bench.until(1)
    assert bench.records.moments() == [(0, "began"), (1, "skipped")]


def test_a_fault_that_fails_is_an_error_of_the_run(tmp_path: Path) -> None:
    """With its text; nothing is proven by such a cell."""
    bench = Bench(Fault("bad", "bad.", _broken), "bad", [(0, "store")], tmp_path)
    with pytest.raises(RunError, match="fault bad failed: OSError: no such device"):
        bench.until(1)


def test_a_fault_that_finds_nothing_to_break(tmp_path: Path) -> None:
    """It is skipped and was never there."""
    fault = Fault("idle", "idle.", _idle)  # type: ignore[arg-type]
    bench = Bench(fault, "idle", [(0, "store")], tmp_path)
    bench.until(0.3)
    assert bench.records.moments() == [(0, "skipped")]
    assert bench.told == ["fault idle skipped: nothing to break"]


def test_something_that_blocks_is_done_aside(tmp_path: Path) -> None:
    """In a thread: the play goes on when it is through, with what it gave or raised."""
    bench = Bench(KILL, "kill", [], tmp_path)
    stage = bench.storm._stage
    play = stage.aside(lambda: 42)
    with pytest.raises(StopIteration) as over:
        while True:
            next(play)
    assert over.value.value == 42
    with pytest.raises(ZeroDivisionError):
        list(stage.aside(lambda: 1 // 0))
