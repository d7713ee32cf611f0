"""Every scenario: its clean recording, on which all checks are silent, and wrong results planted in it.

What is planted here is wrong in what came out of an instance; what is wrong in histories only stands
with the check that reads them.
"""

from collections.abc import Callable
from typing import Any

import pytest

from duroxide_stress.scenarios.registry import SCENARIOS
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, encoded, where

from .planted import CELLS, RecordingOf, book, end, event, fail, give, op_of, root, told

Damage = Callable[[Recorded], str]
"""Makes something come out wrong and returns the instance."""


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_clean_recording(recording_of: RecordingOf, scenario: str) -> None:
    """Nothing is found, everything that is asked is seen to hold, and expected ends are successes."""
    recorded = recording_of(CELLS[scenario])
    cell = recorded.judged()
    assert [f for check in cell.checks for f in check.findings] == []
    assert {
        check.name for check in cell.checks if check.asked and check.verdict != Verdict.OK
    } == set()
    assert cell.verdict is Verdict.OK
    assert cell.completed == cell.launched >= 4
    assert cell.failed == 0


def output_of(recorded: Recorded, instance: str) -> Any:
    """What the client was given."""
    return recorded.lines("ops", where(type="ok", op=op_of(recorded, instance)))[0]["output"]


def return_(recorded: Recorded, instance: str, output: Any) -> str:
    """Let an instance have returned this, to the client and in the books."""
    give(recorded, op_of(recorded, instance), output)
    book(recorded, op_of(recorded, instance), output)
    return instance


def swapped_outputs(recorded: Recorded) -> str:
    """Each has the other's result."""
    one, other = root(recorded), root(recorded, nth=1)
    first, second = output_of(recorded, one), output_of(recorded, other)
    return_(recorded, other, first)
    return return_(recorded, one, second)


def swapped_results(recorded: Recorded) -> str:
    """Two steps of one instance have each other's result."""
    one = root(recorded)
    first, second, *rest = output_of(recorded, one)
    return return_(recorded, one, [second, first, *rest])


def a_race_without_a_winner(recorded: Recorded) -> str:
    """Neither side's result."""
    one = root(recorded)
    *before, race = output_of(recorded, one)
    return return_(recorded, one, [*before, {"winner": 1 - race["winner"], **_rest(race)}])


def _rest(race: dict[str, Any]) -> dict[str, Any]:
    return {"result": race["result"]}


def a_generation_too_few(recorded: Recorded) -> str:
    """Counted right, but its results were folded without one generation's."""
    one = root(recorded)
    return return_(recorded, one, {**output_of(recorded, one), "results": "05dc35ff79483416"})


def a_generation_too_many(recorded: Recorded) -> str:
    """The chain is right and the count is not."""
    one = root(recorded)
    return return_(recorded, one, {**output_of(recorded, one), "generations": 5})


def a_child_left_out(recorded: Recorded) -> str:
    """One grandchild's result was not folded upward."""
    one = root(recorded)
    (first, second), handled = output_of(recorded, one)
    return return_(recorded, one, [[first[:1], second], handled])


def a_failing_child_that_was_not_noticed(recorded: Recorded) -> str:
    """The parent took its failing child for a completed one."""
    one = root(recorded)
    levels, handled = output_of(recorded, one)
    return return_(recorded, one, [levels, {"done": handled["undone"]}])


def one_character_of_a_payload(recorded: Recorded) -> str:
    """The digest of what the orchestration received is another one."""
    one = root(recorded)
    *before, last = output_of(recorded, one)
    last[0]["payload"] = last[0]["payload"][::-1]
    return return_(recorded, one, [*before, last])


def a_doubled_message(recorded: Recorded) -> str:
    """One message of one sender came twice."""
    one = root(recorded, "events-queue")
    output = output_of(recorded, one)
    output["results"]["sender-1"].insert(1, 0)
    return return_(recorded, one, output)


def a_lost_message(recorded: Recorded) -> str:
    """One message of one sender never came."""
    one = root(recorded, "events-queue")
    output = output_of(recorded, one)
    output["results"]["sender-2"].pop()
    return return_(recorded, one, output)


def a_message_out_of_order(recorded: Recorded) -> str:
    """Two messages of one sender changed places."""
    one = root(recorded, "events-queue")
    output = output_of(recorded, one)
    output["results"]["sender-0"][:2] = [1, 0]
    return return_(recorded, one, output)


def a_signal_nobody_raised(recorded: Recorded) -> str:
    """Any of the raised values is right; this is none of them."""
    return return_(recorded, root(recorded, "events-signal"), 120)


def a_doomed_instance_that_completed(recorded: Recorded) -> str:
    """It should have failed."""
    one = root(recorded, "failures-doomed")
    end(recorded, op_of(recorded, one), type="ok", output=None)
    recorded.change("executions", where(instance=one), status="Completed", output="null")
    return one


def other_words(recorded: Recorded) -> str:
    """It failed, at another step than planned."""
    one = root(recorded, "failures-doomed")
    fail(recorded, op_of(recorded, one), "planned failure at step 0.2", category="application")
    return one


def a_saga_that_undid_nothing(recorded: Recorded) -> str:
    """The failure was handled without the compensation."""
    one = root(recorded, "failures-saga")
    return return_(recorded, one, {**output_of(recorded, one), "undone": None})


