"""A host that is to kill itself: what it is handed, and the play around its death."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from duroxide_stress.crashes import crash_of
from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.faults.base import Stage
from duroxide_stress.faults.crash import CRASH, GRACE_SECS
from duroxide_stress.faults.registry import read_fault, timing_problems
from duroxide_stress.faults.schedule import schedule
from duroxide_stress.faults.settings import Spec
from duroxide_stress.faults.storm import Storm
from duroxide_stress.fuse import VARIABLE, Fuse, burn, burnt, found, lay, put_out
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.providers.base import Provider
from duroxide_stress.providers.registry import provider_named

from .test_storm import HandHosts, Rows

CONFIG = StressTestConfig(duration_secs=10, warmup_secs=2)


def spec_of(text: str) -> Spec:
    """A fault as a user writes it."""
    return read_fault(text)[1]


@pytest.mark.parametrize(
    ("text", "crash"),
    [
        ("crash:activity-end", ("activity-end", 1)),
        ("crash:turn-begin,pass=4", ("turn-begin", 4)),
        ("crash:pass=9,moment=store-write", ("store-write", 9)),
        ("crash", ("", 1)),
        (" crash : activity-end , pass=3", ("activity-end", 3)),
    ],
)
def test_how_it_is_written(text: str, crash: tuple[str, int]) -> None:
    """The moment's word alone is enough; without a pass it is the first."""
    values = spec_of(text).values
    assert crash_of(text) == (values.get("moment", ""), values["pass"]) == crash
    assert crash_of("kill:every=2s") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "crash",
            "fault crash: name the moment, for example crash:activity-end; they are after-st",
        ),
        (
            "crash:turn-begin,pass=1.5",
            "fault crash:turn-begin,pass=1.5: pass must be a whole number",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, problem: str) -> None:
    """Before anything starts, in one sentence."""
    (found,) = timing_problems(CRASH, spec_of(text), CONFIG)
    assert found.startswith(problem)


@pytest.mark.parametrize("text", ["crash:nowhere", "crash:turn-begin,every=1s", "crash:turn-end"])
def test_what_it_does_not_know_is_refused(text: str) -> None:
    """It has no time of its own, and no other moments."""
    with pytest.raises(UsageError, match="unknown setting of crash"):
        read_fault(text)


def test_a_fuse_is_burnt_or_put_out_but_not_both(tmp_path: Path) -> None:
    """Whoever comes first has its way, and the other is told."""
    fuse, path = Fuse("turn-begin", 3), tmp_path / "fuse"
    assert (found(path), burn(path), put_out(path)) == (None, False, False)
    lay(path, fuse)
    assert found(path) == fuse
    assert (burn(path), burn(path), put_out(path), burnt(path)) == (True, False, False, True)
    other = tmp_path / "other"
    lay(other, fuse)
    assert (put_out(other), burn(other), burnt(other)) == (True, False, False)


class MortalHosts(HandHosts):
    """Hosts of which one may kill itself, and which take a while to come up."""

    def __init__(self) -> None:
        super().__init__()
        self.dooms: dict[str, Callable[[], bool]] = {}

    def doom(self, host: str, by_itself: Callable[[], bool] = lambda: True) -> None:
        self.dooms[host] = by_itself


class Bench:
    """A storm of crashes, stepped by hand from the load's beginning on."""

    def __init__(
        self, tmp: Path, *texts: str, config: StressTestConfig = CONFIG, store: str = "sqlite-file"
    ) -> None:
        self.now, self.hosts, self.records = 100.0, MortalHosts(), Rows()
        self.fuse = tmp / "crash"
        provider: Provider = provider_named(store)
        self.stage = Stage(
            Cell("parallel", store, config),
            provider,
            "store.db",
            self.hosts,
            lambda: self.now,
            scratch=tmp,
            directory=tmp,
        )
        faults = [read_fault(text) for text in texts]
        self._warmup_secs = config.warmup_secs
        self.storm = Storm(
            faults,
            schedule(faults, config),
            self.stage,
            self.records,
            window_secs=config.duration_secs,
        )

    def until(self, secs: float) -> None:
        """Step until so long after the load's beginning."""
        while self.now < 100.0 + secs - 1e-9:
            self.now = round(self.now + 0.1, 1)
            self.storm.step(self.now - 100.0 - self._warmup_secs)

    def dies(self) -> None:
        """host-0 kills itself."""
        assert burn(self.fuse)
        self.hosts.up["host-0"] = False

    def skipped(self) -> str:
        """Why it was not done."""
        (row,) = (row for row in self.records.rows if row.what == "skipped")
        return row.detail


