"""Two sides compared: the verdicts, what they rest on, and what is said instead of one."""

from pathlib import Path

import msgspec
import pytest

from duroxide_stress.errors import UsageError
from duroxide_stress.ledger.compare_result import SCHEMA, Comparison, document
from duroxide_stress.ledger.compare_sources import Source, read_source
from duroxide_stress.reports.json import generate_schema, published_schema
from duroxide_stress.verdict import Verdict
from recordings.make import make_run

from .sides import altered, changes, compared, judged_source, load_cell, recorded, slow_run

FIVE = ("throughput", "mean", "p50", "p95", "p99")


def test_a_run_against_itself(quick_side: Source) -> None:
    """No difference, and it is said that nothing else was looked at."""
    found = compared(quick_side, quick_side)
    (cell,) = found.cells
    assert {c.metric: c.outcome for c in cell.changes} == dict.fromkeys(FIVE, "no difference seen")
    assert all((c.change_pct, c.low_pct, c.high_pct) == (0, 0, 0) for c in cell.changes)
    assert any("the same runs" in note for note in cell.notes)
    assert found.exit_code(fail_on_slower=True) == 0


def test_two_runs_of_one_load(tmp_path: Path) -> None:
    """Other arrivals on the same engine are no difference, by intervals that a fifth of delay leaves."""
    load = {"load": "constant:20/s,poisson", "max_concurrent": 100, "duration_secs": 30}
    base, other = (load_cell(seed=seed, **load) for seed in (1, 2))
    before = judged_source(make_run(tmp_path / "before", base))
    found = compared(before, judged_source(make_run(tmp_path / "after", other)))
    (cell,) = found.cells
    told = {change.metric: change for change in cell.changes if change.low_pct is not None}
    assert {"throughput", "mean", "p50", "p95"} <= set(told)
    for change in told.values():
        assert change.low_pct is not None
        assert change.high_pct is not None
        assert change.low_pct < 0 < change.high_pct, change.metric
    assert told["throughput"].change_pct != 0
    assert told["p50"].outcome == "no difference seen"
    assert not any("the same runs" in note for note in cell.notes)
    assert found.exit_code(fail_on_slower=True) == 0
    slower = changes(before, judged_source(slow_run(tmp_path / "slow", other)))
    assert {slower[name].outcome for name in ("mean", "p50")} == {"slower"}
    assert slower["throughput"].outcome == "cannot tell"  # what arrives is served all the same


def test_a_planted_slowdown(quick_side: Source, slow_side: Source) -> None:
    """Activities that take a fifth longer: a fifth more latency, a sixth less throughput."""
    found = changes(quick_side, slow_side)
    for name, true in (("mean", 20), ("p50", 20), ("throughput", 100 / 1.2 - 100)):
        low, high = found[name].low_pct, found[name].high_pct
        assert low is not None
        assert high is not None
        assert low <= true <= high, name
    assert {found[name].outcome for name in ("throughput", "mean", "p50")} == {"slower"}
    whole = compared(quick_side, slow_side)
    assert whole.exit_code() == 0
    assert whole.exit_code(fail_on_slower=True) == 4
    assert compared(slow_side, quick_side).cells[0].changes[0].outcome == "faster"
    assert compared(slow_side, quick_side).exit_code(fail_on_slower=True) == 0


def test_one_real_run_a_side_is_widened(quick_side: Source) -> None:
    """It knows nothing of run-to-run noise: 8 % are no verdict, 30 % are one."""
    (one,) = quick_side.samples
    base = Source("base", (recorded(one),))
    near = changes(base, Source("candidate", (recorded(one, 1.08),)))
    assert near["mean"].outcome == "cannot tell"
    low, high = near["mean"].low_pct, near["mean"].high_pct
    assert low is not None
    assert high is not None
    assert low < -4 < 20 < high
    far = changes(base, Source("candidate", (recorded(one, 1.30),)))
    assert far["mean"].outcome == "slower"
    (cell,) = compared(base, Source("candidate", (recorded(one, 1.08),))).cells
    assert any("one run a side" in note for note in cell.notes)


