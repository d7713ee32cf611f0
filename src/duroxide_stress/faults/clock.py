"""A host's wall clock jumps, or runs too fast or too slow, by way of libfaketime.

The library stands before libc in all hosts and reads from a file, at every look at the wall clock, how
far that clock is off; the monotonic clock stays true. What the harness itself needs of time in a host
it takes from there: see `nodes.roles` and `sleep`.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import SupportsIndex

from duroxide_stress.errors import RunError
from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.settings import Setting, Spec, split
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.recording.records import FIRST_NODE, SECOND_NODE
from duroxide_stress.units import NS_PER_SEC

LIBRARIES = ("libfaketimeMT.so.1", "libfaketime.so.1")
"""The better one first: it lets one thread at a time read the file."""
PLACES = ("usr/lib/*/faketime", "usr/lib*/faketime", "usr/local/lib*/faketime", "usr/lib*")
"""Below the root; Debian's first."""
TRUE = "+0"
SHARED = Path("/dev/shm")
PROBE_SECS = 3_600
PROBE = "import time; print(time.time_ns())"


def library() -> Path | None:
    """libfaketime in its usual places, or on the library path."""
    own = [Path(path) for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if path]
    usual = [path for pattern in PLACES for path in sorted(Path("/").glob(pattern))]
    for name in LIBRARIES:
        for path in (*own, *usual):
            if (path / name).is_file():
                return path / name
    return None


def sleep(seconds: SupportsIndex | float, /) -> None:
    """As `time.sleep`, which fails in a host whose clock is faked: it sleeps until a moment of the
    monotonic clock, and libfaketime (0.9.10) takes that for one of the wall clock."""
    secs = float(seconds)
    if secs < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], secs)


def _unavailable() -> str:
    if sys.platform != "linux":
        return "libfaketime is looked for on Linux only"
    if library() is None:
        return "libfaketime was not found (Debian, Ubuntu: apt-get install libfaketime)"
    return ""


def _clash(spec: Spec, config: StressTestConfig) -> str:
    given = {part.partition("=")[0] for part in split(spec.text)[1]}
    return (
        "jump and drift exclude each other; give one of them" if {"jump", "drift"} <= given else ""
    )


@contextmanager
def _before(stage: Stage, spec: Spec) -> Iterator[None]:
    found = library()
    if found is None:
        raise RunError(f"the clock cannot be set: {_unavailable()}")
    _sweep()
    hosts = {f"host-{number}" for number in range(stage.cell.config.nodes)}
    for host in hosts | {FIRST_NODE, SECOND_NODE}:
        _set(_file(stage, host), TRUE)
        stage.host_environment.setdefault(host, {}).update(_environment(found, _file(stage, host)))
    _prove(found, stage.scratch / "clock-probe")
    stage.false_clocks = True
    try:
        yield
    finally:
        _sweep()


def _environment(found: Path, file: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": " ".join(filter(None, (str(found), os.environ.get("LD_PRELOAD")))),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def _prove(found: Path, file: Path) -> None:
    """Raise RunError when the library does nothing to a process like the hosts."""
    _set(file, f"-{PROBE_SECS}")
    own = {**os.environ, **_environment(found, file)}
    told = subprocess.run(
        [sys.executable, "-S", "-c", PROBE], env=own, capture_output=True, text=True, check=False
    ).stdout.strip()
    behind_ns = time.time_ns() - int(told) if told.isdecimal() else 0
    if not PROBE_SECS / 2 < behind_ns / NS_PER_SEC < PROBE_SECS * 2:
        raise RunError(f"the clock cannot be set: {found} does nothing to {sys.executable}")


def _clock(stage: Stage, injection: Injection) -> Play[None]:
    host, spec = injection.target, injection.spec
    file = _file(stage, host)
    if not stage.hosts.serving(host):
        raise SkippedError(f"{host} was not serving")
    if file.read_text() != TRUE:
        raise SkippedError(f"the clock of {host} was still wrong")
    secs, jump_secs, drift = spec.secs("for") or 0, spec.secs("jump") or 0, spec.secs("drift")
    begun = stage.now_secs()

    def off_secs() -> float:
        return jump_secs if drift is None else (drift - 1) * (stage.now_secs() - begun)

    skew_ms = round(1000 * abs(jump_secs if drift is None else (drift - 1) * secs))
    how = f"jumps by {jump_secs:+g} s" if drift is None else f"runs at {drift:g} of its speed"
    try:
        detail = f"the clock of {host} {how} for {secs:g} s, then is set right"
        stage.began(detail, skew_ms=skew_ms)
        _set(file, f"{off_secs():+.6f}")
        while stage.now_secs() < begun + secs:
            yield
            if drift is not None:
                _set(file, f"{off_secs():+.6f}")
    finally:
        _set(file, TRUE)


def _file(stage: Stage, host: str) -> Path:
    return stage.scratch / f"clock-{host}"


def _set(file: Path, offset: str) -> None:
    """At once: a clock that is looked at meanwhile must not find half a number."""
    new = file.with_suffix(".new")
    new.write_text(offset)
    new.replace(file)


def _sweep() -> None:
    """What libfaketime leaves behind with every process that does not end by itself. One that has a
    left-over's process id could not start."""
    for left in SHARED.glob("*faketime_s*_*"):
        pid = left.name.rpartition("_")[2]
        if pid.isdecimal() and not Path("/proc", pid).exists():
            with suppress(OSError):
                left.unlink()


CLOCK = Fault(
    "clock",
    "a host's wall clock jumps, or runs too fast or too slow, and is then set right.",
    _clock,
    (
        Setting("for", "duration", "how long it is wrong", 5.0, 0.05, 3_600),
        Setting("jump", "duration", "how far it is set", -30.0, -86_400, 86_400, signed=True),
        Setting("drift", "number", "its speed, in place of a jump", None, 0.5, 2),
    ),
    target="host",
    before=_before,
    unavailable=_unavailable,
    clash=_clash,
)
