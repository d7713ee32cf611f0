"""The whole tool as functions: run a plan, run a configuration on your own provider, judge again,
replay the histories."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from duroxide_stress.checks.base import Check
from duroxide_stress.checks.own import load_checks
from duroxide_stress.config import single_cell_plan
from duroxide_stress.errors import UsageError
from duroxide_stress.judge import judge_run, save_result
from duroxide_stress.plan import Plan, StressTestConfig
from duroxide_stress.providers.base import Provider
from duroxide_stress.providers.registry import PROVIDERS
from duroxide_stress.replay.result import ReplayResult
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
    checks = load_checks(plan.checks)
    run = prepare_directory(out, plan)
    run_plan(
        plan, run, observer=observer or SilentObserver(), providers=providers, keep_store=keep_store
    )
    return check_recording(run, checks)


def run_with_provider(
    config: StressTestConfig,
    provider: Provider,
    *,
    scenario: str = "parallel",
    out: Path | None = None,
    observer: Observer | None = None,
    keep_store: bool = False,
) -> RunResult:
    """Run one cell of `scenario` with `config` against a provider of your own.

    A provider whose class other processes can import, and which is `shared`, gets a host process
    and a driver process; any other runs embedded, and the result's health says so. Raises as
    `run_stress_test`.
    """
    reference = _reference(provider)
    plan = single_cell_plan(config, scenario, reference)
    return run_stress_test(
        plan, out=out, observer=observer, providers={reference: provider}, keep_store=keep_store
    )


def _reference(provider: Provider) -> str:
    """The words by which the command line would find this provider, so that a cell can be repeated;
    its mere name for one that lives in a script or takes arguments."""
    kind = type(provider)
    reference = f"{kind.__module__}:{kind.__qualname__}"
    if kind.__module__ == "__main__" or "<" in reference:
        return provider.name
    return provider.name if provider.name in PROVIDERS else reference


def check_recording(run: Path, checks: Mapping[str, Check] | None = None) -> RunResult:
    """Judge a recording again and write its `result.json`. Needs no engine.

    `checks` are of your own, by the path of their file (`load_checks` reads them).
    A recording that cannot be written to (an archive, a full disk) is judged all the same.
    Raises UsageError when `run` is no recording or of a newer format.
    """
    result = judge_run(run, checks)
    with contextlib.suppress(OSError):
        save_result(run, result)
    return result


def replay_recording(
    run: Path,
    scenario: str | None = None,
    *,
    instance: str | None = None,
    limit: int | None = None,
) -> ReplayResult:
    """Replay the recorded histories through the workflow code, without an engine.

    Each cell is held against the code of its own scenario as it is now, or of the `scenario` that is
    named: a built-in one, or `package.module:Name`. No activity runs; what they returned is taken
    from the history. `instance` replays that one alone, `limit` so many of each cell. The verdict is
    ok when the code does what every history says, violated when it does anything else, unknown when
    nothing could be replayed. Raises UsageError when `run` is no recording, when the scenario cannot
    be loaded, or when there is no such instance.
    """
    try:
        from duroxide_stress.replay.run import replay_run
    except ImportError as error:
        raise UsageError(
            f"replay runs workflow code on Duroxide's SDK, which is not installed here: {error}; "
            "pip install duroxide"
        ) from error
    return replay_run(run, scenario, instance, limit)
