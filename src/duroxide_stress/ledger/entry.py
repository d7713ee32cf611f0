"""What is filed of a run: one entry, with everything that comparing it later needs. Format 1.

Format history
- 1: the first.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from duroxide_stress.ledger.metrics import METRICS
from duroxide_stress.plan import Cell, StressTestConfig
from duroxide_stress.recording.records import RunHead
from duroxide_stress.result import CellResult, RunResult
from duroxide_stress.verdict import Verdict

FORMAT = 1
GIB = 1024**3
COMPARABLE = ("seed", "orch_concurrency", "worker_concurrency")
"""Settings that are no part of the digest: another seed is the same load, the others are the config."""


class Machine(msgspec.Struct, frozen=True):
    """What must be the same for figures to be comparable.

    The kernel's release is not in it, nor is the exact memory, which change with an update.
    """

    host: str
    """Its name, or the one that `--machine` gave to a pool of like machines."""
    cpus: int | None = None
    memory_gib: int | None = None
    system: str = ""
    """Operating system and processor, for example `Linux x86_64`."""

    def __str__(self) -> str:
        """For people, on one line."""
        cpus = "" if self.cpus is None else f"{self.cpus} cpus"
        memory = "" if self.memory_gib is None else f"{self.memory_gib} GiB"
        return ", ".join(filter(None, (self.host or "unnamed", cpus, memory, self.system)))


class FiledCell(msgspec.Struct, frozen=True):
    """One cell of a filed run."""

    scenario: str
    provider: str
    provider_label: str
    config: str
    repeat: int
    engine: str
    settings: dict[str, Any]
    """What differs from the defaults, with the scenario's options and the faults: what was offered."""
    digest: str
    """Of the settings: cells are compared only when it is the same."""
    verdict: Verdict
    trustworthy: bool
    values: dict[str, float]
    """Metric → figure; one that the cell does not have is left out."""
    samples: int
    """Instances that the latencies are of."""
    reasons: tuple[str, ...] = ()
    """Why the verdict is not ok, and why the figures cannot be trusted; the first of each."""
    recording: str = ""
    """The cell's directory within the run."""

    @property
    def counts(self) -> bool:
        """Whether its figures can be compared: trustworthy, and not those of wrong results."""
        return self.trustworthy and self.verdict is not Verdict.VIOLATED


class Entry(msgspec.Struct, frozen=True):
    """One filed run: a line of the ledger."""

    format: int
    id: str
    """Eight digits of a digest over what was run, where and when: the same run has the same."""
    filed_at_ns: int
    started_ns: int
    plan: str
    """The plan's name."""
    command: str
    """The words that repeat the plan."""
    run: str
    """The recording's directory, as an absolute path where it was made."""
    label: str | None
    commit: str | None
    """The git commit of the directory that it was run in; with `+` behind it when that was changed."""
    machine: Machine
    engines: tuple[str, ...]
    duroxide_stress: str
    environment: dict[str, Any]
    verdict: Verdict
    cells: tuple[FiledCell, ...]


def entry_of(
    result: RunResult,
    head: RunHead,
    run: Path,
    filed_at_ns: int,
    *,
    label: str | None = None,
    machine: str | None = None,
) -> Entry:
    """The entry of a judged recording. `machine` stands for the host's name, for a pool of like ones."""
    return Entry(
        format=FORMAT,
        id=run_id(head),
        filed_at_ns=filed_at_ns,
        started_ns=head.started_ns,
        plan=result.plan.name,
        command=result.plan.command,
        run=os.fsencode(run.absolute()).decode(errors="replace"),
        label=label or None,
        commit=_commit(result.environment.get("git")),
        machine=machine_of(result.environment, machine),
        engines=tuple(dict.fromkeys(cell.engine for cell in result.cells if cell.engine)),
        duroxide_stress=str(result.environment.get("duroxide_stress", "")),
        environment=result.environment,
        verdict=result.verdict,
        cells=tuple(
            _filed(cell, planned)
            for cell, planned in zip(result.cells, result.plan.cells, strict=True)
        ),
    )


def run_id(head: RunHead) -> str:
    """Which run it is: eight digits of a digest over its plan, its host and the moment it began."""
    what = msgspec.json.encode([head.started_ns, head.environment.get("host"), head.plan])
    return hashlib.sha256(what).hexdigest()[:8]


def machine_of(environment: Mapping[str, Any], name: str | None = None) -> Machine:
    """The machine of a recording's environment; `name` stands for the host's."""
    memory, cpus = environment.get("memory_bytes"), environment.get("cpus")
    system = str(environment.get("platform", "")).partition("-")[0]
    return Machine(
        host=name or str(environment.get("host", "")),
        cpus=cpus if isinstance(cpus, int) else None,
        memory_gib=round(memory / GIB) if isinstance(memory, int) else None,
        system=" ".join(filter(None, (system, str(environment.get("machine", ""))))),
    )


def _commit(git: object) -> str | None:
    if not isinstance(git, dict) or not isinstance(git.get("commit"), str):
        return None
    return f"{git['commit']}{'+' if git.get('dirty') else ''}"


def _filed(cell: CellResult, planned: Cell) -> FiledCell:
    settings = _settings(planned)
    figures = ((name, metric.of(cell)) for name, metric in METRICS.items())
    reasons = (*cell.reasons[:1], *(() if cell.health.trustworthy else cell.health.reasons[:1]))
    return FiledCell(
        scenario=cell.scenario,
        provider=cell.provider,
        provider_label=cell.provider_label,
        config=cell.config,
        repeat=cell.repeat,
        engine=cell.engine,
        settings=settings,
        digest=hashlib.sha256(msgspec.json.encode(settings, order="deterministic")).hexdigest()[:8],
        verdict=cell.verdict,
        trustworthy=cell.health.trustworthy,
        values={name: float(value) for name, value in figures if value is not None},
        samples=cell.latency_ms.samples,
        reasons=reasons,
        recording=cell.recording,
    )


def _settings(cell: Cell) -> dict[str, Any]:
    """Only what differs from the defaults, so that a setting that a later version brings, at its
    default, leaves the digest as it is."""
    default = StressTestConfig()
    settings: dict[str, Any] = {
        name: getattr(cell.config, name)
        for name in StressTestConfig.__struct_fields__
        if name not in COMPARABLE and getattr(cell.config, name) != getattr(default, name)
    }
    if cell.options:
        settings["options"] = cell.options
    if cell.faults:
        settings["faults"] = list(cell.faults)
    return settings