def test_it_is_armed_before_the_hosts_start(tmp_path: Path) -> None:
    """host-0 is handed the fuse, its death is expected once it has burnt, and others live on."""
    bench = Bench(tmp_path, "crash:activity-end,pass=4")
    with bench.storm.set_up():
        assert found(bench.fuse) == Fuse("activity-end", 4)
        assert bench.stage.host_environment == {"host-0": {VARIABLE: str(bench.fuse)}}
        assert list(bench.hosts.dooms) == ["host-0"]
        assert not bench.hosts.dooms["host-0"]()
        bench.dies()
        assert bench.hosts.dooms["host-0"]()


def test_a_host_that_kills_itself_is_started_again(tmp_path: Path) -> None:
    """Also in the warm-up, at once; the fault is over when it serves."""
    bench = Bench(tmp_path, "crash:turn-scheduled,pass=2")
    with bench.storm.set_up():
        bench.until(0.5)
        assert (bench.hosts.done, bench.records.moments()) == ([], [])
        bench.dies()
        bench.until(1.0)
    assert bench.hosts.done == ["start host-0"]
    assert bench.records.moments() == [(0, "began"), (0, "ended")]
    began = bench.records.rows[1]
    words = "host-0 killed itself at turn-scheduled, where it came 2 times"
    assert (began.target, began.detail, began.due_ms) == ("host-0", words, -2_000)
    assert bench.storm.over


def test_what_never_comes_there_is_skipped(tmp_path: Path) -> None:
    """Some seconds after the window; the fuse is put out, so that it cannot die any more."""
    bench = Bench(tmp_path, "crash:between-generations")
    with bench.storm.set_up():
        bench.until(12 + GRACE_SECS)
        assert (bench.storm.over, bench.fuse.exists()) == (False, True)
        bench.until(12 + GRACE_SECS + 0.5)
        assert bench.storm.over
    assert bench.skipped() == "host-0 did not come to between-generations once"
    assert not burn(bench.fuse)
    assert not bench.hosts.dooms["host-0"]()
    assert bench.hosts.done == []


def test_it_may_die_in_the_last_moment(tmp_path: Path) -> None:
    """Between the look at the fuse and the end of patience: then it has died, and is started again."""
    bench = Bench(tmp_path, "crash:turn-begin")
    with bench.storm.set_up():
        bench.until(12 + GRACE_SECS)
        bench.dies()
        bench.until(12 + GRACE_SECS + 1)
    assert bench.hosts.done == ["start host-0"]


def test_a_fuse_that_burns_without_a_death_is_an_error(tmp_path: Path) -> None:
    """A host that cannot die would be waited for without end."""
    bench = Bench(tmp_path, "crash:turn-begin")
    with bench.storm.set_up():
        bench.until(1)
        burn(bench.fuse)
        with pytest.raises(RunError, match="the death of host-0 took longer than 60 s"):
            bench.until(100)


def test_writes_are_seen_in_one_kind_of_store_only(tmp_path: Path) -> None:
    """Its file is named to the host; on any other nothing is armed, and the fault is skipped."""
    bench = Bench(tmp_path, "crash:store-write,pass=5")
    with bench.storm.set_up():
        assert found(bench.fuse) == Fuse("store-write", 5, "store.db-wal")
    (tmp_path / "other").mkdir()
    other = Bench(tmp_path / "other", "crash:store-write", store="postgres")
    with other.storm.set_up():
        assert not other.fuse.exists()
        other.until(1)
    assert other.skipped() == "only the store of sqlite-file can be seen to be written"


def test_a_cell_has_one_crash(tmp_path: Path) -> None:
    """Two of them would be armed with one fuse."""
    bench = Bench(tmp_path, "crash:turn-begin", "crash:activity-end")
    with ExitStack() as stack, pytest.raises(UsageError, match="a cell can have one crash"):
        stack.enter_context(bench.storm.set_up())
