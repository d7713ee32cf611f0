"""The one loop, on the reference engine in virtual time."""

from itertools import groupby, pairwise

import pytest

from duroxide_stress.recording.records import Acked, Info, Invoke, Ok, Sample
from duroxide_stress.units import NS_PER_MS, NS_PER_SEC

from ..virtual import ENDS, Run, cell, run_cell


def level_per_moment(run: Run) -> list[tuple[int, int]]:
    """(time, instances in flight) after everything that was recorded at that time."""
    steps = [(op.at_ns, 1) for op in run.ops.of(Invoke)]
    steps += [(end.at_ns, -1) for end in run.ops.of(*ENDS)]
    level, levels = 0, []
    for at_ns, changes in groupby(sorted(steps), key=lambda step: step[0]):
        level += sum(change for _, change in changes)
        levels.append((at_ns, level))
    return levels


@pytest.mark.parametrize(("warmup_secs", "duration_secs"), [(0.2, 1), (0, 0.5), (1, 0.1)])
def test_the_window_opens_and_closes_on_time(warmup_secs: float, duration_secs: float) -> None:
    """The marks are where the configuration puts them, and come in order."""
    run = run_cell(cell(warmup_secs=warmup_secs, duration_secs=duration_secs))
    marks = run.marks
    assert run.finished
    assert list(marks) == ["begin", "window_begin", "window_end", "drained", "at_rest"]
    assert sorted(marks.values()) == list(marks.values())
    assert marks["window_begin"] - marks["begin"] == warmup_secs * NS_PER_SEC
    assert marks["window_end"] - marks["window_begin"] == duration_secs * NS_PER_SEC


@pytest.mark.parametrize("max_concurrent", [1, 4, 20])
def test_the_loop_is_never_over_its_slots_and_always_refilled(max_concurrent: int) -> None:
    """While load is offered, at every moment exactly the configured number is in flight."""
    run = run_cell(cell(max_concurrent=max_concurrent))
    closing = run.marks["window_end"]
    levels = level_per_moment(run)
    assert {level for at_ns, level in levels if at_ns < closing} == {max_concurrent}
    assert max(level for _, level in levels) == max_concurrent == run.driver.max_in_flight
    assert levels[-1][1] == 0


def test_an_instance_is_due_when_its_slot_is_free() -> None:
    """In a closed loop due, wanted and the end of another are the same moment."""
    run = run_cell(cell())
    invokes = run.ops.of(Invoke)
    begin, ends = run.marks["begin"], {end.at_ns for end in run.ops.of(*ENDS)}
    assert all(op.due_ns == op.at_ns for op in invokes)
    assert all(op.at_ns in ends for op in invokes if op.at_ns != begin)
    assert [op.op for op in invokes] == list(range(run.driver.launched))


def test_after_the_window_nothing_is_started_and_all_is_waited_for() -> None:
    """Drained means that every instance, started in time, has ended well."""
    run = run_cell(cell(activity_delay_ms=300, tasks_per_instance=2))
    assert all(op.at_ns < run.marks["window_end"] for op in run.ops.of(Invoke))
    assert all(end.at_ns <= run.marks["drained"] for end in run.ops.of(*ENDS))
    assert any(end.at_ns > run.marks["window_end"] for end in run.ops.of(Ok))
    assert len(run.ops.of(Ok)) == len(run.ops.of(Acked)) == run.driver.launched
    assert set(run.ends_per_op.values()) == {1}


