"""Stress tests inside a test: what pytest's `stress` fixture gives. Needs pytest."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import msgspec
import pytest

from duroxide_stress.api import run_stress_test, run_with_provider
from duroxide_stress.config import FLAGS, Choices, single_cell_plan
from duroxide_stress.config_file import load_plan
from duroxide_stress.errors import StressError, UsageError, shown, unknown_name
from duroxide_stress.ledger.metrics import METRICS
from duroxide_stress.plan import Plan, StressTestConfig
from duroxide_stress.providers.base import Provider
from duroxide_stress.recording.records import CellEnd, CellHead
from duroxide_stress.redaction import redact
from duroxide_stress.reports.console import render_findings
from duroxide_stress.reports.text import printable
from duroxide_stress.result import CellResult, RunResult
from duroxide_stress.runner import SilentObserver
from duroxide_stress.verdict import Verdict


class Ran(NamedTuple):
    """A run that a test has made."""

    result: RunResult
    recording: Path


class _Ear(SilentObserver):
    """Hears that a Ctrl-C cut a cell off: the run records it and goes on to its end, but the test run
    shall not go on."""

    heard = False

    def cell_ended(self, head: CellHead, end: CellEnd) -> None:
        self.heard = self.heard or end.ended == "interrupted"


class Stress:
    """Runs plans and cells, and says what was found in the words of the report.

    A test may be wrong in many ways, and each ends it with a sentence: settings that do not exist, a
    provider that cannot be made, a plan with mistakes.
    """

    def __init__(
        self,
        home: Path,
        beside: Path,
        settings: Mapping[str, Any],
        duration_secs: float | None = None,
        ran: Callable[[Path], None] = lambda run: None,
    ) -> None:
        """Recordings go below `home`; plan files are found `beside` the test; `settings` are its
        marker's, `duration_secs` comes before every other; `ran` is told each recording."""
        self._home, self._beside, self._ran = home, beside, ran
        self._forced = {} if duration_secs is None else {"duration_secs": duration_secs}
        with _sentences():
            self._settings = _checked(settings)
        self._runs: list[Ran] = []
        self._told: list[RunResult] = []

    def run(
        self,
        config: StressTestConfig | None = None,
        *,
        provider: str | Provider = "sqlite-memory",
        scenario: str = "parallel",
        **settings: Any,
    ) -> RunResult:
        """Run one cell and judge it.

        `provider` is a name, `package.module:Name`, or an object of yours. Without a `config` the
        marker's settings count; `settings` are laid over either. A broken promise is a result.
        """
        with _sentences():
            given = self._settings if config is None else _checked(msgspec.structs.asdict(config))
            config = StressTestConfig(**{**given, **_checked(settings), **self._forced})
            if isinstance(provider, str):
                return self._run(single_cell_plan(config, scenario, provider))
            ear, out = _Ear(), self._directory()
            result = run_with_provider(config, provider, scenario=scenario, out=out, observer=ear)
            return self._kept(result, out, ear)

    def run_plan(
        self, plan: str | Path | Plan, *, providers: Mapping[str, Provider] | None = None
    ) -> RunResult:
        """Run a plan and judge it: a TOML file, found beside the test's own, or a plan made in code.

        The marker's settings are laid over it, as flags are on the command line. `providers` gives
        ready objects for provider names of a plan made in code.
        """
        over = {**self._settings, **self._forced}
        with _sentences():
            if isinstance(plan, Plan):
                plan = _laid_over(plan, over)
            else:
                plan = load_plan(self._beside / plan, Choices(overrides=over))
            return self._run(plan, providers)

    def recording(self, result: RunResult) -> Path:
        """The directory of the recording that a result of this fixture was judged from."""
        for run in self._runs:
            if run.result is result:
                return run.recording
        pytest.fail("this result is not of a run of this test's stress fixture", pytrace=False)

    def assert_ok(self, result: RunResult) -> None:
        """Every promise was kept, and every question that was put got its answer."""
        if result.verdict is not Verdict.OK:
            self._fail(result, f"stress verdict: {result.verdict.value}")

    def assert_targets(self, result: RunResult, **bounds: float) -> None:
        """Every cell's figures keep to these bounds, and can be trusted.

        A bound is named as its metric (`throughput`, `activity_rate`, `mean`, `p50`, `p95`, `p99`,
        `memory`, `cpu`, `success`; `ledger/metrics.py` has their units): at least so much where higher
        is better, else at most. Without bounds: the spec's own targets.
        """
        with _sentences():
            missed = list(_missed(result, _bounds(bounds)) if bounds else _spec_missed(result))
        if missed:
            self._fail(result, "\n".join(["stress targets:", *(f"  {line}" for line in missed)]))

    def untold(self) -> list[tuple[str, str]]:
        """Of each run whose findings no assertion has shown yet: a heading and what was found."""
        return [
            (f"duroxide-stress: {run.recording}", render_findings(run.result, run.recording))
            for run in self._runs
            if not any(run.result is told for told in self._told)
        ]

    def _fail(self, result: RunResult, why: str) -> NoReturn:
        self._told.append(result)
        found = render_findings(result, self.recording(result))
        pytest.fail(f"{printable(why)}\n\n{found}", pytrace=False)

    def _run(self, plan: Plan, providers: Mapping[str, Provider] | None = None) -> RunResult:
        ear, out = _Ear(), self._directory()
        result = run_stress_test(plan, out=out, observer=ear, providers=providers)
        return self._kept(result, out, ear)

    def _kept(self, result: RunResult, out: Path, ear: _Ear) -> RunResult:
        if ear.heard:
            raise KeyboardInterrupt
        self._runs.append(Ran(result, out))
        self._ran(out)
        return result

    def _directory(self) -> Path:
        """A new directory; an earlier test run may have left its own in the same place."""
        number = 1
        while (found := self._home / f"stress-{number}").exists():
            number += 1
        return found


