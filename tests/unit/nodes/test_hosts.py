"""The hosts of a cell: their lives, their ends, and what is noted and told of them."""

import signal
from pathlib import Path

import pytest

from duroxide_stress.errors import RunError, UsageError
from duroxide_stress.nodes.hosts import HostDiedError
from duroxide_stress.nodes.messages import Alive, Failed, Ready

from .hand import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Nothing has happened yet."""
    return Bench(tmp_path)


def test_lives_are_numbered_and_noted(bench: Bench) -> None:
    """A host that is killed and started again serves under the name of its second life."""
    bench.up("host-0")
    bench.hosts.kill("host-0")
    assert (bench.hosts.gone("host-0"), bench.lives["host-0"].ended) == (True, True)
    bench.hosts.start("host-0")
    assert not bench.hosts.serving("host-0")
    bench.lives["host-0.2"].says = [Ready()]
    bench.hosts.step()
    assert (bench.hosts.serving("host-0"), bench.hosts.life("host-0")) == (True, "host-0.2")
    assert bench.noted() == [
        ("host-0", "starting"),
        ("host-0", "ready"),
        ("host-0", "killed"),
        ("host-0.2", "starting"),
        ("host-0.2", "ready"),
    ]
    assert bench.told == []


def test_a_host_that_is_told_to_stop(bench: Bench) -> None:
    """It has stopped when it is gone, and what it started is ended with it."""
    host = bench.up("host-0")
    bench.hosts.stop_all()
    bench.hosts.step()
    assert (host.heard, bench.hosts.all_gone) == (["stop"], False)
    host.code = 0
    bench.hosts.step()
    assert (bench.hosts.all_gone, host.ended) == (True, True)
    assert bench.noted()[-2:] == [("host-0", "stopping"), ("host-0", "stopped")]


def test_a_host_that_dies_by_itself(bench: Bench) -> None:
    """Without faults that ends the cell, and is told at once."""
    bench.up("host-0")
    bench.up("host-1").code = -11
    with pytest.raises(HostDiedError, match=r"host-1 died in the middle .*signal 11 \(SIGSEGV\)"):
        bench.hosts.step()
    assert bench.noted()[-1] == ("host-1", "died")
    assert bench.told == ["host-1 died: killed by signal 11 (SIGSEGV)"]


def test_a_host_that_dies_while_faults_are_at_work(bench: Bench) -> None:
    """It is started again after a second, as a service manager would."""
    bench.stormy = True
    bench.up("host-0").code = 1
    bench.hosts.step()
    assert (bench.noted()[-1], "host-0.2" in bench.lives) == (("host-0", "died"), False)
    bench.now = 1.0
    bench.hosts.step()
    bench.lives["host-0.2"].says = [Failed("no such store")]
    bench.hosts.step()
    assert bench.noted()[-1] == ("host-0.2", "failed")
    assert bench.told[-1] == "host-0.2 could not go on: no such store; it is started again"
    bench.now = 2.0
    bench.hosts.step()
    bench.lives["host-0.3"].says = [Ready()]
    bench.hosts.step()
    assert bench.hosts.all_serving


@pytest.mark.parametrize("stormy", [False, True])
def test_what_is_the_users_to_mend_ends_the_cell(bench: Bench, *, stormy: bool) -> None:
    """Also while faults are at work: trying again would not help."""
    bench.stormy = stormy
    bench.up("host-0").says = [Failed("a payload too deep", refused=True)]
    with pytest.raises(UsageError, match="a payload too deep"):
        bench.hosts.step()


def test_a_host_that_cannot_come_up(bench: Bench) -> None:
    """One sentence that says who."""
    bench.hosts.add("host-1", "1.0.0")
    bench.lives["host-1"].says = [Failed("no such store")]
    with pytest.raises(RunError, match=r"^the engine's host-1 failed: no such store$"):
        bench.hosts.step()


def test_hosts_that_take_too_long(bench: Bench) -> None:
    """A minute to come up, twenty seconds to stop."""
    bench.up("host-0")
    bench.hosts.add("host-1", "1.0.0")
    bench.now = 60.0
    bench.lives["host-0"].says = [Alive()]
    bench.hosts.step()
    bench.now = 60.1
    with pytest.raises(RunError, match="host-1 took longer than 60 s to start"):
        bench.hosts.step()
    bench.hosts.kill("host-1")
    bench.hosts.stop("host-0")
    bench.now = 80.2
    with pytest.raises(RunError, match="host-0 took longer than 20 s to stop"):
        bench.hosts.step()


def test_a_frozen_host_is_told_once(bench: Bench) -> None:
    """Three seconds without a sign of life, and again when it is back."""
    host = bench.up("host-0")
    for now in (3.0, 3.1, 4.0):
        bench.now = now
        bench.hosts.step()
    assert bench.told == ["host-0 is frozen: no sign of life for 3.1 s"]
    host.says = [Alive()]
    bench.hosts.step()
    assert bench.told[-1] == "host-0 is alive again"
    assert [what for _, what in bench.noted()[-2:]] == ["frozen", "thawed"]


def test_a_paused_host_is_not_called_frozen(bench: Bench) -> None:
    """It stands still by our order, and has its time anew when it goes on."""
    host = bench.up("host-0")
    bench.hosts.pause("host-0")
    assert not bench.hosts.serving("host-0")
    bench.now = 10.0
    bench.hosts.step()
    bench.hosts.resume("host-0")
    bench.hosts.step()
    assert (bench.hosts.serving("host-0"), bench.told) == (True, [])
    assert host.signals == [signal.SIGSTOP, signal.SIGCONT]


def test_a_doomed_host_kills_itself(bench: Bench) -> None:
    """That is a fault of ours, and not a death; the next life is not doomed."""
    bench.up("host-0").code = -9
    bench.hosts.doom("host-0")
    bench.hosts.step()
    assert (bench.hosts.gone("host-0"), bench.noted()[-1]) == (True, ("host-0", "killed"))
    bench.hosts.start("host-0")
    bench.lives["host-0.2"].code = -9
    with pytest.raises(HostDiedError):
        bench.hosts.step()


def test_who_is_being_started_again_is_gone_at_the_end(bench: Bench) -> None:
    """Nobody waits for a host that never came up."""
    bench.stormy = True
    bench.up("host-0").code = 1
    bench.hosts.step()
    bench.hosts.stop_all()
    assert bench.hosts.all_gone
