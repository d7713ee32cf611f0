"""The figures of races against numbers worked out by hand."""

import json

import pytest

from duroxide_stress.measure import metrics
from duroxide_stress.measure.figures import figures
from duroxide_stress.result import Figure
from duroxide_stress.units import NS_PER_MS

from .by_hand import ByHand

RACE = {"$any": [{"winner": 0, "result": None}, {"winner": 1, "result": None}]}


def race(by_hand: ByHand, won_ms: float, cancel_ms: float, ran_until_ms: float | None) -> None:
    """An instance whose one race an activity lost against another."""
    by_hand.owed = {"output": [RACE], "events": {"ActivityScheduled": 2}}
    op, instance = by_hand.launch(0)
    by_hand.line("ops", type="ok", op=op, at_ns=by_hand.at(1), output=[{"winner": 1}])
    by_hand.line("executions", instance=instance, execution=1, status="Completed", current=True)
    for event_id, kind, source, ms in (
        (2, "ActivityScheduled", None, 0),
        (3, "ActivityScheduled", None, 0),
        (4, "ActivityCompleted", 3, won_ms),
        (5, "ActivityCancelRequested", 2, cancel_ms),
    ):
        data = json.dumps({"input": {"token": f"{instance}|{event_id}"}}) if not source else None
        of = {"instance": instance, "execution": 1, "event_id": event_id, "source": source}
        ts_ms = by_hand.at(ms) // NS_PER_MS
        by_hand.line("history", **of, kind=kind, ts_ms=ts_ms, data=data)
    if ran_until_ms is not None:
        run = {"token": f"{instance}|2", "instance": instance, "run": 0}
        by_hand.line("effects", phase="end", at_ns=by_hand.at(ran_until_ms), **run)


def test_races_are_counted_where_they_were_won(by_hand: ByHand) -> None:
    """Of the lost activities two in four ran to the end, one of them before its cancel was written."""
    for won_ms, cancel_ms, ran_until_ms in (
        (-1, 5, 50),
        (0, 2, 102),
        (40, 44, None),
        (50, 50, None),
        (9_999, 10_001, 10_000),
        (10_000, 10_001, 10_500),
    ):
        race(by_hand, won_ms, cancel_ms, ran_until_ms)
    recording = by_hand.open()
    got = {figure.name: figure for figure in figures(recording, metrics.window(recording))}
    assert got["races"] == Figure("races", "/s", 4, value=pytest.approx(0.4))
    cancel = got["win to cancel of the loser"]
    assert (cancel.unit, cancel.spread.samples, cancel.spread.mean) == ("ms", 4, 2.0)
    assert got["lost activities run to the end"] == Figure(
        "lost activities run to the end", "%", 4, value=50.0
    )
    after = got["run of a lost activity after its cancel"]
    assert (after.unit, after.spread.samples, after.spread.max) == ("ms", 2, 100.0)
