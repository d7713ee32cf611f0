"""What faults cost, against numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from duroxide_stress.measure.recovery import NOT_BACK, former_rate, recovery, summaries
from duroxide_stress.recording.records import CANARY
from duroxide_stress.result import Recovery, RecoverySummary, Spread
from duroxide_stress.units import NS_PER_MS

from .by_hand import WINDOW_SECS, ByHand

END_MS = WINDOW_SECS * 1000


def completions(by_hand: ByHand, ms: Iterable[float], took_ms: float = 50) -> None:
    """Instances that ended at these moments."""
    for at in ms:
        by_hand.complete(at - took_ms, at)


def struck(by_hand: ByHand) -> tuple[Recovery, ...]:
    """The figures of every fault that began."""
    return recovery(by_hand.open())


def only(by_hand: ByHand) -> Recovery:
    """The figures of the one fault."""
    (found,) = struck(by_hand)
    return found


def by_name(by_hand: ByHand) -> dict[str, RecoverySummary]:
    """The faults of the cell by name."""
    recording = by_hand.open()
    return {one.name: one for one in summaries(recording, recovery(recording))}


def test_a_cell_without_faults_has_no_figures(by_hand: ByHand) -> None:
    """Also one of a recording that has no such file."""
    completions(by_hand, range(100, 1_000, 100))
    recording = by_hand.open()
    assert not (recording.directory / "faults.jsonl").exists()
    assert recovery(recording) == summaries(recording, ()) == ()


def test_an_outage_has_all_figures(by_hand: ByHand) -> None:
    """Ten completions a second, none for two seconds, then ten a second again."""
    completions(by_hand, [*range(100, 4_001, 100), *range(6_000, 10_000, 100)])
    for ms, depth in ((3_000, 4), (4_000, 7), (5_000, 30), (6_000, 55), (7_000, 12), (8_000, 90)):
        by_hand.queues(ms, depth - 1, 1)
    for due, ended in ((3_900, 6_000), (3_950, 6_500), (4_000, 6_750)):
        by_hand.complete(due, ended)
    by_hand.fault(0, 4_000.5, 5_500.5)
    assert only(by_hand) == Recovery(
        number=0,
        name="kill",
        target="host-1",
        detail="kill of host-1",
        began_secs=4.0,
        lasted_secs=1.5,
        first_progress_ms=1_999.5,
        first_progress_after_heal_ms=499.5,
        stuck=False,
        former_rate_ms=1_999.5,
        former_rate_reason="",
        backlog_before=7,
        backlog_peak=55,
        in_flight=2,
        settled_ms=2_499.5,
        never_ended=0,
        extra_executions=0,
    )


def test_an_end_in_the_millisecond_of_the_fault_was_before_it(by_hand: ByHand) -> None:
    """The engine's clock has no finer ones."""
    completions(by_hand, [2_000, 2_001])
    by_hand.fault(0, 2_000.7)
    found = only(by_hand)
    assert (found.first_progress_ms, found.in_flight, found.settled_ms) == (0.3, 1, 0.3)


def test_canaries_and_unplanned_failures_are_no_progress(by_hand: ByHand) -> None:
    """They are no completions in any other rate either; that a failure is over is settled."""
    by_hand.fail(998, "lost")
    by_hand.part = CANARY
    completions(by_hand, [1_500])
    by_hand.fault(0, 1_000)
    found = only(by_hand)
    assert (found.first_progress_ms, found.stuck) == (None, True)
    assert (found.in_flight, found.settled_ms, found.never_ended) == (1, 3, 0)


def test_a_fault_after_which_nothing_completes_is_stuck(by_hand: ByHand) -> None:
    """Unless nothing was left to complete."""
    completions(by_hand, range(100, 2_000, 100))
    by_hand.fault(0, 2_500)
    found = only(by_hand)
    assert (found.first_progress_ms, found.stuck, found.in_flight) == (None, False, 0)
    assert found.settled_ms is None
    by_hand.launch(2_600)
    assert only(by_hand).stuck


def test_a_short_fault_has_the_first_look_after_it(by_hand: ByHand) -> None:
    """Queues are looked at once a second; without any look there is no backlog."""
    by_hand.fault(0, 1_100, 1_200)
    assert (only(by_hand).backlog_before, only(by_hand).backlog_peak) == (None, None)
    by_hand.queues(2_000, 5)
    by_hand.queues(3_000, 9)
    assert (only(by_hand).backlog_before, only(by_hand).backlog_peak) == (None, 5)