@contextmanager
def _sentences() -> Iterator[None]:
    """What is wrong with a test's words ends it in sentences, without a traceback."""
    try:
        yield
    except StressError as error:
        pytest.fail(printable(redact(str(error))), pytrace=False)


def _checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by the types of `StressTestConfig`. Raises UsageError with every one that is wrong."""
    fields = StressTestConfig.__struct_fields__
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in settings.items():
        if name not in fields:
            problems.append(unknown_name("stress setting", name, fields))
            continue
        try:
            read = msgspec.convert({name: value}, StressTestConfig)
        except msgspec.ValidationError as error:
            problems.append(f"stress setting {name} found {shown(value)}: {error}")
        else:
            found[name] = getattr(read, name)
    problems += StressTestConfig(**found).problems()
    if problems:
        raise UsageError(problems)
    return found


def _laid_over(plan: Plan, over: Mapping[str, Any]) -> Plan:
    """The plan with these settings in each cell, and in the words that repeat it."""
    if not over:
        return plan
    cells = tuple(
        msgspec.structs.replace(cell, config=msgspec.structs.replace(cell.config, **over))
        for cell in plan.cells
    )
    words = [
        word for name, value in over.items() if name in FLAGS for word in (FLAGS[name], str(value))
    ]
    if cells and ("orch_concurrency" in over or "worker_concurrency" in over):
        words += ["--config", str(cells[0].config.concurrency)]
    return msgspec.structs.replace(plan, cells=cells, command=f"{plan.command} {shlex.join(words)}")


def _bounds(given: Mapping[str, float]) -> dict[str, float]:
    """Bounds by the metric's name. Raises UsageError with everything wrong with them."""
    found: dict[str, float] = {}
    problems: list[str] = []
    names = [name.replace("-", "_") for name in METRICS]
    for word, bound in given.items():
        number = isinstance(bound, int | float) and not isinstance(bound, bool)
        if word not in names:
            problems.append(unknown_name("metric", word, names))
        elif not number or not math.isfinite(bound):
            problems.append(f"the bound of {word} must be a number, found {shown(bound)}")
        else:
            found[word.replace("_", "-")] = bound
    if problems:
        raise UsageError(problems)
    return found


def _missed(result: RunResult, bounds: Mapping[str, float]) -> Iterator[str]:
    """Every bound that a cell does not keep, or cannot be shown to keep."""
    for cell in result.cells:
        for name, bound in bounds.items():
            metric = METRICS[name]
            value = metric.of(cell)
            at, held = (
                ("at least", value is not None and value >= bound)
                if metric.better == "higher"
                else ("at most", value is not None and value <= bound)
            )
            unit = metric.unit if metric.unit.startswith(("/", "%")) else f" {metric.unit}"
            said = "no figure" if value is None else f"{value:,.2f}{unit}"
            wanted = f"{_where(cell)}: {name} must be {at} {bound:g}{unit}, found {said}"
            if not held:
                yield wanted
            elif not cell.health.trustworthy and name != "success":  # a count, right at any speed
                yield f"{wanted}, which cannot be trusted: {'; '.join(cell.health.reasons)}"


def _spec_missed(result: RunResult) -> Sequence[str]:
    """The spec's targets that were missed, or have no figure to trust (out of reach is neither)."""
    if not any(cell.targets for cell in result.cells):
        raise UsageError(
            "the spec has no target for these cells (it has for parallel on sqlite-file): "
            "give bounds, for example assert_targets(result, throughput=15, p99=500)"
        )
    return [
        f"{_where(cell)}: {target.name} {target.state.replace('_', ' ')}: bound {target.bound:g}, "
        f"found {'no figure' if target.value is None else f'{target.value:,.2f}'}"
        + (f": {target.reason}" if target.reason else "")
        for cell in result.cells
        for target in cell.targets
        if target.state in ("missed", "untrusted", "no_figure")
    ]


def _where(cell: CellResult) -> str:
    return f"{cell.scenario} on {cell.provider} at {cell.config}"