def test_repeats_are_replicates(quick_side: Source) -> None:
    """Three runs against two: their own spread, no assumption."""
    (one,) = quick_side.samples
    base = Source("base", tuple(altered(one, s) for s in (1.0, 1.01, 1.02)))
    candidate = Source("candidate", tuple(altered(one, s) for s in (1.2, 1.21)))
    found = changes(base, candidate)["mean"]
    assert (found.outcome, found.confirmed) == ("slower", True)
    assert found.change_pct == pytest.approx(100 * (1.205 / 1.01 - 1), abs=0.01)
    (cell,) = compared(base, candidate).cells
    assert cell.basis == "3 runs against 2"
    assert cell.notes == ()


def test_rounds_are_pairs(quick_side: Source) -> None:
    """What a round shares cancels: drifts of 40 % do not hide a slowdown of 5 %."""
    (one,) = quick_side.samples
    drift, noise = (1.0, 1.2, 1.4, 1.1, 1.3), (1.0, 1.004, 0.998, 1.002, 0.997)
    base = Source("base", tuple(altered(one, d, round=n) for n, d in enumerate(drift)))
    candidate = Source(
        "candidate",
        tuple(
            altered(one, 1.05 * d * e, round=n)
            for n, (d, e) in enumerate(zip(drift, noise, strict=True))
        ),
    )
    assert changes(base, candidate, turns="ABBAABBAAB")["mean"].outcome == "slower"
    assert changes(base, candidate)["mean"].outcome == "cannot tell"


def test_a_round_counts_as_a_whole(quick_side: Source) -> None:
    """A run that was disturbed takes its partner with it."""
    (one,) = quick_side.samples
    sick = msgspec.structs.replace(
        one.result.health, trustworthy=False, reasons=("other processes used 1.9 of 2 cores",)
    )
    base = [altered(one, 1 + n / 100, round=n) for n in range(4)]
    base[1] = altered(one, 1.01, round=1, health=sick)
    candidate = tuple(altered(one, 1.3 + n / 100, round=n) for n in range(4))
    (cell,) = compared(Source("b", tuple(base)), Source("c", candidate), turns="ABBAABBA").cells
    assert cell.basis == "3 pairs, run in turn"
    assert "1.9 of 2 cores" in cell.base.left_out[0]
    assert "of its round" in cell.candidate.left_out[0]


def test_too_few_runs_to_trust(quick_side: Source) -> None:
    """Less than half of a side's runs left is no side; it is not 0 either, it is unknown."""
    (one,) = quick_side.samples
    sick = msgspec.structs.replace(one.result.health, trustworthy=False, reasons=("late",))
    base = tuple(altered(one, 1 + n / 100, health=sick) for n in range(3))
    found = compared(Source("b", base), quick_side, across_machines=True)
    (cell,) = found.cells
    assert {c.outcome for c in cell.changes} == {"cannot tell"}
    assert all("too few runs" in c.why for c in cell.changes)
    assert found.exit_code() == 3
    asked = compared(Source("b", base), Source("c", (altered(one, 1.5),)), untrusted=True)
    assert asked.cells[0].basis == "3 runs against 1"
    assert any("3 of 4 runs count though" in note for note in asked.cells[0].notes)
    (single,) = compared(
        Source("b", base[:1]), Source("c", (altered(one, 1.5),)), untrusted=True
    ).cells
    assert any("an assumed 12 %" in note for note in single.notes)


def test_figures_without_a_recording(fast: Path, tmp_path: Path) -> None:
    """A result that lies elsewhere has figures and no interval."""
    moved = tmp_path / "moved.json"
    moved.write_bytes((fast / "result.json").read_bytes())
    side = read_source(str(moved))
    (one,) = side.samples
    found = changes(side, Source("c", (altered(one, 1.5, environment=one.environment),)),
                    across_machines=True)  # fmt: skip
    assert found["mean"].change_pct == pytest.approx(50)
    assert found["mean"].low_pct is None
    assert found["mean"].outcome == "cannot tell"
    assert "recording" in found["mean"].why


def test_other_settings_are_another_load(quick_side: Source) -> None:
    """No verdict, unless that is what is to be compared."""
    (one,) = quick_side.samples
    config = msgspec.structs.replace(one.cell.config, max_concurrent=9)
    other = recorded(one, 1.5, cell=msgspec.structs.replace(one.cell, config=config))
    base, candidate = Source("b", (recorded(one),)), Source("c", (other,))
    assert {c.outcome for c in changes(base, candidate).values()} == {"cannot tell"}
    (cell,) = compared(base, candidate).cells
    assert "different settings: max_concurrent 4 against 9" in cell.notes
    assert changes(base, candidate, across_settings=True)["mean"].outcome == "slower"
    wanted = {"across_settings": True, "untrusted": True, "command": "duroxide-stress compare a b"}
    assert compared(base, candidate, **wanted).command.endswith("a b --across-settings --untrusted")


