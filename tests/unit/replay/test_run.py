"""Whole recordings against code: counts, places, verdicts, and what cannot be replayed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from duroxide_stress import replay_recording
from duroxide_stress.errors import UsageError
from duroxide_stress.plan import Cell
from duroxide_stress.replay import report, running
from duroxide_stress.replay.code import Registrations
from duroxide_stress.replay.result import CellReplay
from duroxide_stress.replay.run import EXAMPLES, MOST_ENDLESS
from duroxide_stress.scenarios.registry import SCENARIOS
from recordings.make import Recorded, make_run, small_cell, where

MINE = """
class Mine:
    name = "mine"

    def register(self, runtime):
        runtime.register_activity("step")(print)
        runtime.register_orchestration("{name}")({code})

    def start(self, i):
        return "{name}", i

    def accepts(self, i, status, output, error):
        return None


def early(ctx, given):
    print("this goes nowhere")
    return ["early"]
    yield


def endless(ctx, given):
    while True:
        yield ctx.start_orchestration("other", "other-1")


def looking(ctx, given):
    yield ctx.wait_for_event("go " + ctx.instance_id)
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a module of the user's; returns the reference of its scenario."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str = "parallel", code: str = "early") -> str:
        (tmp_path / "mine.py").write_text(MINE.format(name=name, code=code))
        return "mine:Mine"

    yield write
    sys.modules.pop("mine", None)


def replayed(recorded: Recorded, scenario: str | None = None, **which: object) -> CellReplay:
    """Its one cell."""
    (cell,) = replay_recording(recorded.run, scenario, **which).cells
    return cell


@pytest.mark.parametrize("scenario", sorted(set(SCENARIOS) - {"versions"}))
def test_the_reference_engines_histories_are_replayed_as_well(
    clean_run: Callable[[Cell], Path], scenario: str
) -> None:
    """Every scenario's, through the interpreter for Duroxide; they differ in nothing."""
    result = replay_recording(clean_run(small_cell(scenario)))
    (cell,) = result.cells
    assert cell.places == ()
    assert (result.verdict, cell.different, cell.unreadable) == ("ok", 0, 0)
    assert cell.instances >= 4
    assert cell.events >= 4 * cell.executions >= 4 * cell.instances


def test_all_is_counted(recorded: Recorded) -> None:
    """Instances, executions, events."""
    cell = replayed(recorded)
    history = recorded.lines("history")
    assert cell.instances == cell.executions == len({line["instance"] for line in history})
    assert cell.events == len(history)
    assert (cell.scenario, cell.recording) == ("parallel", recorded.cell.key)


def test_differences_are_told_by_place(recorded: Recorded, mine: Callable[..., str]) -> None:
    """One place for all, with how many and the first of them."""
    cell = replayed(recorded, mine())
    (place,) = cell.places
    assert (cell.verdict, cell.different) == ("violated", cell.instances)
    assert (place.orchestration, place.kind, place.count) == (
        "parallel",
        "returned",
        cell.instances,
    )
    assert len(place.examples) == EXAMPLES < place.count
    assert place.examples[0].instance == recorded.instance(0)
    assert place.examples[0].code == 'returns ["early"]'


def test_places_are_told_apart_without_values(recorded: Recorded, mine: Callable[..., str]) -> None:
    """What the code does differs in each instance's id: still some instances share a place."""
    first = recorded.instance(0)
    recorded.change("history", where(instance=first, event_id=2), kind="TimerCreated")
    cell = replayed(recorded)
    (place,) = cell.places
    assert (place.kind, place.count, cell.different) == ("step", 1, 1)
    assert place.examples[0].event_id == 2
    assert replayed(recorded, mine(code="looking")).different == cell.instances


