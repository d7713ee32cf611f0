"""The checks, in the order they are shown: one visible dict."""

from __future__ import annotations

from duroxide_stress.checks import (
    completion,
    database,
    determinism,
    isolation,
    memory,
    outputs,
    success,
)
from duroxide_stress.checks.base import Check

CHECKS: dict[str, Check] = {
    module.CHECK.name: module.CHECK
    for module in (success, completion, outputs, determinism, isolation, database, memory)
}
