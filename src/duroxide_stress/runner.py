"""Runs a plan cell by cell and leaves a recording. It never judges what it recorded."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from duroxide_stress.config import cell_command
from duroxide_stress.engines.registry import engine_named
from duroxide_stress.environment import describe_environment
from duroxide_stress.errors import RunError, UsageError, in_words
from duroxide_stress.faults.registry import read_faults
from duroxide_stress.fitting import misfits
from duroxide_stress.load.progress import Progress
from duroxide_stress.nodes.onlooker import Onlooker
from duroxide_stress.nodes.spawner import movable
from duroxide_stress.nodes.supervisor import CellRun
from duroxide_stress.oracle import Oracle
from duroxide_stress.plan import Cell, Plan
from duroxide_stress.providers.base import (
    Provider,
    cache_bytes_of,
    keep_store_of,
    prepare_provider,
)
from duroxide_stress.providers.registry import provider_named
from duroxide_stress.recording.records import FORMAT, CellEnd, CellHead, DriverEnd, RunHead
from duroxide_stress.recording.store import being_written, count_lines, write_json
from duroxide_stress.redaction import protect
from duroxide_stress.scenarios.base import Workload
from duroxide_stress.scenarios.registry import scenario_named
from duroxide_stress.scenarios.tree import instance_pattern
from duroxide_stress.values import text_flaw

RUNS = Path("stress-runs")
"""Where recordings go when nobody says."""


AVERAGED = 48
"""Instances whose forecasts are averaged for the ceiling: whole rotations of most mixtures."""


class Observer(Onlooker, Protocol):
    """Told what a run does while it does it. Displays implement it; it decides nothing."""

    def cell_began(self, number: int, total: int, head: CellHead) -> None:
        """A cell is about to start."""
        ...

    def cell_ended(self, head: CellHead, end: CellEnd) -> None:
        """A cell is over and its processes are gone."""
        ...

    def store_kept(self, where: Path | str) -> None:
        """A cell's store was left in place: in a directory, or where its provider says."""
        ...


class SilentObserver:
    """Says nothing and never interrupts."""

    def cell_began(self, number: int, total: int, head: CellHead) -> None: ...

    def progressed(self, progress: Progress) -> None: ...

    def happened(self, sentence: str) -> None: ...

    def cell_ended(self, head: CellHead, end: CellEnd) -> None: ...

    def store_kept(self, where: Path | str) -> None: ...

    def warned(self, sentence: str) -> None: ...

    def interrupted(self) -> bool:
        return False


def prepare_directory(out: Path | None, plan: Plan) -> Path:
    """An empty directory for the recording. Raises UsageError when `out` cannot be one."""
    try:
        run = out or _dated(plan)
        if text_flaw(str(run)):
            raise UsageError(f"output directory {str(run)!r} cannot be used: its name is not UTF-8")
        if run.is_file():
            raise UsageError(f"output directory {run} is a file: name a new or an empty directory")
        run.mkdir(parents=True, exist_ok=True)
        if any(run.iterdir()):
            raise UsageError(f"output directory {run} is not empty: name a new or an empty one")
        probe = run / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        where = out or RUNS
        raise UsageError(f"output directory {where} cannot be written: {error.strerror}") from error
    return run