def a_timeout_that_did_not_come(recorded: Recorded) -> str:
    """The activity that takes too long was waited for."""
    one = root(recorded, "failures-timeout")
    return return_(recorded, one, {"done": output_of(recorded, one)["undone"]})


def a_cancelled_child_taken_for_a_result(recorded: Recorded) -> str:
    """An instance completed without the work that its cancelled child left undone."""
    done = recorded.lines("ops", where(type="ok"))[0]["op"]
    one = str(recorded.lines("ops", where(type="invoke", op=done))[0]["instance"])
    output = output_of(recorded, one)
    return return_(recorded, one, [*output[:2], None, *output[3:]])


def a_cancel_and_a_completion(recorded: Recorded) -> str:
    """The client saw it completed, the books have it cancelled."""
    done = recorded.lines("ops", where(type="ok"))[0]["op"]
    one = str(recorded.lines("ops", where(type="invoke", op=done))[0]["instance"])
    words = "canceled: enough of it"
    recorded.change(
        "executions", where(instance=one), status="Failed", category="canceled", error=words
    )
    return one


def a_race_with_both_results(recorded: Recorded) -> str:
    """The loser's result beside the winner's."""
    one = root(recorded)
    first, *rest = output_of(recorded, one)
    return return_(recorded, one, [{**first, "result": [first["result"], None]}, *rest])


def a_timer_that_did_not_win(recorded: Recorded) -> str:
    """Either of two timers may win; the history has the other one's firing."""
    one = root(recorded)
    output = output_of(recorded, one)
    output[4] = {"winner": 1 - output[4]["winner"], "result": None}
    return return_(recorded, one, output)


def of_another_part(recorded: Recorded) -> str:
    """An instance of one part has the output of another part's instance."""
    one, other = root(recorded, "parallel"), root(recorded, "timers")
    return return_(recorded, one, output_of(recorded, other))


def a_step_that_was_never_undone(recorded: Recorded) -> str:
    """Everything is booked and returned, but nothing ran."""
    one = root(recorded, "failures-saga")
    recorded.drop("effects", where(token=f"{one}|1|0.1.1"))
    return one


def a_stranger_in_the_result(recorded: Recorded) -> str:
    """A token of one instance in another's history."""
    one, other = root(recorded), root(recorded, nth=1)
    done = event(recorded, one, "ActivityCompleted")
    recorded.change(
        "history",
        where(instance=one, event_id=done["event_id"]),
        data=encoded({"token": f"{other}|1|0.0", "value": 1}),
    )
    return one


def a_half_of_each_version(recorded: Recorded) -> str:
    """It began with the old code and ended with the new."""
    one = root(recorded)
    (line,) = recorded.lines("ops", where(type="invoke", instance=one))
    old, new = line["expect"]["versions"].values()
    return return_(recorded, one, [*old[:4], *new[4:]])


PLANTED: list[tuple[str, Damage, str]] = [
    ("parallel", swapped_outputs, "outputs"),
    ("parallel", swapped_results, "outputs"),
    ("parallel", a_stranger_in_the_result, "isolation"),
    ("timers", swapped_outputs, "outputs"),
    ("timers", a_race_without_a_winner, "outputs"),
    ("long-running", a_generation_too_few, "outputs"),
    ("long-running", a_generation_too_many, "outputs"),
    ("sub-orchestrations", swapped_outputs, "outputs"),
    ("sub-orchestrations", a_child_left_out, "outputs"),
    ("sub-orchestrations", a_failing_child_that_was_not_noticed, "outputs"),
    ("large-payload", one_character_of_a_payload, "outputs"),
    ("large-payload", swapped_results, "outputs"),
    ("events", a_doubled_message, "outputs"),
    ("events", a_lost_message, "outputs"),
    ("events", a_message_out_of_order, "outputs"),
    ("events", a_signal_nobody_raised, "outputs"),
    ("failures", a_doomed_instance_that_completed, "success"),
    ("failures", other_words, "success"),
    ("failures", a_saga_that_undid_nothing, "outputs"),
    ("failures", a_step_that_was_never_undone, "effects"),
    ("failures", a_timeout_that_did_not_come, "outputs"),
    ("versions", swapped_outputs, "outputs"),
    ("versions", a_half_of_each_version, "outputs"),
    ("cancellation", a_cancelled_child_taken_for_a_result, "outputs"),
    ("cancellation", a_cancel_and_a_completion, "success"),
    ("races", a_race_with_both_results, "outputs"),
    ("races", a_timer_that_did_not_win, "races"),
    ("mixed", of_another_part, "outputs"),
    ("mixed", a_doomed_instance_that_completed, "success"),
]


@pytest.mark.parametrize(
    ("scenario", "damage", "check"),
    PLANTED,
    ids=[f"{scenario}-{damage.__name__}" for scenario, damage, _ in PLANTED],
)
def test_a_wrong_result_is_caught(
    recording_of: RecordingOf, scenario: str, damage: Damage, check: str
) -> None:
    """By the check that it is for, and told of the right instance."""
    recorded = recording_of(CELLS[scenario])
    one = damage(recorded)
    assert one in {instance for instance, _ in told(recorded, check)}


def test_something_is_planted_in_every_scenario() -> None:
    """A new scenario comes with a wrong result that its oracle must catch."""
    assert {scenario for scenario, _, _ in PLANTED} == set(SCENARIOS) == set(CELLS)
