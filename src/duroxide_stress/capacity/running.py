"""Carries a search out: a probe, then a cell a step, each a recording of its own."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from duroxide_stress.capacity.evidence import broken_promises, evidence
from duroxide_stress.capacity.result import SCHEMA, CapacityResult, Offering, Point
from duroxide_stress.capacity.search import Ask, Limits, search, tidy
from duroxide_stress.capacity.slo import Slo
from duroxide_stress.capacity.steps import Seen, Step, samples_wanted
from duroxide_stress.config import OPEN_LIMIT, cell_command
from duroxide_stress.engines.registry import engine_named
from duroxide_stress.errors import RecordingError, RunError, in_words
from duroxide_stress.judge import judge_run, save_result
from duroxide_stress.plan import CELL_OVERHEAD_SECS, Cell, Plan, StressTestConfig
from duroxide_stress.providers.base import Provider, prepare_provider
from duroxide_stress.providers.registry import provider_named
from duroxide_stress.result import CellResult
from duroxide_stress.runner import Observer, cell_head, run_plan

T = TypeVar("T")
PROBE_SECS = 5.0
VERIFY = 0.9
"""The part of the capacity that is recommended."""


class Asked(msgspec.Struct, frozen=True):
    """What the user wants to know."""

    slo: Slo
    success: float
    poisson: bool
    budget_secs: float
    plan: Plan
    """A cell for every grid point, in a closed loop."""


class Ground:
    """Where the steps go, and what they run on."""

    def __init__(
        self, asked: Asked, directory: Path, observer: Observer, given: Mapping[str, Provider]
    ) -> None:
        self.asked, self.directory, self.observer = asked, directory, observer
        self.chosen = chosen_providers(asked.plan, given)
        self._number = 0

    def carried_out(self, cell: Cell, name: str) -> tuple[CellResult, Path, float]:
        """Run and judge one cell: its result, its run's directory, and what it cost in seconds."""
        self._number += 1
        run = self.directory / f"step-{self._number:02}-{cell.key}-{name}"
        run.mkdir()
        began = time.monotonic()
        plan = Plan("capacity-step", (cell,), cell_command(cell))
        run_plan(plan, run, observer=self.observer, providers=self.chosen)
        result = judge_run(run)
        save_result(run, result)
        spent = time.monotonic() - began
        if self.virtual(cell):  # a search in virtual time must not depend on the machine
            spent = cell.config.warmup_secs + cell.config.duration_secs
        return result.cells[0], run, spent

    def virtual(self, cell: Cell) -> bool:
        """Whether the cell's time is simulated."""
        return engine_named(self.chosen[cell.provider].engine).virtual