def test_code_that_never_comes_back_does_not_cost_every_instance(
    recorded: Recorded, mine: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown a few times, and what was not replayed is said."""
    monkeypatch.setattr(running, "MAX_STEPS", 50)
    cell = replayed(recorded, mine(code="endless"))
    (place,) = cell.places
    assert (cell.verdict, place.kind, place.count) == ("violated", "endless", MOST_ENDLESS)
    assert cell.instances == MOST_ENDLESS
    assert "the rest was left: in 3 instances the code did not come back" in cell.reasons


def test_one_instance_or_some(recorded: Recorded) -> None:
    """Asked for by name, or by number."""
    one = replayed(recorded, instance=recorded.instance(3))
    assert (one.instances, one.verdict) == (1, "ok")
    assert replayed(recorded, limit=5).instances == 5
    with pytest.raises(UsageError, match="has no history of an instance 'nobody'"):
        replay_recording(recorded.run, instance="nobody")


def test_code_without_any_of_the_orchestrations_proves_nothing(
    recorded: Recorded, mine: Callable[..., str]
) -> None:
    """It was probably not meant for this recording."""
    cell = replayed(recorded, mine(name="something-else"))
    assert (cell.verdict, cell.places) == ("unknown", ())
    assert cell.reasons == ("the code has none of the orchestrations in it: 'parallel'",)


def test_code_without_the_version_cannot_resume(recorded: Recorded) -> None:
    """What began as 2.0.0 needs that code."""
    lines = recorded.lines("history")
    for line in lines:
        if line["event_id"] == 1:
            data = {"name": "parallel", "version": "2.0.0", "input": 1}
            line["data"] = json.dumps(data, separators=(",", ":"))
    recorded.put("history", lines)
    (place,) = replayed(recorded).places
    assert (place.kind, place.version) == ("missing", "2.0.0")
    assert place.examples[0].history == "began as 'parallel' in version 2.0.0"
    assert place.examples[0].code == "has it in 1.0.0 only"


def test_an_instance_without_an_end_is_resumable_so_far(recorded: Recorded) -> None:
    """Its history stops; the code follows it there."""
    recorded.drop("history", where(instance=recorded.instance(0), kind="OrchestrationCompleted"))
    cell = replayed(recorded)
    assert (cell.resumable, cell.verdict) == (1, "ok")


def test_the_input_of_the_next_execution_is_compared(
    recording_of: Callable[[Cell], Recorded],
) -> None:
    """What one hands over, the next must have begun with."""
    recorded = recording_of(small_cell("long-running", {"period_ms": 40, "generations": 3}))
    first = recorded.lines("history", where(execution=2, event_id=1))[0]
    data = first["data"].replace('"$generation":1', '"$generation":2')
    assert data != first["data"]
    recorded.change(
        "history", where(instance=first["instance"], execution=2, event_id=1), data=data
    )
    cell = replayed(recorded)
    (place,) = cell.places
    assert (place.kind, place.count) == ("input", 1)
    shown = place.examples[0]
    assert shown.execution == 1
    assert shown.event_id == len(
        recorded.lines("history", where(instance=first["instance"], execution=1))
    )
    assert '"$generation":2' in shown.history


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": "TimerFired"}, "its history begins with TimerFired"),
        ({"data": '{"input'}, "the data of an event is damaged"),
    ],
)
def test_a_history_that_cannot_be_read_is_told(
    recorded: Recorded, fields: dict[str, str], why: str
) -> None:
    """It proves nothing, so neither does the whole."""
    recorded.change("history", where(instance=recorded.instance(0), event_id=1), **fields)
    cell = replayed(recorded)
    assert (cell.verdict, cell.unreadable) == ("unknown", 1)
    assert cell.reasons == (f"1 instances cannot be replayed: {why}",)


def test_without_histories_nothing_is_proven(recorded: Recorded) -> None:
    """The run was cut off before they were copied out, or the cell never began."""
    recorded.put("history", [])
    assert replayed(recorded).reasons == ("there is no history in it to replay",)
    for path in recorded.directory.iterdir():
        path.unlink()
    recorded.directory.rmdir()
    result = replay_recording(recorded.run)
    assert result.verdict == "unknown"
    assert result.cells[0].reasons == ("not run: the run ended before this cell",)


def test_damage_is_told(recorded: Recorded) -> None:
    """A recording that is not as long as it says."""
    recorded.edit("end.json", lines={})
    assert "is damaged" in replayed(recorded).reasons[0]


@pytest.mark.parametrize(
    ("scenario", "sentence"),
    [
        ("paralel", "did you mean 'parallel', or workflows of your own"),
        ("nowhere:Mine", "module 'nowhere' cannot be imported"),
        ("mine:Nobody", "has no 'Nobody'"),
    ],
)
def test_a_scenario_that_cannot_be_loaded_is_a_sentence(
    recorded: Recorded, mine: Callable[..., str], scenario: str, sentence: str
) -> None:
    """Before anything is replayed."""
    mine()
    with pytest.raises(UsageError, match="scenario") as caught:
        replay_recording(recorded.run, scenario)
    assert sentence in str(caught.value)


def test_every_way_to_register_is_gathered() -> None:
    """As on the SDK's runtime, also as decorators; activities are let go."""
    runtime = Registrations()

    def code(ctx: object, given: object) -> None: ...

    assert (
        runtime.register_activity("a", code) is runtime.register_activity_typed("b")(code) is code
    )
    assert runtime.register_orchestration("o", code) is code
    assert runtime.register_orchestration_typed("p")(code) is code
    assert runtime.register_orchestration_versioned("o", "2.0.0", code) is code
    assert runtime.register_orchestration_versioned_typed("p", "2.0.0")(code) is code
    assert set(runtime.code) == {(n, v) for n in "op" for v in ("1.0.0", "2.0.0")}


def test_the_report_names_both_sides_within_80_columns(
    tmp_path: Path, mine: Callable[..., str]
) -> None:
    """Counts, places, examples, verdict; nothing that a terminal would obey."""
    cells = (small_cell(), small_cell("timers"))
    run = make_run(tmp_path / "run", *cells)
    result = replay_recording(run, mine())
    text = report.render(result, run, 80)
    # A path is to be copied whole.
    shown = [line for line in text.splitlines() if not line.startswith("Recording: ")]
    assert max(map(len, shown)) <= 80
    flat = " ".join(text.split())
    assert "returned" not in flat
    assert "parallel.reference.2-2.r1, with the code of mine:Mine" in flat
    assert "history, event 2: schedules activity with" in flat
    assert 'code: returns ["early"]' in flat
    assert "instances differ from what the code does now" in flat
    assert "the code has none of the orchestrations in it: 'timers'" in flat
    assert "Verdict: violated" in flat
    assert json.loads(report.document(result))["schema"] == "duroxide-stress/replay/1"


def test_words_of_others_are_shown_safely(recorded: Recorded) -> None:
    """A name may hold what a terminal would obey."""
    recorded.change(
        "history", where(instance=recorded.instance(0), event_id=2), data='{"name":"\\u001b[31m"}'
    )
    text = report.render(replay_recording(recorded.run), recorded.run, 80)
    assert "\x1b" not in text
    assert "\\x1b[31m" in text
