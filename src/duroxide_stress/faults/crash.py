"""A host that kills itself at a named moment of an instance's life, not by luck."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duroxide_stress.crashes import CRASH as NAME
from duroxide_stress.crashes import DEFAULT_PASS, MOMENTS, crash_of
from duroxide_stress.errors import UsageError
from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.settings import Setting, Spec
from duroxide_stress.fuse import VARIABLE, Fuse, burnt, lay, put_out
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.recording.records import FIRST_NODE

GRACE_SECS = 3.0
"""How long after the window, while the load drains, the moment may still come."""
WATCHED = "sqlite-file"
"""The provider whose store can be seen to be written."""


@contextmanager
def _armed(stage: Stage, spec: Spec) -> Iterator[None]:
    """Hand the fuse to every life of host-0: the one that comes to the moment burns it."""
    moment, times = _meant(spec)
    watch = f"{stage.address}-wal" if moment == "store-write" else ""
    beside = stage.host_environment.setdefault(FIRST_NODE, {})
    if VARIABLE in beside:
        raise UsageError(f"fault {spec.text}: a cell can have one crash, and has another already")
    fuse = _fuse(stage)
    if not watch or stage.provider.name == WATCHED:
        lay(fuse, Fuse(moment, times, watch))
    beside[VARIABLE] = str(fuse)
    stage.hosts.doom(FIRST_NODE, lambda: burnt(fuse))
    yield


def _crash(stage: Stage, injection: Injection) -> Play[None]:
    moment, times = _meant(injection.spec)
    if moment == "store-write" and stage.provider.name != WATCHED:
        raise SkippedError(f"only the store of {WATCHED} can be seen to be written")
    fuse, config = _fuse(stage), stage.cell.config
    until = stage.now_secs() + config.warmup_secs + config.duration_secs + GRACE_SECS
    while not burnt(fuse):
        if stage.now_secs() > until and put_out(fuse):
            raise SkippedError(f"{FIRST_NODE} did not come to {moment} {_times(times)}")
        yield
    yield from stage.until(lambda: stage.hosts.gone(FIRST_NODE), f"the death of {FIRST_NODE}")
    life = stage.hosts.life(FIRST_NODE)
    stage.began(f"{life} killed itself at {moment}, where it came {_times(times)}")
    stage.hosts.start(FIRST_NODE)
    yield from stage.until(lambda: stage.hosts.serving(FIRST_NODE), f"the restart of {FIRST_NODE}")


def _meant(spec: Spec) -> tuple[str, int]:
    found = crash_of(spec.text)
    assert found is not None, spec.text
    return found


def _fuse(stage: Stage) -> Path:
    return stage.scratch / "crash"


def _times(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _clash(spec: Spec, config: StressTestConfig) -> str:
    moment, times = _meant(spec)
    if not moment:
        return f"name the moment, for example crash:activity-end; they are {', '.join(MOMENTS)}"
    if times != spec.values["pass"]:
        return f"pass must be a whole number, found {spec.values['pass']:g}"
    return ""


CRASH = Fault(
    NAME,
    "host-0 kills itself (SIGKILL) at a named moment of an instance's life; it is started again.",
    _crash,
    (
        Setting("moment", "word", "where host-0 kills itself; must be given", words=tuple(MOMENTS)),
        Setting(
            "pass", "number", "at the how many-th time it comes there", DEFAULT_PASS, 1, 99_999
        ),
    ),
    target=FIRST_NODE,
    before=_armed,
    clash=_clash,
    whole=True,
    with_load=True,
)
