"""What is filed of a run."""

from pathlib import Path

import msgspec
import pytest

from duroxide_stress.judge import judge_run
from duroxide_stress.ledger.entry import FORMAT, Entry, entry_of
from duroxide_stress.ledger.metrics import METRICS
from duroxide_stress.recording.records import RunHead
from duroxide_stress.recording.store import read_run
from duroxide_stress.result import RunResult
from recordings.make import make_run, small_cell

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def judged(pristine: Path) -> RunResult:
    """The judgement of the clean recording."""
    return judge_run(pristine)


def filed(result: RunResult, run: Path, **given: str | None) -> Entry:
    """Its entry, filed at 5."""
    return entry_of(result, read_run(run), run, 5, **given)


def test_an_entry_has_what_a_comparison_needs(judged: RunResult, pristine: Path) -> None:
    """Where, what, with which engine, and every figure that the cell has."""
    entry = filed(judged, pristine, label="before")
    assert (entry.format, entry.filed_at_ns, entry.label) == (FORMAT, 5, "before")
    assert entry.started_ns == read_run(pristine).started_ns
    assert (entry.plan, entry.engines, entry.verdict) == ("made", ("reference 1",), judged.verdict)
    assert (entry.machine.host, entry.machine.cpus, entry.commit) == ("virtual", 4, None)
    assert Path(entry.run).is_absolute()
    (cell,) = entry.cells
    assert (cell.scenario, cell.provider, cell.config) == ("parallel", "reference", "2/2")
    assert cell.samples == judged.cells[0].latency_ms.samples > 0
    expected = {name: metric.of(judged.cells[0]) for name, metric in METRICS.items()}
    assert cell.values == {name: value for name, value in expected.items() if value is not None}
    assert "memory" not in cell.values, "what was not measured is left out, and is not 0"


def test_the_same_run_has_the_same_id(judged: RunResult, pristine: Path) -> None:
    """Whenever and under whatever label it is filed; another run has another."""
    entry = filed(judged, pristine)
    later = filed(judged, pristine, label="x", machine="pool")
    assert entry.id == later.id
    assert len(entry.id) == 8
    head = read_run(pristine)
    other = entry_of(judged, replace(head, started_ns=head.started_ns + 1), pristine, 5)
    assert other.id != entry.id


def test_a_pool_of_machines_has_a_name(judged: RunResult, pristine: Path) -> None:
    """Which stands for the host's; how large they are stays with it."""
    machine = filed(judged, pristine, machine="pool").machine
    assert (machine.host, machine.cpus) == ("pool", 4)
    assert str(machine) == "pool, 4 cpus"


@pytest.mark.parametrize(
    ("git", "commit"),
    [
        (None, None),
        ({"commit": "abc", "dirty": False}, "abc"),
        ({"commit": "abc", "dirty": True}, "abc+"),
        ("no table", None),
        ({"commit": 7}, None),
    ],
)
def test_the_commit(judged: RunResult, pristine: Path, git: object, commit: str | None) -> None:
    """With a sign where the directory was changed; none outside git."""
    result = replace(judged, environment={**judged.environment, "git": git})
    assert filed(result, pristine).commit == commit


def test_a_machine_is_known_by_what_matters(judged: RunResult, pristine: Path) -> None:
    """A new kernel or a little less memory is the same machine, another processor is not."""
    old = {
        "host": "box",
        "cpus": 8,
        "memory_bytes": 33_600_000_000,
        "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
        "machine": "x86_64",
    }
    new = {**old, "memory_bytes": 33_599_000_000, "platform": "Linux-6.8.2-x86_64-with-glibc2.39"}
    machines = [filed(replace(judged, environment=e), pristine).machine for e in (old, new)]
    assert machines[0] == machines[1]
    assert str(machines[0]) == "box, 8 cpus, 31 GiB, Linux x86_64"
    arm = replace(judged, environment={**new, "machine": "aarch64"})
    assert filed(arm, pristine).machine != machines[0]


def digests(tmp_path: Path, *cells: object) -> list[str]:
    """Of cells that were not run: the settings alone make it."""
    head = read_run(make_run(tmp_path / "run", small_cell()))
    result = judge_run(tmp_path / "run")
    found = []
    for cell in cells:
        plan = replace(head.plan, cells=(cell,))
        entry = entry_of(replace(result, plan=plan), _head(head, plan), tmp_path / "run", 5)
        found.append(entry.cells[0].digest)
    return found


def _head(head: RunHead, plan: object) -> RunHead:
    return replace(head, plan=plan)


def test_another_load_has_another_digest(tmp_path: Path) -> None:
    """Faults, options and every setting are in it; the seed is not, for it is the same load."""
    cell = small_cell()
    base, seed, tasks, options, faults = digests(
        tmp_path,
        cell,
        replace(cell, config=replace(cell.config, seed=99)),
        replace(cell, config=replace(cell.config, tasks_per_instance=4)),
        replace(cell, options={"timers": {"count": 5}}),
        replace(cell, faults=("kill:every=2s",)),
    )
    assert base == seed
    assert len({base, tasks, options, faults}) == 4
