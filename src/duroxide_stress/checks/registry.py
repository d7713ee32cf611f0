"""The checks, in the order they are shown: one visible dict."""

from __future__ import annotations

from duroxide_stress.checks import (
    books,
    canary,
    cancellation,
    children,
    completion,
    continuation,
    database,
    determinism,
    durability,
    effects,
    history,
    isolation,
    memory,
    messages,
    ordering,
    outputs,
    races,
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
        durability,
        outputs,
        determinism,
        isolation,
        history,
        books,
        effects,
        ordering,
        timers,
        continuation,
        children,
        messages,
        cancellation,
        races,
        versions,
        canary,
        database,
        memory,
    )
}
