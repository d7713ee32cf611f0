"""What is said of series, and what the gate exits with."""

from __future__ import annotations

import random
from collections.abc import Sequence

from duroxide_stress.ledger.entry import Machine
from duroxide_stress.ledger.trend import Trend, gate_code, trends
from duroxide_stress.verdict import Verdict
from unit.ledger.made_up import BEGAN_NS, cell, entry, replace, runs


def values(seed: int = 1, entries: int = 40, step: float = 0.0, last: int = 5) -> list[float]:
    """Throughputs around 20 with a step before the last of them."""
    source = random.Random(seed)
    made = [source.gauss(20, 0.3) for _ in range(entries)]
    return [v + step * (number >= entries - last) for number, v in enumerate(made)]


def states(found: Sequence[Trend]) -> list[str]:
    """In the order of the series."""
    return [trend.state for trend in found]


def test_less_throughput_is_worse_and_more_is_better() -> None:
    """4 and 0: an improvement is told, and fails nothing."""
    for step, state, code in ((-4.0, "worse", 4), (4.0, "better", 0), (0.0, "quiet", 0)):
        found = trends(runs(values(step=step)))
        assert states(found) == [state]
        assert gate_code(found) == code


def test_more_latency_is_worse() -> None:
    """Each metric knows its side."""
    entries = [
        entry(number, cell(values={"p50": value, "throughput": value}))
        for number, value in enumerate(values(step=4.0))
    ]
    assert states(trends(entries)) == ["better", "worse"]
    assert gate_code(trends(entries)) == 4


def test_the_likely_first_bad_run_is_named() -> None:
    """Runs that do not count stand in between, and are passed over."""
    made = runs(values(step=-4.0))
    made[20] = entry(20, cell(1.0, trustworthy=False))
    made[34] = entry(34, cell(1.0, verdict=Verdict.VIOLATED))
    (trend,) = trends(made)
    assert trend.reading.change is not None
    assert trend.first_bad(trend.reading.change).entry.id == made[35].id
    assert trend.worse(trend.reading.change)


def test_too_few_runs_prove_nothing() -> None:
    """3, not 0: a gate that had nothing to compare must not pass."""
    found = trends(runs(values(entries=11)))
    assert states(found) == ["too few"]
    assert found[0].reading.missing == 1
    assert gate_code(found) == 3
    assert gate_code([]) == 3
    assert gate_code(trends(runs(values(entries=12)))) == 0


def test_a_newest_run_that_does_not_count_proves_nothing() -> None:
    """Whatever the runs before it say."""
    made = runs(values(step=-4.0))
    newest = entry(40, cell(16.0, trustworthy=False, reasons=("foreign CPU",)))
    found = trends([*made, newest])
    assert states(found) == ["newest does not count"]
    assert gate_code(found) == 3
    assert gate_code(trends([*made, newest], untrusted=True)) == 4


def test_only_series_of_the_newest_run_are_judged() -> None:
    """One that ended with a regression long ago, or elsewhere, does not ring for ever."""
    elsewhere = [
        replace(e, id=f"f{e.id[1:]}", machine=Machine("elsewhere"), started_ns=BEGAN_NS + n)
        for n, e in enumerate(runs(values(step=-4.0)))
    ]
    here = runs(values(seed=2))
    found = trends([*elsewhere, *here], ["throughput"])
    assert states(found) == ["not in the newest run", "quiet"]
    assert gate_code(found) == 0
    assert gate_code(trends([*here, *elsewhere], ["throughput"])) == 4


def test_one_that_is_worse_beats_all_others() -> None:
    """Beside series that are better, quiet, or too short."""
    made = [
        entry(
            number,
            cell(a, config="1/1"),
            cell(b),
            *([cell(c, config="4/8")] if number > 30 else []),
        )
        for number, (a, b, c) in enumerate(
            zip(values(step=-4.0), values(2, step=4.0), values(3), strict=True)
        )
    ]
    found = trends(made, ["throughput"])
    assert states(found) == ["worse", "better", "too few"]
    assert gate_code(found) == 4
