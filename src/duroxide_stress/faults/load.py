"""Faults that are load: another tenant of the same database, and a store with a long life behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from duroxide_stress.errors import RunError
from duroxide_stress.faults import aged, tenant
from duroxide_stress.faults.aide import Aide
from duroxide_stress.faults.base import Fault, Injection, Play, SkippedError, Stage
from duroxide_stress.faults.settings import Setting, Spec
from duroxide_stress.plan import StressTestConfig

STORES = ("sqlite-file", "postgres")
AGE_SECS = 900.0
"""How long a step of the aging may take."""


def _tenant(stage: Stage, injection: Injection) -> Play[str | None]:
    spec = injection.spec
    left = stage.cell.config.duration_secs - injection.due_ms / 1000
    secs = min(spec.secs("for") or left, left)
    sessions = int(spec.secs("sessions") or 1)
    pause_secs = spec.secs("pause") or 0
    order = tenant.Order(stage.provider.name, stage.address, sessions, pause_secs)
    log = stage.scratch / f"tenant-{injection.number}.log"
    aide = Aide(tenant.__name__, order, log)
    try:
        yield from stage.until(aide.spoke, "the beginning of the other tenant")
        if not (said := aide.hear()):
            raise SkippedError(f"the other tenant could not begin: {aide.complaint()}")
        begun = msgspec.json.decode(said, type=tenant.Begun)
        stage.began(f"another tenant works with {_count(sessions, 'session')} {begun.where}")
        since = stage.now_secs()
        while stage.now_secs() < since + secs:
            if aide.gone:
                raise RunError(f"the other tenant died: {aide.complaint()}")
            yield
        worked_secs = stage.now_secs() - since
        if not (yield from stage.aside(lambda: aide.dismiss(tenant.LEAVE_SECS))):
            return None  # what became of it is unknown, and seen to below
        done = msgspec.json.decode(aide.hear(), type=tenant.Left)
        return (
            f"{_count(done.committed, 'transaction')} of the other tenant committed "
            f"({done.committed / worked_secs:,.0f}/s), {done.refused:,} refused"
        )
    finally:
        if not aide.dismiss(tenant.LEAVE_SECS):
            sweeper = Aide(tenant.__name__, msgspec.structs.replace(order, sessions=0), log)
            if not sweeper.dismiss(tenant.LEAVE_SECS):
                raise RunError(
                    f"what the other tenant made could not be removed: {sweeper.complaint()}"
                )


@contextmanager
def _grown_old(stage: Stage, spec: Spec) -> Iterator[None]:
    """The store is aged before the first host opens it."""
    instances, since = int(spec.secs("instances") or 0), stage.now_secs()
    done = aged.Done()
    for step in ("live", "copy"):
        order = aged.Order(step, stage.provider.name, stage.address, instances)
        aide = Aide(aged.__name__, order, stage.scratch / f"aged-{step}.log")
        try:
            said = aide.hear() if _heard(stage, aide) else b""
        finally:
            # One that has not spoken is not waited for: it ends with its input.
            well = aide.dismiss(10)
        if not said or not well:
            raise RunError(f"the store could not be aged: {aide.complaint()}")
        done = msgspec.json.decode(said, type=aged.Done)
    stage.aged = (
        f"{instances:,} finished instances ({done.rows:,} rows copied, {done.bytes / 2**20:,.0f} MiB) "
        f"are in the store since before the first host; it took {stage.now_secs() - since:.1f} s"
    )
    yield


def _heard(stage: Stage, aide: Aide) -> bool:
    """Whether it spoke in time. Raises KeyboardInterrupt when the user does not want to wait."""
    until = stage.now_secs() + AGE_SECS
    while stage.now_secs() < until:
        if aide.spoke(0.2):
            return True
        if stage.interrupted():
            raise KeyboardInterrupt
    return False


def _aged(stage: Stage, injection: Injection) -> Play[None]:
    stage.began(stage.aged)
    yield from ()


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _tenant_clash(spec: Spec, config: StressTestConfig) -> str:
    if "every" in spec.values and "for" not in spec.values:
        return "every needs for: without it the first lasts to the window's end"
    return _fraction(spec, "sessions")


def _fraction(spec: Spec, name: str) -> str:
    value = spec.secs(name) or 0
    return "" if value == int(value) else f"{name} must be a whole number, found {value:g}"


TENANT = Fault(
    "tenant",
    "another tenant works on the same database, in many small transactions.",
    _tenant,
    (
        Setting("sessions", "number", "how many work at the same time", 4.0, 1, 64),
        Setting("pause", "duration", "what each waits after a transaction", 0.0, 0, 60),
        Setting(
            "for",
            "duration",
            "how long; to the window's end unless it is said",
            None,
            0.05,
            86_400,
        ),
    ),
    stores=STORES,
    clash=_tenant_clash,
    at_once=lambda spec: "for" not in spec.values,
)
AGED = Fault(
    "aged",
    "the store has had a long life: it is full of finished instances before the first host starts.",
    _aged,
    (
        Setting(
            "instances",
            "number",
            "how many of one activity each are there already",
            100_000.0,
            100,
            1_000_000,
        ),
    ),
    stores=STORES,
    before=_grown_old,
    clash=lambda spec, config: _fraction(spec, "instances"),
    whole=True,
    harmless=True,
)
