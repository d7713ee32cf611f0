"""The reference engine: books that are right by construction, and figures worked out by hand."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from duroxide_stress.engines.reference.engine import ReferenceEngine
from duroxide_stress.recording.records import Ok
from duroxide_stress.recording.writer import LineWriter
from duroxide_stress.units import NS_PER_MS

from ..virtual import Run, cell, run_cell


def test_books_agree_with_histories() -> None:
    """Status, output and the number of events are the same in both."""
    run = run_cell(cell())
    outputs = {f"{ok.output}" for ok in run.ops.of(Ok)}
    assert len(outputs) == len(run.executions) == run.driver.launched
    for execution in run.executions:
        history = run.history[execution.instance]
        assert (execution.status, execution.execution, execution.current) == ("Completed", 1, True)
        assert execution.events == len(history)
        assert execution.output == history[-1].data


def in_pairs(run: Run) -> dict[int, tuple[int, int]]:
    """Run number → begin and end of every activity execution, each of which must have both."""
    times = defaultdict(dict)
    for effect in run.effects:
        assert effect.phase not in times[effect.run]
        times[effect.run][effect.phase] = effect.at_ns
    return {number: (pair["begin"], pair["end"]) for number, pair in times.items()}


@pytest.mark.parametrize("workers", [1, 3])
def test_every_activity_really_runs_once_and_never_more_than_workers_at_a_time(
    workers: int,
) -> None:
    """One begin and one end per token, as long as its delay, at most `workers` at a moment."""
    run = run_cell(cell(worker_concurrency=workers, max_concurrent=10))
    tokens = Counter((effect.token, effect.phase) for effect in run.effects)
    assert set(tokens.values()) == {1}
    assert len(tokens) == 2 * 5 * run.driver.launched
    pairs = in_pairs(run)
    assert {end - begin for begin, end in pairs.values()} == {10 * NS_PER_MS}
    steps = sorted([(b, 1) for b, _ in pairs.values()] + [(e, -1) for _, e in pairs.values()])
    level = highest = 0
    for _, change in steps:
        level += change
        highest = max(highest, level)
    assert highest == workers


@pytest.mark.parametrize(
    ("workers", "tasks", "delay_ms"), [(1, 5, 10), (2, 5, 10), (8, 5, 40), (2, 1, 25), (3, 20, 5)]
)
def test_throughput_is_the_ceiling_when_workers_bind(
    workers: int, tasks: int, delay_ms: int
) -> None:
    """W workers and n activities of d ms allow W * 1000 / (n * d) orchestrations per second."""
    run = run_cell(
        cell(
            worker_concurrency=workers,
            orch_concurrency=4,
            tasks_per_instance=tasks,
            activity_delay_ms=delay_ms,
            max_concurrent=40,
            warmup_secs=4,
            duration_secs=10,
        )
    )
    opened, closed = run.marks["window_begin"], run.marks["window_end"]
    completed = sum(opened <= ok.at_ns < closed for ok in run.ops.of(Ok))
    assert completed / 10 == pytest.approx(workers * 1000 / (tasks * delay_ms), rel=0.03)


def written(directory: Path, seed: int) -> dict[str, bytes]:
    """Everything one cell records, as bytes on disk."""
    directory.mkdir()
    run = run_cell(cell(seed=seed))
    for name, records in {
        "ops": run.ops.records,
        "effects": run.effects,
        "samples": run.samples.records,
        "executions": run.executions,
        "history": [event for history in run.history.values() for event in history],
    }.items():
        with LineWriter(directory / f"{name}.jsonl") as lines:
            for record in records:
                lines.write(record)
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_same_cell_twice_is_the_same_recording_to_the_byte(tmp_path: Path) -> None:
    """Nothing depends on the machine, the moment or the order of a dict; the seed does count."""
    first, again = written(tmp_path / "a", 1), written(tmp_path / "b", 1)
    assert first == again
    assert all(first.values())
    assert written(tmp_path / "c", 2)["ops.jsonl"] != first["ops.jsonl"]


def test_its_time_is_virtual_and_each_connection_a_world_of_its_own() -> None:
    """No process figure of it means anything, and no two cells share a store."""
    engine = ReferenceEngine()
    assert (engine.name, engine.virtual) == ("reference", True)
    assert engine.connect(None, "virtual") is not engine.connect(None, "virtual")