class _PointSearch:
    """The steps of one grid point."""

    def __init__(self, ground: Ground, cell: Cell) -> None:
        self._ground, self._cell = ground, cell
        self._results: dict[float, list[tuple[CellResult, str]]] = {}
        self._broken: list[str] = []
        self._failed = ""
        self.spent_secs = 0.0

    def run(self, budget_secs: float) -> Point:
        """Probe, search and sum up."""
        ground, cell = self._ground, self._cell
        config = cell.config
        virtual = ground.virtual(cell)
        overhead = 0.0 if virtual else CELL_OVERHEAD_SECS
        label = ground.chosen[cell.provider].label
        config_text = str(config.concurrency)
        nothing = Point(
            cell.scenario, cell.provider, label, config_text, None, (), None, None, False, ""
        )
        if budget_secs < config.warmup_secs + PROBE_SECS + overhead:
            return msgspec.structs.replace(
                nothing, stopped=f"the budget of {budget_secs:.0f} s is too small for a probe"
            )
        probe = self._probe()
        if self._failed or ground.observer.interrupted():
            return msgspec.structs.replace(
                nothing, stopped=self._failed or "interrupted", broken=tuple(self._broken)
            )
        if not probe:
            return msgspec.structs.replace(
                nothing, stopped="the closed loop completed nothing", broken=tuple(self._broken)
            )
        limits = Limits(
            budget_secs - self.spent_secs,
            config.warmup_secs,
            overhead,
            success=ground.asked.success,
        )
        found = search(ground.asked.slo, limits, probe, self._offer)
        offered = tuple(map(self._offering, found.steps))
        return msgspec.structs.replace(
            nothing,
            probe_per_sec=probe,
            offered=offered,
            low=found.low,
            high=found.high,
            close=found.close,
            stopped=self._failed or found.stopped,
            confirmed=found.confirmed,
            broken=tuple(dict.fromkeys(self._broken)),
            verify="" if found.low is None else verify_command(cell, found.low, ground.asked),
        )

    def _probe(self) -> float | None:
        carried = self._carried_out(_with(self._cell, duration_secs=PROBE_SECS), "probe")
        if carried is None:
            return None
        result, run, _ = carried
        self._note_broken(result, run, "the probe")
        return result.orchestrations_per_sec

    def _carried_out(self, cell: Cell, name: str) -> tuple[CellResult, Path, float] | None:
        carried = self._recorded(lambda: self._ground.carried_out(cell, name))
        if carried is not None:
            self.spent_secs += carried[2]
        return carried

    def _recorded(self, work: Callable[[], T]) -> T | None:
        """What comes of `work`; None when it could not be recorded or read: this search ends, and
        nothing of what is known is lost."""
        try:
            return work()
        except (RunError, RecordingError) as error:
            self._failed = str(error)
        except OSError as error:
            self._failed = f"a step could not be recorded: {in_words(error)}"
        return None

    def _offer(self, ask: Ask) -> Seen | None:
        config = self._cell.config
        cell = _with(
            self._cell,
            duration_secs=ask.secs,
            max_concurrent=OPEN_LIMIT,
            # A queue that is still drained is late, which latencies show, and not lost. One that hangs
            # must not cost more than is left.
            wait_timeout_secs=max(
                config.wait_timeout_secs,
                min(4 * (config.warmup_secs + ask.secs), ask.left_secs),
            ),
            seed=(config.seed + ask.attempt - 1) % 2**63,
            load=load_text(ask.rate, poisson=self._ground.asked.poisson),
        )
        carried = self._carried_out(cell, f"{ask.rate:g}")
        if carried is None or self._ground.observer.interrupted():
            return None
        result, run, spent = carried
        success = self._ground.asked.success
        seen = self._recorded(lambda: evidence(run / cell.key, result, success, spent))
        if seen is None:
            return None
        self._results.setdefault(ask.rate, []).append((result, run.name))
        self._note_broken(result, run, f"{ask.rate:g}/s")
        return seen

    def _note_broken(self, result: CellResult, run: Path, where: str) -> None:
        names = broken_promises(result, self._ground.asked.success)
        if names:
            self._broken.append(f"{', '.join(names)} at {where} ({run.name})")

    def _offering(self, step: Step) -> Offering:
        runs = self._results[step.rate]
        return Offering(
            step=step,
            bound_by=runs[-1][0].ceiling.bound_by,
            recordings=tuple(name for _, name in runs),
            distrust=tuple(dict.fromkeys(why for cell, _ in runs for why in cell.health.reasons)),
        )


def run_capacity(ground: Ground) -> CapacityResult:
    """Search every grid point; each gets an equal share of the budget that is left."""
    asked = ground.asked
    points: list[Point] = []
    left = asked.budget_secs
    for number, cell in enumerate(asked.plan.cells):
        one = _PointSearch(ground, cell)
        points.append(one.run(left / (len(asked.plan.cells) - number)))
        left -= one.spent_secs
        if ground.observer.interrupted():
            break
    return CapacityResult(
        schema=SCHEMA,
        slo=str(asked.slo),
        success=asked.success,
        arrivals="poisson" if asked.poisson else "constant",
        budget_secs=asked.budget_secs,
        seed=asked.plan.cells[0].config.seed,
        command=asked.plan.command,
        points=tuple(points),
        interrupted=ground.observer.interrupted(),
    )


def chosen_providers(plan: Plan, given: Mapping[str, Provider]) -> dict[str, Provider]:
    """The providers of the grid, seen to be usable. Raises UsageError before anything starts."""
    chosen = {c.provider: given.get(c.provider) or provider_named(c.provider) for c in plan.cells}
    for provider in chosen.values():
        prepare_provider(provider)
    for cell in plan.cells:
        cell_head(cell, chosen[cell.provider])
    return chosen


def load_text(rate: float, *, poisson: bool) -> str:
    """The load model of a step."""
    return f"constant:{rate:.15g}/s{',poisson' if poisson else ''}"


def verify_command(cell: Cell, capacity: float, asked: Asked) -> str:
    """The words that run 90 % of the capacity, long enough to decide the objective."""
    rate = tidy(VERIFY * capacity)
    secs = min(600.0, max(30.0, round(2 * samples_wanted(asked.slo) / rate)))
    shown = _with(
        cell, duration_secs=secs, max_concurrent=StressTestConfig().max_concurrent, load="closed"
    )
    words: Sequence[str] = ["--rate", f"{rate:.15g}/s"]
    if asked.poisson:
        words = [*words, "--arrivals", "poisson"]
    return f"{cell_command(shown)} {shlex.join(words)}"


def _with(cell: Cell, **changes: float | str) -> Cell:
    config = msgspec.structs.replace(cell.config, **changes)
    return msgspec.structs.replace(cell, config=config)