def test_instances_that_never_end_leave_a_fault_unsettled(by_hand: ByHand) -> None:
    """How many is told; those that were begun later are not the fault's."""
    by_hand.launch(900)
    by_hand.complete(950, 1_200)
    by_hand.launch(1_100)
    by_hand.fault(0, 1_000)
    found = only(by_hand)
    assert (found.in_flight, found.never_ended, found.settled_ms) == (2, 1, None)


def test_a_fault_that_is_never_healed_lasts_for_ever(by_hand: ByHand) -> None:
    """No duration, no progress after the healing; the backlog counts to the window's end."""
    completions(by_hand, range(100, 4_000, 100))
    by_hand.launch(3_900)
    for ms, depth in ((3_000, 1), (9_000, 8), (10_500, 9), (11_000, 99)):
        by_hand.queues(ms, depth)
    by_hand.fault(0, 4_000)
    found = only(by_hand)
    assert (found.lasted_secs, found.first_progress_after_heal_ms) == (None, None)
    assert (found.former_rate_ms, found.former_rate_reason) == (None, NOT_BACK)
    assert (found.backlog_before, found.backlog_peak) == (1, 8)


def test_without_books_ends_are_unknown(by_hand: ByHand) -> None:
    """A cell that was cut off has no figure that needs them, and is not called stuck."""
    completions(by_hand, range(100, 4_000, 100))
    by_hand.fault(0, 2_000, 3_000)
    recorded = by_hand.save()
    for name in ("executions", "history", "end"):
        path = recorded.path(name)
        (path if path.exists() else recorded.directory / "end.json").unlink()
    (found,) = recovery(by_hand.open_saved())
    assert found.former_rate_reason == "the histories were not copied out"
    assert (found.stuck, found.in_flight, found.extra_executions) == (False, None, None)
    assert found.lasted_secs == 1.0


def test_a_window_that_never_closed_has_no_rate(by_hand: ByHand) -> None:
    """What was seen is told all the same."""
    completions(by_hand, range(100, 4_000, 100))
    by_hand.fault(0, 2_000, 3_000)
    by_hand.unmark("window_end")
    found = only(by_hand)
    assert found.former_rate_reason == "the window was never closed"
    assert found.first_progress_ms == 100


def test_instances_that_last_progress_by_generations(by_hand: ByHand) -> None:
    """They themselves end with the cell, which is neither progress nor settling."""
    by_hand.complete(0, END_MS, seen_ms=END_MS + 1)
    instance = "par-0000000"
    for number, ended in ((1, 900), (2, 1_900), (3, 3_400)):
        by_hand.execution(
            ended - 500, ended, instance=instance, number=number + 1, status="ContinuedAsNew",
            current=False,
        )  # fmt: skip
    by_hand.fault(0, 2_000)
    recorded = by_hand.save()
    head = recorded.directory / "cell.json"
    head.write_text(head.read_text().replace('"lasting": false', '"lasting": true'))
    (found,) = recovery(by_hand.open_saved())
    assert (found.first_progress_ms, found.in_flight, found.settled_ms) == (1_400, 1, None)


def test_overlapping_faults_are_looked_at_each_by_itself(by_hand: ByHand) -> None:
    """Both have the same first progress, counted from their own beginnings."""
    completions(by_hand, [*range(100, 3_000, 100), *range(6_000, 10_000, 100)])
    by_hand.complete(2_900, 6_000)
    by_hand.complete(3_500, 7_000)
    by_hand.fault(0, 3_000, 5_000, name="pause")
    by_hand.fault(1, 4_000, 4_500)
    pause, kill = struck(by_hand)
    assert (pause.first_progress_ms, kill.first_progress_ms) == (3_000, 2_000)
    assert (pause.first_progress_after_heal_ms, kill.first_progress_after_heal_ms) == (1_000, 1_500)
    assert (pause.in_flight, kill.in_flight) == (1, 2)
    assert (pause.settled_ms, kill.settled_ms) == (3_000, 3_000)


