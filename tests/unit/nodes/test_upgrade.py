"""A rolling upgrade, step by step, with hosts that say what the test wants."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from duroxide_stress.nodes.hosts import HostDiedError, NodeNotes
from duroxide_stress.nodes.messages import Failed, Message, Ready
from duroxide_stress.nodes.upgrade import EmbeddedUpgrade, upgrade
from duroxide_stress.recording.records import NodeEvent
from duroxide_stress.scenarios.base import Release

from .hand import Bench

RELEASE = Release("2.0.0", {}, after_secs=5)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The first host serves."""
    made = Bench(tmp_path)
    made.up("host-0")
    return made


def test_the_new_host_takes_over_when_it_is_ready(bench: Bench) -> None:
    """Not before its time, not before it is ready; it is over when the old one is gone."""
    elapsed = [4.9]
    play = upgrade(bench.hosts, RELEASE, lambda: elapsed[0])
    next(play)
    assert not bench.hosts.knows("host-1")
    elapsed[0] = 5.0
    next(play)
    assert (bench.hosts.knows("host-1"), bench.lives["host-0"].heard) == (True, [])
    bench.lives["host-1"].says = [Ready()]
    bench.hosts.step()
    next(play)
    assert bench.lives["host-0"].heard == ["stop"]
    bench.lives["host-0"].code = 0
    bench.hosts.step()
    assert next(play, "over") == "over"
    lines = (bench.directory / "nodes.jsonl").read_bytes().splitlines()
    events = [msgspec.json.decode(line, type=NodeEvent) for line in lines]
    assert [(e.node, e.what, e.version) for e in events[1:]] == [
        ("host-0", "ready", "1.0.0"),
        ("host-1", "starting", "2.0.0"),
        ("host-1", "ready", "2.0.0"),
        ("host-0", "stopping", "1.0.0"),
        ("host-0", "stopped", "1.0.0"),
    ]


def test_a_new_host_that_dies_while_it_joins(bench: Bench) -> None:
    """The old one was not told to stop."""
    play = upgrade(bench.hosts, RELEASE, lambda: 6.0)
    next(play)
    bench.lives["host-1"].code = -11
    with pytest.raises(HostDiedError, match="host-1 died: killed by signal 11"):
        bench.hosts.step()
    assert bench.lives["host-0"].heard == []


class Listener:
    """The supervisor's side of an embedded node."""

    def __init__(self) -> None:
        self.told: list[Message] = []

    def tell(self, message: Message) -> None:
        self.told.append(message)

    def aborted(self) -> bool:
        return False

    def calm(self) -> bool:
        return True

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
    notes = NodeNotes(directory, lambda: 7)
    return (
        EmbeddedUpgrade(release, old, join, notes, listener, virtual=True, shutdown_ms=9),
        old,
        listener,
    )


def test_embedded_hosts_change_once(tmp_path: Path) -> None:
    """However often it is asked; whoever is left is stopped at the end."""
    new = HandRuntime()
    change, old, _ = embedded(tmp_path, lambda: new)
    for elapsed in (0, 4.9, 5, 6, 7):
        change.step(elapsed)
        assert old.stops == ([9] if elapsed >= 5 else [])
    assert new.stops == []
    change.stop()
    assert (old.stops, new.stops) == ([9], [9])
    assert len((tmp_path / "nodes.jsonl").read_bytes().splitlines()) == 3


def test_without_a_release_nothing_changes(tmp_path: Path) -> None:
    """The one host serves to the end."""
    change, old, _ = embedded(tmp_path, HandRuntime, None)
    change.step(1_000)
    change.stop()
    assert old.stops == [9]
    assert (tmp_path / "nodes.jsonl").read_bytes() == b""


def test_an_embedded_host_that_does_not_come_up(tmp_path: Path) -> None:
    """The supervisor is told in a sentence, and the first host is still there to be stopped."""

    def join() -> HandRuntime:
        raise OSError("no more connections")

    change, old, listener = embedded(tmp_path, join)
    change.step(5)
    assert listener.told == [Failed("the upgrade failed: OSError: no more connections")]
    change.stop()
    assert old.stops == [9]
