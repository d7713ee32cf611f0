"""Failures by plan: what fails, fails as told; what recovers, recovers after as many attempts."""

import pytest

from .conftest import FEW, JudgedOf

ROOTS = ["failures-doomed", "failures-flaky", "failures-saga", "failures-timeout"]


@pytest.mark.parametrize("options", [{}, {"fails": 1}, {"fails": 5}, {"timeout_ms": 10}])
def test_planned_failures_are_successes(judged: JudgedOf, options: dict[str, int]) -> None:
    """The four take turns; the doomed one fails in the engine's books and completes in ours."""
    run = judged("failures", options)
    run.all_is_well()
    ends = run.tables.rows("SELECT DISTINCT orchestration, status FROM executions ORDER BY ALL")
    assert ends == [(name, "Failed" if "doomed" in name else "Completed") for name in ROOTS]
    assert run.cell.failure_words == {}
    assert set(run.cell.failed_by_category.values()) == {0}


@pytest.mark.parametrize("fails", [1, 2, 5])
def test_a_flaky_activity_has_one_attempt_more_than_it_fails(judged: JudgedOf, fails: int) -> None:
    """Each attempt is an activity scheduled anew after a pause that doubles."""
    run = judged("failures", {"fails": fails}, **{**FEW, "max_concurrent": 4})
    one = run.recorded.instance(0)
    kinds = [line["kind"] for line in run.recorded.lines("history", lambda x: x["instance"] == one)]
    assert kinds.count("ActivityFailed") == kinds.count("TimerFired") == fails
    assert kinds.count("ActivityScheduled") == fails + 2  # the last attempt, and the step after it
    begun, *_, ended = (
        x["ts_ms"] for x in run.recorded.lines("history", lambda x: x["instance"] == one)
    )
    assert ended - begun >= 100 * (2**fails - 1)


def test_failed_attempts_are_a_figure(judged: JudgedOf) -> None:
    """Those of the flaky, the doomed and the saga, per second of the window."""
    run = judged("failures", {"fails": 3})
    figure = run.figure("failed attempts")
    opened, closed = run.recorded.mark("window_begin"), run.recorded.mark("window_end")
    failed = run.recorded.lines("effects", lambda x: x["phase"] == "failed")
    assert figure.count == sum(opened <= effect["at_ns"] <= closed for effect in failed) > 0


def test_the_longest_timeout(judged: JudgedOf) -> None:
    """A minute's timeout of an activity of three: its instance takes a minute, not three."""
    run = judged("failures", {"timeout_ms": 60_000}, **{**FEW, "max_concurrent": 4})
    run.all_is_well()
    spans = run.tables.rows(
        "SELECT max(h.ts_ms) - min(h.ts_ms) FROM history h JOIN executions x USING (instance) "
        "WHERE x.orchestration = 'failures-timeout' GROUP BY h.instance"
    )
    assert spans
    assert all(60_000 <= span < 61_000 for (span,) in spans)
