"""Faults of the processes that serve: killed, paused, restarted, told to stop under load."""

from __future__ import annotations

from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.settings import Setting, Spec
from duroxide_stress.plan import StressTestConfig

LONGER, SHORTER = "longer-than-lock", "shorter-than-lock"
PAST_LOCK_SECS = 2.0
"""How far beyond the lock a long pause goes: the others poll, and need to take the work."""

_DOWN = Setting("down", "duration", "how long it stays away", 0.0, 0, 3_600)


def pause_secs(spec: Spec, config: StressTestConfig) -> float:
    """How long a pause lasts: as written, or against the longer (the shorter) of the two locks."""
    locks = (config.worker_lock_timeout_ms, config.orchestrator_lock_timeout_ms)
    match spec.values["for"]:
        case "longer-than-lock":
            return max(locks) / 1000 + PAST_LOCK_SECS
        case "shorter-than-lock":
            return min(locks) / 2000
        case secs:
            return float(secs)


def _kill(stage: Stage, injection: Injection) -> Play[None]:
    host = _serving(stage, injection.target)
    stage.began(f"kill -9 of {stage.hosts.life(host)}")
    stage.hosts.kill(host)
    yield from stage.wait(injection.spec.secs("down") or 0)
    yield from _up(stage, host)


def _pause(stage: Stage, injection: Injection) -> Play[None]:
    host = _serving(stage, injection.target)
    secs = pause_secs(injection.spec, stage.cell.config)
    try:
        stage.began(f"{stage.hosts.life(host)} stands still (SIGSTOP) for {secs:g} s")
        stage.hosts.pause(host)
        yield from stage.wait(secs)
    finally:
        stage.hosts.resume(host)


def _shutdown(stage: Stage, injection: Injection) -> Play[None]:
    host = _serving(stage, injection.target)
    stage.began(f"{stage.hosts.life(host)} is told to shut down under load")
    yield from _leave(stage, host)
    yield from stage.wait(injection.spec.secs("down") or 0)
    yield from _up(stage, host)


def _rolling_restart(stage: Stage, injection: Injection) -> Play[None]:
    hosts = [f"host-{number}" for number in range(stage.cell.config.nodes)]
    for host in hosts:
        _serving(stage, host)
    stage.began(f"{', '.join(hosts)} are shut down and started again, one after another")
    for host in hosts:
        if stage.hosts.serving(host):
            yield from _leave(stage, host)
            yield from _up(stage, host)
        yield from stage.wait(injection.spec.secs("down") or 0)


def _serving(stage: Stage, host: str) -> str:
    if not stage.hosts.serving(host):
        raise SkippedError(f"{host} was not serving")
    return host


def _leave(stage: Stage, host: str) -> Play[None]:
    life = stage.hosts.life(host)
    stage.hosts.stop(host)
    # Another fault may have started it again before this one has looked.
    yield from stage.until(
        lambda: stage.hosts.gone(host) or stage.hosts.life(host) != life, f"{host}, told to stop,"
    )


def _up(stage: Stage, host: str) -> Play[None]:
    stage.hosts.start(host)
    yield from stage.until(lambda: stage.hosts.serving(host), f"the restart of {host}")


KILL = Fault(
    "kill",
    "kill -9 of a host with all that it runs; it is started again.",
    _kill,
    (_DOWN,),
    target="host",
    virtual=True,
)
PAUSE = Fault(
    "pause",
    "a host stands still (SIGSTOP) and then goes on, as under a long collection or a moved machine.",
    _pause,
    (
        Setting(
            "for",
            "duration",
            "how long; the words measure it against the engine's lock timeouts",
            3.0,
            0.05,
            3_600,
            (LONGER, SHORTER),
        ),
    ),
    target="host",
    virtual=True,
)
SHUTDOWN = Fault(
    "shutdown",
    "a host is told to shut down gracefully under load, and is started again.",
    _shutdown,
    (_DOWN,),
    target="host",
)
ROLLING_RESTART = Fault(
    "rolling-restart",
    "all hosts are shut down gracefully and started again, one after another.",
    _rolling_restart,
    (Setting("down", "duration", "the pause between two of them", 1.0, 0, 3_600),),
    target="hosts",
)
