"""Whether an engine release has what this tool drives it by. Run by the release's own Python:

    python -m duroxide_stress.versus.probe

Prints the version on the first line and each name that is missing on one of its own; imports nothing of
this package, so that an older engine cannot break it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from typing import Any

WANTED = (
    "SqliteProvider",
    "RuntimeOptions",
    *(f"Runtime.{name}" for name in (
        "register_activity", "register_orchestration", "register_orchestration_versioned", "start",
        "shutdown",
    )),
    *(f"Client.{name}" for name in (
        "start_orchestration", "get_status", "get_queue_depths", "get_system_metrics",
        "list_all_instances", "list_executions", "read_execution_history", "get_instance_info",
        "get_execution_info", "enqueue_event", "raise_event", "cancel_instance",
    )),
)  # fmt: skip
"""What `engines/duroxide` calls whatever the scenario."""


OPTIONS = (
    "orchestration_concurrency", "worker_concurrency", "dispatcher_poll_interval_ms", "log_level",
)  # fmt: skip
"""What a runtime must be told."""


def missing(module: Any) -> list[str]:
    """The wanted names that a module lacks, and options that its runtime does not take."""
    names = [name for name in WANTED if not _has(module, name)]
    if "RuntimeOptions" not in names:
        names += [f"RuntimeOptions.{name}" for name in OPTIONS if not _takes(module, name)]
    return names


def _takes(module: Any, option: str) -> bool:
    try:
        module.RuntimeOptions(**{option: "info" if option == "log_level" else 1})
    except TypeError:
        return False
    return True


def _has(thing: Any, dotted: str) -> bool:
    for part in dotted.split("."):
        if not hasattr(thing, part):
            return False
        thing = getattr(thing, part)
    return True


def main() -> None:
    """Look at the engine that is installed here."""
    module = importlib.import_module("duroxide")
    lines = [importlib.metadata.version("duroxide"), *missing(module)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
