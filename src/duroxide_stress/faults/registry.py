"""Name → fault: one visible dict. What a user writes is read and held against a cell here."""

from __future__ import annotations

from collections.abc import Sequence

from duroxide_stress.errors import UsageError, unknown_name
from duroxide_stress.faults.base import Fault
from duroxide_stress.faults.clock import CLOCK
from duroxide_stress.faults.crash import CRASH
from duroxide_stress.faults.load import AGED, TENANT
from duroxide_stress.faults.network import NETWORK
from duroxide_stress.faults.postgres import EXHAUST, READ_ONLY, RESTART, TERMINATE
from duroxide_stress.faults.processes import KILL, PAUSE, ROLLING_RESTART, SHUTDOWN
from duroxide_stress.faults.settings import Spec, read, split
from duroxide_stress.faults.sqlite import DISK_FULL, LOCK
from duroxide_stress.plan import StressTestConfig
from duroxide_stress.providers.base import Provider

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        *(KILL, CRASH, PAUSE, SHUTDOWN, ROLLING_RESTART, CLOCK),
        *(LOCK, DISK_FULL),
        *(RESTART, TERMINATE, EXHAUST, READ_ONLY),
        NETWORK,
        *(TENANT, AGED),
    )
}


def read_fault(text: str) -> tuple[Fault, Spec]:
    """The fault a user wrote. Raises UsageError with everything that is wrong with it."""
    name, _ = split(text)
    if name not in FAULTS:
        raise UsageError(unknown_name("fault", name, FAULTS))
    fault = FAULTS[name]
    return fault, read(text, fault.all_settings)


def read_faults(texts: Sequence[str]) -> list[tuple[Fault, Spec]]:
    """All faults of a cell, in their order. Raises UsageError at the first that is wrong."""
    return [read_fault(text) for text in texts]


def timing_problems(fault: Fault, spec: Spec, config: StressTestConfig) -> list[str]:
    """Why it would never strike within the window, or cannot with these settings."""
    found = []
    window = config.duration_secs
    for name in ("at", "every"):
        secs = spec.secs(name)
        if secs is not None and secs >= window:
            found.append(
                f"fault {spec.text} would never strike: its {name} is {secs:g} s and the measuring "
                f"window {window:g} s long; make the one shorter or the other longer (--duration)"
            )
    clash = fault.clash(spec, config)
    return [*found, *([f"fault {spec.text}: {clash}"] if clash else [])]


def misfit(fault: Fault, provider: Provider) -> str:
    """Why a fault cannot strike cells of a provider; empty when it can."""
    if provider.engine == "reference":
        return "" if fault.virtual else "the reference engine knows only kill and pause"
    if fault.own_server and not getattr(provider, "embedded", True):
        return "it strikes all who use a server, so it is done to an embedded one only"
    if fault.stores and provider.name not in fault.stores:
        return f"it breaks {' and '.join(fault.stores)}"
    return "" if provider.shared else "its store lives and dies with one process"
