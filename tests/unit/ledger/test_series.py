"""Which figures are compared with which."""

from duroxide_stress.ledger.entry import Machine
from duroxide_stress.ledger.series import Wanted, series_of
from duroxide_stress.verdict import Verdict
from unit.ledger.made_up import cell, entry, replace, runs


def values(entries: list, **given: bool) -> list[list[float]]:
    """Of each series."""
    return [[p.value for p in s.points] for s in series_of(entries, ["throughput"], **given)]


def test_a_series_is_one_figure_of_one_cell() -> None:
    """Run after run."""
    (series,) = series_of(runs([20, 21, 19]), ["throughput"])
    assert [(p.value, p.counts) for p in series.points] == [(20, True), (21, True), (19, True)]
    assert series.key[:4] == ("throughput", "parallel", "sqlite-file", "2/2")
    assert series_of(runs([20]), ["p99"]) == []


def test_what_is_not_the_same_is_another_series() -> None:
    """Scenario, provider, config, settings, machine: nothing is mixed."""
    others = [
        {"scenario": "timers"},
        {"provider": "sqlite-memory"},
        {"config": "4/8"},
        {"digest": "00000000"},
    ]
    cells = [cell(10.0 + n, **fields) for n, fields in enumerate([{}, *others])]
    mine = [entry(n, *cells) for n in (1, 2)]
    theirs = [entry(n, *cells, machine=Machine("elsewhere", 4, 16)) for n in (3, 4)]
    smaller = replace(mine[0].machine, cpus=2)
    assert values(mine) == [[10.0 + n] * 2 for n in range(5)]
    assert len(values([*mine, *theirs])) == 10
    assert len(values([*mine, entry(5, cell(), machine=smaller)])) == 6


def test_repeats_are_one_point() -> None:
    """The median of those that count."""
    wild = cell(90.0, repeat=3, trustworthy=False, reasons=("foreign CPU",))
    cells = (cell(10.0), cell(14.0, repeat=2), wild, cell(11.0, repeat=4))
    (series,) = series_of([entry(1, *cells)], ["throughput"])
    (point,) = series.points
    assert (point.value, point.repeats, point.counts) == (11.0, 3, True)


def test_what_cannot_be_trusted_is_shown_and_does_not_count() -> None:
    """Nor do figures of wrong results; the reason is kept."""
    distrusted = cell(5.0, trustworthy=False, reasons=("foreign CPU 1.3 cores",))
    wrong = cell(99.0, verdict=Verdict.VIOLATED, reasons=("outputs: 3 are wrong",))
    unproven = cell(20.0, verdict=Verdict.UNKNOWN)
    entries = [entry(n, c) for n, c in enumerate((cell(), distrusted, wrong, unproven))]
    (series,) = series_of(entries, ["throughput"])
    assert [point.counts for point in series.points] == [True, False, False, True]
    assert [point.why for point in series.points] == [
        "",
        "not trustworthy: foreign CPU 1.3 cores",
        "violated: outputs: 3 are wrong",
        "",
    ]
    assert [point.value for point in series.counting] == [20, 20]
    (all_of_it,) = series_of(entries, ["throughput"], untrusted=True)
    assert [point.counts for point in all_of_it.points] == [True, True, False, True]


def test_only_what_is_wanted() -> None:
    """Cells by name, machines by host; a run that has no such cell is left out."""
    elsewhere = Machine("elsewhere")
    entries = [
        entry(1, cell(), cell(provider="sqlite-memory")),
        entry(2, cell(scenario="timers")),
        entry(3, cell(), machine=elsewhere),
    ]
    found = Wanted(scenarios=("parallel",), providers=("sqlite-file",)).of(entries)
    assert [(e.id, len(e.cells)) for e in found] == [("00000001", 1), ("00000003", 1)]
    assert [e.id for e in Wanted(machines=("elsewhere",)).of(entries)] == ["00000003"]
    assert Wanted().of(entries) == entries
    assert Wanted(configs=("1/1",)).of(entries) == []