def test_an_extra_run_counts_for_the_last_fault_before_it(by_hand: ByHand) -> None:
    """One run an attempt is no extra, in whatever order; every further one is."""
    by_hand.step("0", scheduled_ms=[100], begun_ms=[110])
    by_hand.step("1", scheduled_ms=[100, 300], begun_ms=[110, 310])  # failed by plan, tried again
    by_hand.step("2", scheduled_ms=[900], begun_ms=[950, 1_500])  # lost with its host
    by_hand.step("3", scheduled_ms=[900], begun_ms=[950, 2_500, 2_600])
    by_hand.step("4", scheduled_ms=[900, 3_000], begun_ms=[950, 1_600, 3_010])
    by_hand.step("5", scheduled_ms=[50], begun_ms=[60, 70])  # before any fault
    by_hand.step("6", scheduled_ms=[], begun_ms=[1_100, 1_200])  # nobody's: another check has it
    by_hand.fault(0, 1_000, 1_100)
    by_hand.fault(1, 2_000, 2_100)
    assert [found.extra_executions for found in struck(by_hand)] == [2, 2]


def test_a_repeat_is_extra_also_where_an_attempt_never_ran(by_hand: ByHand) -> None:
    """Two attempts and two runs, but both runs of the first: the second was withdrawn."""
    by_hand.step("0", scheduled_ms=[900, 1_800], begun_ms=[950, 1_500])
    by_hand.fault(0, 1_000)
    assert only(by_hand).extra_executions == 1


def test_steps_of_a_users_own_are_known_by_their_names(by_hand: ByHand) -> None:
    """Two calls of one name share a token; a third run of them is one too many."""
    for number in (1, 2):
        by_hand.line(
            "history", instance="own", execution=1, event_id=number, kind="ActivityScheduled",
            ts_ms=by_hand.at(900) // NS_PER_MS, data='{"name":"charge","input":"{}"}',
        )  # fmt: skip
    for ms in (950, 960, 1_500):
        by_hand.line("effects", phase="begin", token="own|1|charge", instance="own", run=ms,
                     node="host-0", at_ns=by_hand.at(ms))  # fmt: skip
    by_hand.fault(0, 1_000)
    assert only(by_hand).extra_executions == 1


def test_faults_that_begin_at_once_share_nothing_twice(by_hand: ByHand) -> None:
    """An extra run is counted for one of them."""
    by_hand.step("0", scheduled_ms=[900], begun_ms=[950, 1_500])
    by_hand.fault(0, 1_000)
    by_hand.fault(1, 1_000, name="pause")
    assert [found.extra_executions for found in struck(by_hand)] == [0, 1]


STEADY = [*range(0, 20_000, 100)]


