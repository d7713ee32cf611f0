"""Pictures: where lines, shades and ticks stand, in units of the plot area."""

from __future__ import annotations

import pytest

from duroxide_stress.measure.percentiles import Percentiles
from duroxide_stress.measure.series import Interval, Series
from duroxide_stress.reports.html.charts import Chart, Line, by_percentile, over_time

EMPTY = (None,) * 4
SERIES = Series(
    secs=(-0.5, 0.5, 1.5, 2.5),
    width=1.0,
    begin=-1.0,
    window=2.0,
    end=3.0,
    clock="durable",
    generations=False,
    completions_per_sec=(0.0, 10.0, 20.0, 5.0),
    failures_per_sec=EMPTY,
    latency_p50_ms=EMPTY,
    latency_p95_ms=EMPTY,
    latency_p99_ms=EMPTY,
    memory_mib=EMPTY,
    in_flight=EMPTY,
    orchestrator_queue=EMPTY,
    worker_queue=EMPTY,
    faults=(Interval("kill", "host-0", 0.0, 1.0), Interval("pause", "host-1", 1.5, None, 3)),
)


def drawn(*lines: Line) -> Chart:
    """A picture of these lines, which there is."""
    found = over_time(SERIES, "Title", "per second", "Read.", lines)
    assert found is not None
    return found


def test_a_line_stands_where_its_values_are() -> None:
    """The highest value at the axis' end, 0 at the bottom, the middle of a bucket at its place."""
    chart = drawn(Line("completions", SERIES.completions_per_sec))
    (stroke,) = chart.strokes
    assert stroke.path == "M125 1000L375 500 625 0 875 750"
    assert (stroke.values, chart.places) == ("0,10,20,5", "125,375,625,875")
    assert chart.moments == "-0.5,0.5,1.5,2.5"
    assert [mark.label for mark in chart.up] == ["0", "5", "10", "15", "20"]
    assert [mark.at for mark in chart.up] == [0, 25, 50, 75, 100]
    assert [mark.at for mark in chart.across if mark.label == "0s"] == [25]
    assert chart.says == "completions: from 0 to 20 per second, at the end 5"


def test_a_gap_is_a_gap_unless_it_was_only_not_looked() -> None:
    """Nothing is drawn through a bucket without a value; a point that stands alone is a dash."""
    values = (10.0, None, 10.0, 20.0)
    alone, joined = drawn(Line("a", values), Line("b", values, joined=True)).strokes
    assert alone.path == "M121 500L129 500M625 500L875 0"
    assert joined.path == "M125 500L625 500 875 0"
    assert (alone.style, joined.style) == (1, 2)


def test_faults_warm_up_and_drain_are_shaded() -> None:
    """From their beginning to their end; a fault that was never healed to the end of the picture."""
    bands = drawn(Line("a", SERIES.completions_per_sec)).bands
    assert [(b.kind, b.left, b.width, b.words) for b in bands] == [
        ("rest", 0, 250, "warm-up"),
        ("rest", 750, 250, "drain"),
        ("fault", 250, 250, "kill host-0"),
        ("fault", 625, 375, "pause × 3, never healed"),
    ]


def test_a_short_fault_can_still_be_seen() -> None:
    """An instant at the very end is as wide as a hair, and inside the picture."""
    from msgspec.structs import replace

    short = replace(SERIES, faults=(Interval("kill", "host-0", 3.0, 3.0),))
    chart = over_time(short, "T", "u", "R", [Line("a", SERIES.completions_per_sec)])
    assert chart is not None
    band = chart.bands[-1]
    assert band.width > 0
    assert band.left + band.width <= 1000


def test_nothing_measured_is_no_picture() -> None:
    """A line without a value is left out; without lines there is no picture."""
    assert over_time(SERIES, "T", "u", "R", [Line("a", EMPTY)]) is None
    assert by_percentile("T", "R", [("a", Percentiles())]) is None
    chart = drawn(Line("a", EMPTY), Line("b", SERIES.completions_per_sec))
    assert [stroke.name for stroke in chart.strokes] == ["b"]


def test_the_tail_is_stretched() -> None:
    """0, 90 and 99 % stand as far apart from each other; the last point at the right border."""
    points = ((0.0, 1.0), (0.9, 2.0), (0.99, 4.0))
    chart = by_percentile("T", "R", [("a", Percentiles(100, points)), ("b", Percentiles())])
    assert chart is not None
    (stroke,) = chart.strokes
    assert chart.places == "0,500,1000"
    assert stroke.path == "M0 750L500 500 1000 0"
    assert [(mark.label, mark.at) for mark in chart.across] == [
        *(("0%", 0.0), ("50%", pytest.approx(15.1, abs=0.1)), ("90%", 50.0), ("99%", 100.0)),
    ]


@pytest.mark.parametrize("most", [9.0, 100.0])
def test_every_line_goes_to_its_own_maximum(most: float) -> None:
    """Also one of fewer samples, whose maximum stands where the other has no value; each is drawn
    through the places of the other."""
    few = Percentiles(9, ((0.0, 1.0), (0.5, 2.0), (0.9, most)))
    many = Percentiles(99, ((0.0, 1.0), (0.5, 3.0), (0.95, 4.0), (0.99, 5.0)))
    for lines in ([("few", few), ("many", many)], [("many", many), ("few", few)]):
        chart = by_percentile("T", "R", lines)
        assert chart is not None
        assert chart.moments == "0,0.5,0.9,0.95,0.99"
        drawn_as = {stroke.name: stroke for stroke in chart.strokes}
        assert drawn_as["few"].values == f"1,2,{most:g},,"
        assert drawn_as["many"].values == "1,3,,4,5"
        assert [drawn_as[name].path.count("M") for name in ("few", "many")] == [1, 1]
        assert f"few: from 1 to {most:g} ms, at the end {most:g}" in chart.says
        assert float(chart.up[-1].label) >= most


def test_as_many_values_at_other_places_are_not_moved() -> None:
    """Two that have as many points need not have the same ones."""
    chart = by_percentile(
        "T",
        "R",
        [
            ("a", Percentiles(4, ((0.0, 1.0), (0.8, 2.0)))),
            ("b", Percentiles(5, ((0.0, 1.0), (0.9, 3.0)))),
        ],
    )
    assert chart is not None
    assert chart.moments == "0,0.8,0.9"
    assert [stroke.values for stroke in chart.strokes] == ["1,2,", "1,,3"]


def test_one_value_alone_is_drawn() -> None:
    """A distribution of one."""
    chart = by_percentile("T", "R", [("a", Percentiles(1, ((0.0, 7.0), (0.5, 7.0))))])
    assert chart is not None
    assert chart.strokes[0].values == "7,7"
