"""The whole tool as functions: run a plan, run a configuration on your own provider, judge again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from duroxide_stress.config import single_cell_plan
from duroxide_stress.judge import judge_run, save_result
from duroxide_stress.plan import Plan, StressTestConfig
from duroxide_stress.providers.base import Provider
from duroxide_stress.providers.registry import PROVIDERS
from duroxide_stress.result import RunResult
from duroxide_stress.runner import Observer, SilentObserver, prepare_directory, run_plan


def run_stress_test(
    plan: Plan,
    *,
    out: Path | None = None,
    observer: Observer | None = None,
    providers: Mapping[str, Provider] | None = None,
    keep_store: bool = False,
) -> RunResult:
    """Run every cell of `plan` on the real engine and judge the recording.

    The recording goes to `out`, an empty or new directory (default: a dated one below
    `stress-runs/`). `providers` gives ready objects for provider names of the plan. A violated
    promise is a result, not an exception. Raises UsageError when the plan cannot be started and
    RunError when it cannot be recorded.
    """
    run = prepare_directory(out, plan)
    run_plan(
        plan, run, observer=observer or SilentObserver(), providers=providers, keep_store=keep_store
    )
    return check_recording(run)


def run_with_provider(
    config: StressTestConfig,
    provider: Provider,
    *,
    scenario: str = "parallel",
    out: Path | None = None,
    keep_store: bool = False,
) -> RunResult:
    """Run one cell of `scenario` with `config` against a provider of your own.

    A provider whose class other processes can import, and which is `shared`, gets a host process
    and a driver process; any other runs embedded, and the result's health says so. Raises as
    `run_stress_test`.
    """
    reference = _reference(provider)
    plan = single_cell_plan(config, scenario, reference)
    return run_stress_test(plan, out=out, providers={reference: provider}, keep_store=keep_store)


def _reference(provider: Provider) -> str:
    """The words by which the command line would find this provider, so that a cell can be repeated;
    its mere name for one that lives in a script or takes arguments."""
    kind = type(provider)
    reference = f"{kind.__module__}:{kind.__qualname__}"
    if kind.__module__ == "__main__" or "<" in reference:
        return provider.name
    return provider.name if provider.name in PROVIDERS else reference


def check_recording(run: Path) -> RunResult:
    """Judge a recording again and write its `result.json`. Needs no engine.

    A recording that cannot be written to (an archive, a full disk) is judged all the same.
    Raises UsageError when `run` is no recording or of a newer format.
    """
    result = judge_run(run)
    with contextlib.suppress(OSError):
        save_result(run, result)
    return result
