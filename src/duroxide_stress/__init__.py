"""Stress tests for durable-execution engines, first of all Duroxide.

The public names are below; each is loaded when first used, so that the processes of a run
start quickly and a machine without an engine can still read recordings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from duroxide_stress.api import (
        check_recording,
        replay_recording,
        run_stress_test,
        run_with_provider,
    )
    from duroxide_stress.config import build_plan
    from duroxide_stress.config_file import load_plan
    from duroxide_stress.plan import Cell, Concurrency, Plan, StressTestConfig
    from duroxide_stress.providers.base import Provider, StoreAudit
    from duroxide_stress.replay.result import ReplayResult
    from duroxide_stress.result import CellResult, RunResult

_HOMES = {
    "Cell": "plan",
    "CellResult": "result",
    "Concurrency": "plan",
    "Plan": "plan",
    "Provider": "providers.base",
    "ReplayResult": "replay.result",
    "RunResult": "result",
    "StoreAudit": "providers.base",
    "StressTestConfig": "plan",
    "build_plan": "config",
    "check_recording": "api",
    "load_plan": "config_file",
    "replay_recording": "api",
    "run_stress_test": "api",
    "run_with_provider": "api",
}

__all__ = [
    "Cell",
    "CellResult",
    "Concurrency",
    "Plan",
    "Provider",
    "ReplayResult",
    "RunResult",
    "StoreAudit",
    "StressTestConfig",
    "__version__",
    "build_plan",
    "check_recording",
    "load_plan",
    "replay_recording",
    "run_stress_test",
    "run_with_provider",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