def test_an_instance_that_takes_too_long_is_given_up_and_frees_its_slot() -> None:
    """It ends as `timeout` at its limit and once only, and another takes its place at once."""
    # 4 in flight on one worker of 500 ms each: the last waits two seconds for what may take one and
    # a half, since the half second that its own delay needs comes on top.
    config = {"tasks_per_instance": 1, "worker_concurrency": 1, "activity_delay_ms": 500}
    run = run_cell(cell(**config, wait_timeout_secs=1, duration_secs=4, warmup_secs=0))
    since = {op.op: op.at_ns for op in run.ops.of(Invoke)}
    given_up = run.ops.of(Info)
    assert run.finished
    assert given_up
    assert {info.reason for info in given_up} == {"timeout"}
    for info in given_up:
        assert 1.5 * NS_PER_SEC <= info.at_ns - since[info.op] <= 1.75 * NS_PER_SEC
    assert set(run.ends_per_op.values()) == {1}
    closing = run.marks["window_end"]
    assert {level for at_ns, level in level_per_moment(run) if at_ns < closing} == {4}
    # What was given up goes on inside the engine and completes there.
    assert len([e for e in run.executions if e.status == "Completed"]) > len(run.ops.of(Ok))


@pytest.mark.parametrize(
    ("after_secs", "marks"),
    [
        (0.1, ["begin"]),
        (1.1, ["begin", "window_begin"]),
        (2.3, ["begin", "window_begin", "window_end"]),
    ],
)
def test_an_abort_ends_everything_as_interrupted(after_secs: float, marks: list[str]) -> None:
    """In warm-up, window or drain: within a tick the loop is over and nothing is left open."""
    run = run_cell(cell(activity_delay_ms=5000, warmup_secs=1), aborted_after_secs=after_secs)
    assert not run.finished
    assert list(run.marks) == marks
    infos = run.ops.of(Info)
    assert len(infos) == 4
    assert {info.reason for info in infos} == {"interrupted"}
    begun = run.marks["begin"]
    assert all(info.at_ns - begun <= (after_secs + 0.25) * NS_PER_SEC for info in infos)
    assert set(run.ends_per_op.values()) == {1}
    assert run.ends_per_op.keys() == {op.op for op in run.ops.of(Invoke)}


def test_progress_tells_the_phases_and_the_rate() -> None:
    """Phases follow each other, counts only grow, and the last rate is the recording's own."""
    run = run_cell(cell(duration_secs=2, activity_delay_ms=100))
    phases = [phase for phase, _ in groupby(run.told, key=lambda told: told.phase)]
    assert phases[:2] == ["warm-up", "measuring"]
    assert set(phases[2:]) <= {"draining", "coming to rest"}
    completed = [told.completed for told in run.told]
    assert completed == sorted(completed)
    assert all(told.total_secs == pytest.approx(2.2) for told in run.told)
    opened, closed = run.marks["window_begin"], run.marks["window_end"]
    inside = sum(opened <= ok.at_ns < closed for ok in run.ops.of(Ok))
    assert run.told[-1].orchestrations_per_sec == pytest.approx(inside / 2)


def test_progress_is_told_some_four_times_a_second() -> None:
    """Neither a quiet engine nor a busy one changes how often the display hears (a border may)."""
    for delay_ms in (0, 5000):
        run = run_cell(cell(duration_secs=5, activity_delay_ms=delay_ms))
        times = [round(told.elapsed_secs * 1000) for told in run.told]
        gaps = [after - before for before, after in pairwise(times)]
        assert all(250 <= gap < 500 for gap in gaps)
        assert sum(gap <= 260 for gap in gaps) >= len(gaps) - 3


def test_queue_depths_are_sampled_every_second() -> None:
    """One sample a second with the engine's own counts, and a last one of empty queues."""
    run = run_cell(cell(duration_secs=5, max_concurrent=20, worker_concurrency=1))
    *samples, last = run.samples.of(Sample)
    assert {sample.source for sample in (*samples, last)} == {"queues"}
    assert len(samples) >= 5
    assert max(sample.worker_queue for sample in samples) > 20
    gaps = [b.at_ns - a.at_ns for a, b in pairwise(samples)]
    assert all(NS_PER_SEC <= gap <= NS_PER_SEC + 250 * NS_PER_MS for gap in gaps)
    assert (last.orchestrator_queue, last.worker_queue) == (0, 0)
    assert last.at_ns == run.marks["at_rest"]