def without(first_ms: int, last_ms: int, every: int = 1) -> list[int]:
    """Ten completions a second, but none (or only one of `every`) between two moments."""
    return [
        ms for ms in STEADY if not first_ms < ms < last_ms or (every > 1 and ms // 100 % every == 0)
    ]


@pytest.mark.parametrize(
    ("ends_ms", "began_ms", "ended_ms", "rate_ms"),
    [
        (STEADY, 10_000, 11_000, 0),
        (without(10_000, 13_000), 10_000, 11_000, 3_000),
        # Shorter than half a span: a pause, and no dip of the rate.
        (without(10_000, 10_400), 10_000, 11_000, 0),
        # What was under way still ended; the fall came later, and a lone completion is no recovery.
        (sorted([*without(10_300, 13_000), 11_500]), 10_000, 11_000, 3_000),
        # A fall while the fault lasts counts, one after it was healed does not.
        (without(12_000, 14_000), 10_000, 12_500, 4_000),
        (without(12_000, 14_000), 10_000, 11_000, 0),
        (without(12_000, 14_000), 10_000, None, 4_000),
        # A burst after an outage brings it back no earlier than the outage ends.
        (sorted([*without(10_000, 13_000), *[13_000] * 50]), 10_000, 11_000, 3_000),
        # Less than before, but not less than half, is no dip; a third is, and is not back.
        (without(10_000, 16_000, every=3), 10_000, 16_000, 5_900),
    ],
)
def test_the_former_rate_is_back(
    ends_ms: list[int], began_ms: int, ended_ms: int | None, rate_ms: int
) -> None:
    """From the beginning of the fault to the completion that a second as before begins with."""
    found = former_rate(
        [ms * NS_PER_MS for ms in ends_ms], began_ms * NS_PER_MS,
        None if ended_ms is None else ended_ms * NS_PER_MS, 0, 20_000 * NS_PER_MS,
    )  # fmt: skip
    assert found == (rate_ms * NS_PER_MS, "")


@pytest.mark.parametrize(
    ("ends_ms", "began_ms", "reason"),
    [
        ([], 10_000, "fewer than 5 completions before it"),
        (STEADY, 999, "less than 1 s of load before it"),
        ([6_000, 7_000, 8_000, 9_000], 10_000, "fewer than 5 completions before it"),
        ([*range(0, 5_000, 100)], 10_000, "fewer than 5 completions before it"),
        (STEADY, 19_001, "too near the end of the window"),
        (STEADY, 25_000, "fewer than 5 completions before it"),
        ([*range(0, 10_000, 100)], 10_000, NOT_BACK),
        # Nine tenths are wanted, and eight come.
        (sorted({*without(10_000, 20_000)} | {ms for ms in STEADY if ms > 12_000 and ms % 500}),
         10_000, NOT_BACK),
    ],
)  # fmt: skip
def test_a_rate_that_is_not_known_has_a_reason(
    ends_ms: list[int], began_ms: int, reason: str
) -> None:
    """Too little before it, too little after it, or not back."""
    ends = [ms * NS_PER_MS for ms in ends_ms]
    began = began_ms * NS_PER_MS
    assert former_rate(ends, began, None, 0, 20_000 * NS_PER_MS) == (None, reason)


def test_a_slow_rate_is_looked_at_for_longer() -> None:
    """One completion a second: spans are five seconds, so that chance is no dip."""
    slow = [ms for ms in range(0, 40_000, 1_000) if not 10_000 < ms < 20_000]
    ends = [ms * NS_PER_MS for ms in slow]
    found = former_rate(ends, 10_000 * NS_PER_MS, 12_000 * NS_PER_MS, 0, 40_000 * NS_PER_MS)
    assert found == (10_000 * NS_PER_MS, "")


def test_a_summary_is_over_all_of_a_name(by_hand: ByHand) -> None:
    """Median and maximum of those that began; reasons of those that were skipped."""
    completions(by_hand, [1_100, 2_400, 3_300])
    by_hand.step("0", scheduled_ms=[900], begun_ms=[950, 1_500, 3_500])
    for number, ms in enumerate((1_000, 2_000, 3_000)):
        by_hand.queues(ms + 1, number)
        by_hand.fault(number, ms, ms + 100)
    by_hand.fault(3, None, skipped="host-1 was not serving")
    by_hand.fault(4, None, skipped="host-1 was not serving")
    found = by_name(by_hand)["kill"]
    assert (found.intended, found.count, found.skipped) == (5, 3, 2)
    assert found.skip_reasons == {"host-1 was not serving": 2}
    assert found.never_healed == ()
    assert found.lasted_secs == Spread(3, 0, 0.1, 0.1)
    assert found.first_progress_ms == Spread(3, 0, 300, 400)
    assert found.former_rate_ms == Spread()
    assert found.backlog_peak == Spread(3, 0, 1, 2)
    assert found.extra_executions == 2


def test_what_never_came_counts_as_longest(by_hand: ByHand) -> None:
    """Else the median would be that of the survivors."""
    completions(by_hand, [1_100])
    by_hand.launch(900)
    for number, ms in enumerate((1_000, 2_000, 3_000)):
        by_hand.fault(number, ms)
    found = by_name(by_hand)["kill"]
    assert found.first_progress_ms == Spread(1, 2, None, None)
    assert found.settled_ms == Spread(0, 3, None, None)
    assert found.never_healed == ("0 (host-1)", "1 (host-1)", "2 (host-1)")
    assert found.lasted_secs == Spread(0, 3, None, None)


def test_a_fault_that_was_only_skipped_has_a_summary_and_no_figures(by_hand: ByHand) -> None:
    """Names stand in the order of their first injections."""
    by_hand.fault(0, None, name="pause", skipped="host-1 was not serving")
    by_hand.fault(1, 1_000, 1_500)
    found = by_name(by_hand)
    assert list(found) == ["pause", "kill"]
    pause = found["pause"]
    assert (pause.count, pause.skipped, pause.extra_executions) == (0, 1, None)
    assert pause.first_progress_ms == pause.lasted_secs == Spread()


def test_a_fault_that_never_came_to_be_is_intended_only(by_hand: ByHand) -> None:
    """A cell that was cut off before it was due."""
    by_hand.fault(0, None)
    found = by_name(by_hand)["kill"]
    assert (found.intended, found.count, found.skipped) == (1, 0, 0)
