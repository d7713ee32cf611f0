"""A rolling upgrade, step by step, with hosts that say what the test wants."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.errors import RunError
from duroxide_stress.nodes import upgrade as upgrades
from duroxide_stress.nodes.messages import Done, Failed, Message, Ready
from duroxide_stress.nodes.supervisor import CellRun
from duroxide_stress.nodes.upgrade import EmbeddedUpgrade, NodeNotes, Upgrade
from duroxide_stress.recording.records import NodeEvent
from duroxide_stress.scenarios.base import Release

RELEASE = Release("2.0.0", {}, after_secs=5)


class HandHost:
    """A host that says and hears what the test wants."""

    pid = 1

    def __init__(self) -> None:
        self.log: Path | None = None
        self.says: list[Message] = []
        self.heard: list[str] = []
        self.code: int | None = None
        self.ended = False

    def message(self) -> Message | None:
        return self.says.pop(0) if self.says else None

    def exit_code(self) -> int | None:
        return self.code

    def say(self, word: str) -> None:
        self.heard.append(word)

    def end(self) -> None:
        self.ended = True


class Bench:
    """An upgrade between two such hosts, and what was noted."""

    def __init__(self, directory: Path) -> None:
        self.old, self.new = HandHost(), HandHost()
        self.spawned = 0
        self.directory = directory
        moments = iter(range(1, 100))
        self.notes = NodeNotes(directory, RELEASE, lambda: next(moments))
        self.upgrade = Upgrade(RELEASE, self.old, self._spawn, self.notes, CellRun._refuse)

    def _spawn(self) -> HandHost:
        self.spawned += 1
        return self.new

    def noted(self) -> list[tuple[int, str, str, str]]:
        """The lines of nodes.jsonl."""
        lines = (self.directory / "nodes.jsonl").read_bytes().splitlines()
        return [msgspec.structs.astuple(msgspec.json.decode(x, type=NodeEvent)) for x in lines]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Nothing has happened yet."""
    return Bench(tmp_path)


def test_the_new_host_takes_over_when_it_is_ready(bench: Bench) -> None:
    """Not before its time, not before it is ready, and the old one is ended when it has stopped."""
    step = bench.upgrade.step
    assert step(4.9) is bench.old
    assert (bench.spawned, bench.upgrade.under_way) == (0, False)
    assert step(5) is step(5.1) is bench.old
    assert (bench.spawned, bench.upgrade.under_way, bench.old.heard) == (1, True, [])
    bench.new.says = [Ready()]
    assert step(5.2) is step(5.3) is bench.new
    assert (bench.old.heard, bench.old.ended, bench.upgrade.under_way) == (["stop"], False, True)
    bench.old.says = [Done()]
    assert step(5.4) is step(60) is bench.new
    assert (bench.spawned, bench.old.ended, bench.upgrade.under_way) == (1, True, False)
    assert bench.noted() == [
        (1, "host-1", "ready", "2.0.0"),
        (2, "host-0", "stopping", "1.0.0"),
        (3, "host-0", "stopped", "1.0.0"),
    ]


def test_a_new_host_that_cannot_go_on(bench: Bench) -> None:
    """One sentence, and the old host was not told to stop."""
    bench.upgrade.step(5)
    bench.new.says = [Failed("no such store")]
    with pytest.raises(RunError, match=r"^the host with the newer release failed: no such store$"):
        bench.upgrade.step(6)
    assert bench.old.heard == []


def test_a_new_host_that_dies_while_it_joins(bench: Bench) -> None:
    """It is the one that must live from then on; the old one was not told to stop."""
    bench.upgrade.step(5)
    bench.new.code = -11
    assert bench.upgrade.step(6) is bench.upgrade.step(7) is bench.new
    assert (bench.old.heard, bench.upgrade.under_way, bench.noted()) == ([], False, [])


def test_an_old_host_that_dies_while_it_stops(bench: Bench) -> None:
    """Nobody says that it stopped: its work has not been handed over."""
    bench.upgrade.step(5)
    bench.new.says = [Ready()]
    bench.upgrade.step(6)
    bench.old.code = -11
    assert bench.upgrade.step(7) is bench.upgrade.step(8) is bench.old
    assert not bench.upgrade.under_way
    assert [moment[2] for moment in bench.noted()] == ["ready", "stopping"]


def test_a_host_that_takes_too_long(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own time: a minute to come up, twenty seconds to stop."""
    monkeypatch.setattr(upgrades.time, "monotonic", lambda: clock[0])
    clock = [0.0]
    bench.upgrade.step(5)
    clock[0] = 60.0
    bench.new.says = [Ready()]
    bench.upgrade.step(6)
    clock[0] = 80.0
    assert bench.upgrade.step(7) is bench.new
    clock[0] = 80.1
    with pytest.raises(RunError, match="told to stop, took longer than 20 s"):
        bench.upgrade.step(8)


class Listener:
    """The supervisor's side of an embedded node."""

    def __init__(self) -> None:
        self.told: list[Message] = []

    def tell(self, message: Message) -> None:
        self.told.append(message)

    def aborted(self) -> bool:
        return False

    def wait_for_stop(self) -> None:
        raise NotImplementedError


class HandRuntime:
    """An embedded host that counts its stops."""

    def __init__(self) -> None:
        self.stops: list[int] = []

    def stop(self, timeout_ms: int) -> None:
        self.stops.append(timeout_ms)


def embedded(
    directory: Path, join: Callable[[], HandRuntime], release: Release | None = RELEASE
) -> tuple[EmbeddedUpgrade, HandRuntime, Listener]:
    """An upgrade in virtual time."""
    old, listener = HandRuntime(), Listener()
    notes = NodeNotes(directory, release, lambda: 7)
    return (
        EmbeddedUpgrade(release, old, join, notes, listener, virtual=True, shutdown_ms=9),
        old,
        listener,
    )


def test_embedded_hosts_change_once(tmp_path: Path) -> None:
    """However often it is asked; whoever is left is stopped at the end."""
    new = HandRuntime()
    upgrade, old, _ = embedded(tmp_path, lambda: new)
    for elapsed in (0, 4.9, 5, 6, 7):
        upgrade.step(elapsed)
        assert old.stops == ([9] if elapsed >= 5 else [])
    assert new.stops == []
    upgrade.stop()
    assert (old.stops, new.stops) == ([9], [9])
    assert len((tmp_path / "nodes.jsonl").read_bytes().splitlines()) == 3


def test_without_a_release_nothing_changes(tmp_path: Path) -> None:
    """The one host serves to the end."""
    upgrade, old, _ = embedded(tmp_path, HandRuntime, None)
    upgrade.step(1_000)
    upgrade.stop()
    assert old.stops == [9]
    assert (tmp_path / "nodes.jsonl").read_bytes() == b""


def test_an_embedded_host_that_does_not_come_up(tmp_path: Path) -> None:
    """The supervisor is told in a sentence, and the first host is still there to be stopped."""

    def join() -> HandRuntime:
        raise OSError("no more connections")

    upgrade, old, listener = embedded(tmp_path, join)
    upgrade.step(5)
    assert listener.told == [Failed("the upgrade failed: OSError: no more connections")]
    upgrade.stop()
    assert old.stops == [9]
