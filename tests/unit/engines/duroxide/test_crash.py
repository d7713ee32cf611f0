"""Where a host would die: the moments as code comes to them, with a death of the test's own."""

import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from duroxide_stress.crashes import MOMENTS, SWEPT_MS
from duroxide_stress.engines.duroxide import crash
from duroxide_stress.engines.duroxide.crash import (
    Moments,
    WatchedRuntime,
    armed,
    swept_secs,
    watched_effects,
)
from duroxide_stress.fuse import VARIABLE, Fuse, burnt, lay, put_out
from duroxide_stress.recording.records import Effect

from .context import Context


class Deaths:
    """Moments that come to nothing but a count."""

    def __init__(self, directory: Path, moment: str, times: int = 1, watch: str = "") -> None:
        self.path, self.count = directory / "fuse", 0
        self.died = threading.Event()
        fuse = Fuse(moment, times, watch)
        lay(self.path, fuse)
        self.moments = Moments(self.path, fuse, self._die)

    def _die(self) -> None:
        self.count += 1
        self.died.set()


class Names(Moments):
    """Moments that write down which of them came."""

    def __init__(self) -> None:
        self.came: list[str] = []

    def reached(self, name: str, after_secs: float = 0.0) -> None:
        self.came.append(name)

    def passed(self, name: str) -> None:
        self.came.append(name)

    def watch(self) -> None:
        self.came.append("watch")


class Registry:
    """The part of the SDK's runtime that is wrapped."""

    def __init__(self) -> None:
        self.code: dict[str, Callable[..., Any]] = {}
        self.started = False

    def register_activity(self, name: str, fn: Callable[..., Any]) -> None:
        self.code[name] = fn

    def register_orchestration(self, name: str, fn: Callable[..., Any]) -> None:
        self.code[name] = fn

    def register_orchestration_versioned(
        self, name: str, version: str, fn: Callable[..., Any]
    ) -> None:
        self.code[f"{name}@{version}"] = fn

    def start(self) -> None:
        self.started = True


def orchestration(fn: Callable[..., Any], names: Names) -> Callable[..., Any]:
    """The function as the SDK would be given it."""
    registry = Registry()
    WatchedRuntime(registry, names).register_orchestration("o", fn)
    return registry.code["o"]


def test_it_dies_at_its_moment_and_its_time(tmp_path: Path) -> None:
    """Other moments do not count, and after the one nothing more happens."""
    deaths = Deaths(tmp_path, "turn-begin", times=3)
    for name in ("turn-begin", "activity-end", "turn-begin", "turn-scheduled"):
        deaths.moments.reached(name)
    assert (deaths.count, burnt(deaths.path)) == (0, False)
    deaths.moments.reached("turn-begin")
    assert (deaths.count, burnt(deaths.path)) == (1, True)
    deaths.moments.reached("turn-begin")
    assert deaths.count == 1


def test_a_fuse_that_was_put_out_lets_it_live(tmp_path: Path) -> None:
    """However often it comes there."""
    deaths = Deaths(tmp_path, "turn-begin")
    put_out(deaths.path)
    deaths.moments.reached("turn-begin")
    assert deaths.count == 0