def test_other_machines_are_refused(quick_side: Source) -> None:
    """One sentence with both; and said when it is wanted."""
    (one,) = quick_side.samples
    there = {**altered(one).environment, "host": "there", "cpus": 64}
    base, candidate = Source("b", (altered(one),)), Source("c", (altered(one, environment=there),))
    with pytest.raises(UsageError, match=r"here, 4 cpus.* x86_64.*there, 64 cpus.* x86_64"):
        compared(base, candidate)
    found = compared(base, candidate, across_machines=True)
    assert any("different machines" in warning for warning in found.warnings)


def test_the_same_machine_after_an_update(quick_side: Source) -> None:
    """Less memory and a new kernel make no other machine, as in a ledger; another system does."""
    (one,) = quick_side.samples
    old = {**altered(one).environment, "memory_bytes": 33_600_000_000, "platform": "Linux-6.1.0-x"}
    new = {**old, "memory_bytes": 33_599_000_000, "platform": "Linux-6.8.2-x"}
    base = Source("b", (altered(one, environment=old),))
    found = compared(base, Source("c", (altered(one, environment=new),)))
    assert not any("different machines" in warning for warning in found.warnings)
    other = Source("c", (altered(one, environment={**new, "platform": "Darwin-23"}),))
    with pytest.raises(UsageError, match="different machines"):
        compared(base, other)


def test_violated_promises(quick_side: Source) -> None:
    """The candidate's are the exit code; the base's are only said."""
    (one,) = quick_side.samples
    broken = altered(one, verdict=Verdict.VIOLATED, reasons=("outputs: 3 found",))
    sound = altered(one, 1.01)
    worse = compared(Source("b", (sound,)), Source("c", (broken,)))
    assert worse.exit_code() == 1
    assert worse.broken[0].startswith("candidate: ")
    better = compared(Source("b", (broken,)), Source("c", (sound,)))
    assert better.broken[0].startswith("base: ")
    assert better.exit_code() != 1
    alone = altered(
        one, verdict=Verdict.VIOLATED, cell=msgspec.structs.replace(one.cell, scenario="x")
    )
    assert compared(Source("b", (sound,)), Source("c", (sound, alone))).exit_code() == 1


def test_cells_of_one_side_only(quick_side: Source) -> None:
    """They are named, and nothing is left that could be told."""
    (one,) = quick_side.samples
    renamed = altered(one, cell=msgspec.structs.replace(one.cell, scenario="timers"))
    found = compared(Source("b", (altered(one),)), Source("c", (renamed,)))
    assert found.cells == ()
    assert [text.split(": ")[1] for text in found.unmatched] == [
        "only in the base",
        "only in the candidate",
    ]
    assert found.exit_code() == 3


def test_a_run_that_was_cut_off(quick_side: Source) -> None:
    """It has no window, so it is left out with its reason."""
    (one,) = quick_side.samples
    cut = altered(
        one,
        window=msgspec.structs.replace(one.result.window, secs=None),
        reasons=("the cell was cut off: it has no end.json",),
    )
    (cell,) = compared(Source("b", (cut,)), Source("c", (altered(one),))).cells
    assert "cut off" in cell.base.left_out[0]
    assert {c.outcome for c in cell.changes} == {"cannot tell"}


def test_the_same_run_twice_is_one(quick_side: Source) -> None:
    """Repeats in virtual time that did the same are not evidence of no noise."""
    (one,) = quick_side.samples
    twice = Source("b", (altered(one), altered(one)))
    (cell,) = compared(twice, Source("c", (altered(one, 1.3),))).cells
    assert cell.basis.startswith("1 run against 1")
    assert "one run, not two" in cell.base.left_out[0]


def test_the_document_fits_its_schema(quick_side: Source, slow_side: Source) -> None:
    """What is written can be read by others."""
    import jsonschema

    text = document(compared(quick_side, slow_side))
    jsonschema.validate(msgspec.json.decode(text), published_schema(SCHEMA))
    assert published_schema(SCHEMA) == generate_schema(SCHEMA, Comparison)