def _dated(plan: Plan) -> Path:
    """A new directory whose name says when; runs that begin in one second get one each."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plan.name)
    stem = time.strftime(f"%Y%m%d-%H%M%S-{name}")
    number = 1
    while True:
        run = RUNS / (stem if number == 1 else f"{stem}-{number}")
        try:
            run.mkdir(parents=True)
            return run
        except FileExistsError:
            number += 1


def run_plan(
    plan: Plan,
    run: Path,
    *,
    observer: Observer,
    providers: Mapping[str, Provider] | None = None,
    keep_store: bool = False,
) -> None:
    """Run every cell into the directory `run`. `providers` gives objects for names of the plan.

    Raises UsageError before anything starts when a provider, its server or its engine is not to be
    had, and RunError when the recording cannot be written.
    """
    given = dict(providers or {})
    chosen = {c.provider: given.get(c.provider) or provider_named(c.provider) for c in plan.cells}
    for provider in chosen.values():
        prepare_provider(provider)
    refuse_misfits(plan, chosen)
    heads = [cell_head(cell, chosen[cell.provider]) for cell in plan.cells]
    try:
        with being_written(run):
            write_json(
                run / "plan.json", RunHead(FORMAT, plan, describe_environment(), time.time_ns())
            )
            _run_cells(heads, chosen, run, observer, keep_store=keep_store)
    except OSError as error:
        raise RunError(
            f"the recording in {run} cannot be written: {error.strerror}; "
            "what was written before is kept"
        ) from error


def refuse_misfits(plan: Plan, chosen: Mapping[str, Provider]) -> None:
    """Raise UsageError when the object that a provider's name stands for cannot be struck, or be served
    by several hosts, though its name says so."""
    problems: list[str] = []
    for cell in plan.cells:
        provider = chosen[cell.provider]
        problems += misfits(cell.provider, provider, read_faults(cell.faults), cell.config)
        several = bool(cell.faults) or cell.config.nodes > 1
        if several and provider.engine != "reference" and not movable(provider):
            problems.append(
                f"{cell.provider} cannot have faults or several nodes: other processes cannot make it"
            )
    if problems:
        raise UsageError(list(dict.fromkeys(problems)))


def _run_cells(
    heads: Sequence[CellHead],
    chosen: Mapping[str, Provider],
    run: Path,
    observer: Observer,
    *,
    keep_store: bool,
) -> None:
    for number, head in enumerate(heads, 1):
        observer.cell_began(number, len(heads), head)
        end = _run_cell(head, chosen[head.cell.provider], run, observer, keep_store=keep_store)
        observer.cell_ended(head, end)
        if end.ended == "interrupted":
            return


def cell_head(cell: Cell, provider: Provider) -> CellHead:
    """What is about to be run. Raises UsageError for a scenario that its provider cannot run."""
    engine = engine_named(provider.engine)
    scenario = scenario_named(cell.scenario)
    workload = scenario.workload(cell)
    if workload.register is not None and engine.name != "duroxide":
        raise UsageError(
            f"scenario {cell.scenario!r} is code for Duroxide and cannot run on provider "
            f"{provider.name!r}, whose engine is {engine.name}"
        )
    worker_ms, least_ms = _averages(workload)
    return CellHead(
        format=FORMAT,
        cell=cell,
        title=scenario.title,
        provider_label=provider.label,
        engine=engine.name,
        engine_version=engine.version(),
        mode="separate" if provider.shared and movable(provider) else "embedded",
        activity_ms_per_instance=worker_ms,
        min_ms=least_ms,
        lasting=scenario.lasting,
        cache_bytes=cache_bytes_of(provider),
        instance_pattern=instance_pattern(cell),
        command=cell_command(cell),
    )


def _averages(workload: Workload) -> tuple[float, float]:
    """Worker time and least duration of an instance in ms, averaged over the first instances."""
    if not workload.programs:
        return 0, 0
    oracle, known = Oracle(workload.programs), {}
    found = []
    for order in map(workload.order, range(AVERAGED)):
        name = order.orchestration
        if name not in known:  # neither figure depends on the input
            known[name] = oracle.forecast(name, order.instance, order.input)
        found.append(known[name])
    return (
        sum(f.worker_ms for f in found) / len(found),
        sum(f.min_ms for f in found) / len(found),
    )


def _run_cell(
    head: CellHead, provider: Provider, run: Path, observer: Observer, *, keep_store: bool
) -> CellEnd:
    directory = run / head.cell.key
    directory.mkdir()
    write_json(directory / "cell.json", head)
    home = _home()
    kept: Path | str = home
    try:
        try:
            address = provider.create(home)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a provider may raise anything
            return _never_began(directory, provider, error)
        protect(address)
        try:
            return CellRun(
                head.cell,
                provider,
                address,
                directory,
                scratch=_made(home / "scratch"),
                onlooker=observer,
                monitored=not engine_named(provider.engine).virtual,
            ).run()
        finally:
            if keep_store:
                kept = _keep(provider, address, observer) or home
            else:
                _destroy(provider, address, observer)
    finally:
        if keep_store:
            observer.store_kept(kept)
        else:
            shutil.rmtree(home, ignore_errors=True)


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def _home() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="duroxide-stress-"))
    except OSError as error:
        raise RunError(f"no directory for a store can be made: {error}") from error


def _destroy(provider: Provider, address: str, observer: Observer) -> None:
    try:
        provider.destroy(address)
    except Exception as error:  # noqa: BLE001 - a provider may raise anything
        observer.warned(f"provider {provider.name} could not remove its store: {in_words(error)}")


def _keep(provider: Provider, address: str, observer: Observer) -> str | None:
    try:
        return keep_store_of(provider, address)
    except Exception as error:  # noqa: BLE001 - a provider may raise anything
        observer.warned(f"provider {provider.name} could not keep its store: {in_words(error)}")
        return None


def _never_began(directory: Path, provider: Provider, error: BaseException) -> CellEnd:
    reason = f"provider {provider.name} could not create a store: {in_words(error)}"
    end = CellEnd("error", reason, DriverEnd(), count_lines(directory))
    write_json(directory / "end.json", end)
    return end
