"""From checks and ends to verdicts: worst wins, and nothing unproven is ok."""

import json

import msgspec
import pytest

from duroxide_stress.api import check_recording
from duroxide_stress.checks.base import Check, Looked
from duroxide_stress.checks.registry import CHECKS
from duroxide_stress.judge import judge_run
from duroxide_stress.recording.records import Ended
from duroxide_stress.result import SCHEMA, Finding, RunResult, TargetResult
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, make_run, small_cell, where

OK, VIOLATED, UNKNOWN = Verdict.OK, Verdict.VIOLATED, Verdict.UNKNOWN
FOUND = Looked(3, [Finding("broken", "in two", "par-1")])


def says(looked: Looked, *, asked: bool = True) -> Check:
    """A check that answers this."""
    return Check("odd", "Odd.", "here", "things", lambda r: looked, asked=lambda r: asked)


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (says(Looked(1)), OK),
        (says(Looked(0)), UNKNOWN),
        (says(Looked(5, undecided="it was dark")), UNKNOWN),
        (says(FOUND), VIOLATED),
        (says(msgspec.structs.replace(FOUND, undecided="it was dark")), VIOLATED),
        (says(Looked(0), asked=False), OK),
        (says(FOUND, asked=False), VIOLATED),
    ],
    ids=[
        "ok",
        "too little",
        "undecided",
        "found",
        "found in the dark",
        "not asked",
        "unasked find",
    ],
)
def test_one_check_decides_a_cell_that_is_otherwise_ok(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, check: Check, verdict: Verdict
) -> None:
    """Violated beats unknown beats ok; an unknown that nobody asked for does not count."""
    monkeypatch.setitem(CHECKS, "odd", check)
    cell = recorded.judged()
    assert cell.verdict is verdict
    assert bool(cell.reasons) == (verdict is not OK)
    assert all(reason.startswith("odd: ") for reason in cell.reasons)


ENDS: list[tuple[Ended, Verdict]] = [
    ("finished", OK),
    ("interrupted", UNKNOWN),
    ("host-died", UNKNOWN),
    ("host-crashed", VIOLATED),
    ("error", UNKNOWN),
]


@pytest.mark.parametrize(("ended", "verdict"), ENDS)
def test_how_a_cell_ended(recorded: Recorded, ended: Ended, verdict: Verdict) -> None:
    """Only a finished cell can be ok; a host's own crash is a violation; the reason stands first."""
    recorded.edit("end.json", ended=ended, reason="" if ended == "finished" else "it went so")
    cell = recorded.judged()
    assert cell.verdict is verdict
    assert cell.reasons == (() if ended == "finished" else ("it went so",))


@pytest.mark.parametrize("ended", [ended for ended, _ in ENDS])
def test_no_end_excuses_a_violation(recorded: Recorded, ended: Ended) -> None:
    """What was proven before the cell ended badly stays proven."""
    recorded.edit("end.json", ended=ended, reason="it went so")
    recorded.change("ops", where(type="ok", op=3), output="wrong")
    cell = recorded.judged()
    assert cell.verdict is VIOLATED
    assert any(reason.startswith("outputs: 1 found in ") for reason in cell.reasons)


def test_the_last_words_of_a_dead_host_are_a_reason(recorded: Recorded) -> None:
    """They stand below why the cell ended."""
    recorded.edit("end.json", ended="host-crashed", reason="it died", last_words="panic!\nbye")
    why, words, *_ = recorded.judged().reasons
    assert why == "it died"
    assert words.endswith("panic!\nbye")


def test_a_cell_that_was_cut_off_is_unknown(recorded: Recorded) -> None:
    """Without end.json it says so first; the figures of what was recorded are kept."""
    (recorded.directory / "end.json").unlink()
    cell = recorded.judged()
    assert cell.verdict is UNKNOWN
    assert cell.reasons[0] == "the cell was cut off: it has no end.json"
    assert cell.completed == cell.launched > 0


def test_a_cell_that_was_cut_off_may_still_be_violated(recorded: Recorded) -> None:
    """A wrong output is wrong, whatever came after it."""
    (recorded.directory / "end.json").unlink()
    recorded.change("ops", where(type="ok", op=3), output="wrong")
    assert recorded.judged().verdict is VIOLATED