def test_threads_count_together(tmp_path: Path) -> None:
    """Each coming is one, whoever comes."""
    deaths = Deaths(tmp_path, "activity-end", times=400)
    threads = [
        threading.Thread(
            target=lambda: [deaths.moments.reached("activity-end") for _ in range(100)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert deaths.count == 1


def test_it_stays_before_it_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of an activity's delay: the thread that came there does not go on."""
    slept: list[float] = []
    monkeypatch.setattr(crash.time, "sleep", slept.append)
    deaths = Deaths(tmp_path, "activity-middle", times=2)
    effects: list[Effect] = []
    write = watched_effects(effects.append, deaths.moments, 30)
    write(Effect("begin", "t", "i", 0, 1, "host-0"))
    write(Effect("end", "t", "i", 0, 1, "host-0"))
    assert (slept, deaths.count) == ([], 0)
    write(Effect("begin", "t", "i", 1, 1, "host-0"))
    assert (slept, deaths.count, len(effects)) == ([0.015], 1, 3)


def test_it_goes_on_before_it_dies(tmp_path: Path) -> None:
    """After an answer: from a thread of its own, some time later."""
    deaths = Deaths(tmp_path, "activity-answered", times=2)
    deaths.moments.passed("activity-answered")
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    deaths.moments.passed("activity-answered")
    assert deaths.died.wait(20)
    assert deaths.count == 1


def test_passes_sweep_over_what_comes_after() -> None:
    """Within twenty milliseconds, each at another time, always at the same."""
    for moment in ("activity-answered", "turn-committed"):
        drawn = [swept_secs(moment, number**2) for number in range(1, 5)]
        assert drawn == [swept_secs(moment, number**2) for number in range(1, 5)]
        assert all(0 <= secs <= SWEPT_MS / 1000 for secs in drawn)
        assert min(drawn) < SWEPT_MS / 80_000
        assert max(drawn) > SWEPT_MS / 4000
        assert len(set(drawn)) == 4


def test_effects_are_written_before_they_count(tmp_path: Path) -> None:
    """An end, also of a planned failure, stands in the file when the host dies of it."""
    effects: list[Effect] = []
    for phase in ("end", "failed"):
        deaths = Deaths(tmp_path, "activity-end")
        write = watched_effects(effects.append, deaths.moments, 0)
        write(Effect("begin", "t", "i", 0, 1, "host-0"))
        assert deaths.count == 0
        write(Effect(phase, "t", "i", 0, 1, "host-0"))
        assert (deaths.count, effects[-1].phase) == (1, phase)


def test_an_activity_is_met_before_and_after() -> None:
    """What it returns and what it raises goes through."""
    names, registry = Names(), Registry()
    runtime = WatchedRuntime(registry, names)

    def work(ctx: Any, given: int) -> int:
        names.came.append("work")
        return 100 // given

    runtime.register_activity("a", work)
    assert registry.code["a"](None, 5) == 20
    assert names.came == ["activity-begin", "work", "activity-answered"]
    with pytest.raises(ZeroDivisionError):
        registry.code["a"](None, 0)
    assert names.came[3:] == ["activity-begin", "work", "activity-answered"]
    runtime.start()
    assert registry.started


def steps(ctx: Any, given: Any) -> Generator[Any, Any, Any]:
    """Two tasks, one after another; a failure of the first is a result too."""
    try:
        first = yield {"type": "activity"}
    except RuntimeError as error:
        first = str(error)
    second = yield {"type": "timer"}
    return [first, second]


def test_a_turn_and_its_replay() -> None:
    """Code is called again at each turn; what it asked for before is nothing new then."""
    names = Names()
    watched, ctx = orchestration(steps, names), Context()
    turn = watched(ctx, None)
    assert next(turn) == {"type": "activity"}
    turn.close()
    assert names.came == [
        "turn-begin", "watch", "after-start", "turn-scheduled", "turn-committed",
    ]  # fmt: skip
    names.came.clear()
    turn = watched(ctx, None)
    next(turn)
    assert names.came == ["turn-begin"]
    assert turn.send(1) == {"type": "timer"}
    assert names.came == ["turn-begin", "turn-scheduled", "turn-committed"]
    with pytest.raises(StopIteration) as over:
        turn.send(2)
    assert over.value.value == [1, 2]
    assert names.came[-1] == "orchestration-end"


def test_every_instance_begins_once_and_the_file_is_watched_from_the_first_on() -> None:
    """Later executions of an instance are no start."""
    names = Names()
    watched = orchestration(steps, names)
    for ctx in (Context("a"), Context("a"), Context("a", 2), Context("b")):
        next(watched(ctx, None))
    assert names.came.count("turn-begin") == 4
    assert (names.came.count("after-start"), names.came.count("watch")) == (2, 1)


def test_what_the_engine_throws_in_arrives() -> None:
    """And what the code raises leaves, as its end."""
    names = Names()
    turn = orchestration(steps, names)(Context(), None)
    next(turn)
    assert turn.throw(RuntimeError("boom")) == {"type": "timer"}
    with pytest.raises(ValueError, match="bad"):
        turn.throw(ValueError("bad"))
    assert names.came[-1] == "orchestration-end"


def test_a_turn_that_is_put_away_closes_the_code_within() -> None:
    """As without us; and it is no end."""
    closed: list[str] = []

    def code(ctx: Any, given: Any) -> Generator[Any, Any, Any]:
        try:
            yield {"type": "timer"}
        finally:
            closed.append("code")

    names = Names()
    turn = orchestration(code, names)(Context(), None)
    next(turn)
    turn.close()
    assert closed == ["code"]
    assert "orchestration-end" not in names.came


@pytest.mark.parametrize("kind", ["continueAsNew", "continueAsNewVersioned"])
def test_between_generations(kind: str) -> None:
    """To continue as new is no new command of the turn."""

    def code(ctx: Any, given: Any) -> Generator[Any, Any, Any]:
        yield {"type": kind}

    names = Names()
    next(orchestration(code, names)(Context(), None))
    assert names.came[-1] == "between-generations"
    assert "turn-scheduled" not in names.came


def test_code_that_asks_for_nothing() -> None:
    """A plain function is called, and is over."""
    names = Names()
    assert orchestration(lambda ctx, given: given, names)(Context(), 7) == 7
    assert names.came[-1] == "orchestration-end"
    registry = Registry()
    WatchedRuntime(registry, names).register_orchestration_versioned("o", "2.0.0", lambda c, g: g)
    assert registry.code["o@2.0.0"](Context(), 8) == 8


def test_a_file_that_changes(tmp_path: Path) -> None:
    """Each change that is seen counts, from the moment on at which the watch begins."""
    file = tmp_path / "wal"
    deaths = Deaths(tmp_path, "store-write", times=1, watch=str(file))
    deaths.moments.watch()
    assert not deaths.died.is_set()
    file.write_bytes(b"x")
    assert deaths.died.wait(20)


def test_only_a_host_with_a_fuse_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next life finds none, and costs nothing."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert armed() is None
    monkeypatch.setenv(VARIABLE, str(tmp_path / "fuse"))
    assert armed() is None
    lay(tmp_path / "fuse", Fuse("turn-begin", 1))
    assert armed() is not None


def test_every_moment_is_one_of_the_codes() -> None:
    """None is offered that nothing comes to."""
    text = Path(crash.__file__).read_text(encoding="utf-8")
    assert [name for name in MOMENTS if f'"{name}"' not in text] == []
