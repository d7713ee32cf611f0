"""The checks, in the order they are shown: one visible dict."""

from __future__ import annotations

from duroxide_stress.checks import (
    cancellation,
    children,
    completion,
    database,
    determinism,
    effects,
    history,
    isolation,
    memory,
    messages,
    outputs,
    success,
    timers,
    versions,
)
from duroxide_stress.checks.base import Check

CHECKS: dict[str, Check] = {
    module.CHECK.name: module.CHECK
    for module in (
        success,
        completion,
        outputs,
        determinism,
        isolation,
        history,
        effects,
        timers,
        children,
        messages,
        cancellation,
        versions,
        database,
        memory,
    )
}