def test_a_run_is_as_bad_as_its_worst_cell(recorded: Recorded) -> None:
    """A cell that never ran makes it unknown, a violated one violated; reasons name their cell."""
    run = make_run(recorded.run.parent / "two", small_cell(), small_cell(worker_concurrency=1))
    assert judge_run(run).verdict is OK
    first, second = judge_run(run).cells
    (run / second.recording).rename(run / "away")
    result = judge_run(run)
    assert [cell.verdict for cell in result.cells] == [OK, UNKNOWN]
    assert result.verdict is UNKNOWN
    assert result.reasons == (f"{second.recording}: not run: the run ended before this cell",)
    Recorded(run).change("ops", where(type="ok", op=3), output="wrong")
    result = judge_run(run)
    assert (result.verdict, len(result.reasons)) == (VIOLATED, 3)
    assert {reason.partition(":")[0] for reason in result.reasons} == {
        first.recording,
        second.recording,
    }


def test_a_run_without_cells_proves_nothing(recorded: Recorded) -> None:
    """Nothing at all is unknown."""
    head = json.loads((recorded.run / "plan.json").read_bytes())
    head["plan"]["cells"] = []
    (recorded.run / "plan.json").write_text(json.dumps(head))
    assert judge_run(recorded.run).verdict is UNKNOWN


def test_judging_twice_gives_the_same(recorded: Recorded) -> None:
    """The result is derived: equal to the byte, also after it was deleted or spoilt."""
    recorded.change("ops", where(type="ok", op=3), output="wrong")
    path = recorded.run / "result.json"
    first = check_recording(recorded.run)
    written = path.read_bytes()
    assert check_recording(recorded.run) == first
    path.unlink()
    assert check_recording(recorded.run) == first
    path.write_text("nonsense")
    assert check_recording(recorded.run) == first
    assert path.read_bytes() == written
    assert msgspec.json.decode(written, type=RunResult) == first


def test_the_result_carries_what_was_run_and_where(recorded: Recorded) -> None:
    """Plan, environment and schema version stand in it, so that it can be read alone."""
    result = judge_run(recorded.run)
    assert result.schema == SCHEMA == "duroxide-stress/result/1"
    assert result.plan.cells == (recorded.cell,)
    assert result.environment["host"] == "virtual"
    (cell,) = result.cells
    assert (cell.scenario, cell.title) == ("parallel", "Parallel Orchestrations")
    assert (cell.provider, cell.provider_label) == ("reference", "Reference (virtual)")
    assert (cell.config, cell.repeat, cell.engine) == ("2/2", 1, "reference 1")
    assert cell.settings == recorded.cell.config
    assert cell.recording == recorded.cell.key
    assert cell.command.startswith("duroxide-stress run --scenario parallel ")


def test_figures_of_the_clean_cell_agree_with_each_other(recorded: Recorded) -> None:
    """Three activities an instance were really executed; the virtual engine works at its ceiling."""
    cell = recorded.judged()
    assert cell.activities_executed == 3 * cell.completed
    assert (cell.failed, cell.undecided, cell.success_rate) == (0, 0, 100.0)
    assert cell.ceiling.orchestrations_per_sec == pytest.approx(2 * 1000 / 30)
    assert cell.ceiling.share == pytest.approx(1, abs=0.02)
    # Little's law: eight in flight, each for the mean latency.
    in_flight = cell.orchestrations_per_sec * cell.client_latency_ms.mean / 1000
    assert in_flight == pytest.approx(8, rel=0.03)
    assert cell.client_latency_ms.mean > cell.latency_ms.mean


def test_activities_are_counted_as_they_were_really_executed(recorded: Recorded) -> None:
    """One that ran twice counts twice, whatever the scenario assumes; promises do not forbid it."""
    before = recorded.judged()
    recorded.double("effects", where(run=100))
    after = recorded.judged()
    assert after.activities_executed == before.activities_executed + 1
    assert after.activities_per_sec == before.activities_per_sec + 1
    assert after.verdict is OK


@pytest.mark.parametrize(
    ("states", "missed"),
    [
        ([], False),
        (["met", "out_of_reach", "untrusted", "no_figure"], False),
        (["met", "missed"], True),
    ],
)
def test_only_a_missed_target_is_missed(
    recorded: Recorded, states: list[str], missed: bool
) -> None:
    """Out of reach, untrusted and without figure are none."""
    result = judge_run(recorded.run)
    targets = tuple(TargetResult("t", 1.0, 1.0, state) for state in states)  # type: ignore[arg-type]
    cell = msgspec.structs.replace(result.cells[0], targets=targets)
    assert msgspec.structs.replace(result, cells=(cell,)).target_missed is missed
