"""The report and the exit code."""

from pathlib import Path

import msgspec
import pytest

from duroxide_stress.capacity.report import render
from duroxide_stress.capacity.result import SCHEMA, CapacityResult, Offering, Point, document
from duroxide_stress.capacity.search import Limits, search
from duroxide_stress.capacity.slo import read_slo
from duroxide_stress.cli.capacity import exit_code

from .made_up import MadeUp


def result(mu: float = 1200.0, slo: str = "p99<200ms", **changes: object) -> CapacityResult:
    """A search of the made-up engine, at two configs."""
    points = []
    for config, factor in (("1/1", 0.5), ("2/2", 1.0)):
        found = search(read_slo(slo), Limits(600), mu * factor, MadeUp(mu * factor))
        offered = tuple(
            Offering(step, "offered rate" if step.word == "holds" else "cpu", ("step-02",))
            for step in found.steps
        )
        points.append(
            Point(
                "parallel",
                "sqlite-file",
                "File SQLite",
                config,
                mu * factor,
                offered,
                found.low,
                found.high,
                found.close,
                found.stopped,
                found.confirmed,
                verify="duroxide-stress run --rate 1/s",
            )
        )
    made = CapacityResult(
        SCHEMA, slo, 100.0, "poisson", 600.0, 1, "duroxide-stress capacity", tuple(points)
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize("mu", [60.0, 1200.0, 9000.0])
def test_it_fits_in_eighty_columns(mu: float) -> None:
    """All but the words that are to be copied."""
    text = render(result(mu), Path("stress-runs/x"))
    copied = ("  duroxide-stress", "Repeat:")
    long = [line for line in text.splitlines() if len(line) > 80 and not line.startswith(copied)]
    assert long == []


def test_it_says_what_was_found() -> None:
    """A capacity a grid point, what binds, the knee, and the best of them."""
    found = result()
    text = render(found, Path("stress-runs/x"))
    one, two = found.points
    assert f"Capacity: {one.low:g}/s (bracket {one.low:g}..{one.high:g})." in text
    assert f"Binds: offered rate at {two.low:g}/s, cpu at {two.high:g}/s." in text
    assert f"Knee (P50 doubled): {two.knee:g}/s." in text
    assert f"Recommended: File SQLite (sqlite-file) at 2/2, {two.low:g}/s. " in text
    assert "duroxide-stress run --rate 1/s" in text


def test_the_document_has_every_step() -> None:
    """And what is derived from them."""
    found = result()
    data = msgspec.json.decode(document(found))
    assert data["schema"] == "duroxide-stress/capacity/1"
    assert data["recommended"] == {"provider": "sqlite-file", "config": "2/2"}
    assert [len(point["offered"]) for point in data["points"]] == [
        len(point.offered) for point in found.points
    ]
    assert data["points"][1]["knee"] == found.points[1].knee


def test_a_bracket_without_an_upper_end() -> None:
    """The capacity is at least that, and it says why no more is known."""
    found = result(mu=60.0)
    point = msgspec.structs.replace(
        found.points[1], low=20.0, high=None, close=False, stopped="the budget is used up"
    )
    text = render(msgspec.structs.replace(found, points=(point,)), Path("x"))
    assert "Capacity: 20/s (no rate above it was seen to fail); the budget is used up." in text
    point = msgspec.structs.replace(point, confirmed=False)
    text = render(msgspec.structs.replace(found, points=(point,)), Path("x"))
    words = "held for some seconds and not confirmed: the budget is used up."
    assert words in " ".join(text.split())


def test_what_was_confirmed_is_recommended_before_what_was_only_sounded() -> None:
    """Though it is less; and what is recommended in doubt says so."""
    found = result()
    one, two = found.points
    sounded = msgspec.structs.replace(two, confirmed=False)
    mixed = msgspec.structs.replace(found, points=(one, sounded))
    assert mixed.best == one
    shaky = msgspec.structs.replace(
        sounded, offered=tuple(msgspec.structs.replace(o, distrust=("noise",)) for o in two.offered)
    )
    text = render(msgspec.structs.replace(found, points=(shaky,)), Path("x"))
    assert f"{two.low:g}/s (not confirmed, its figures are not trustworthy). See" in (
        " ".join(text.split())
    )


def test_exit_codes() -> None:
    """Interrupted, violated, nothing found, found: in this order."""
    found = result()
    assert exit_code(found) == 0
    nothing = result(slo="p50<1ms", mu=60.0)
    assert exit_code(nothing) == 3
    assert "Capacity: none found: no rate held, however low; 0.1/s" in render(nothing, Path("x"))
    assert "Nothing to recommend" in render(nothing, Path("x"))
    broken = msgspec.structs.replace(found.points[0], broken=("effects at 20/s (step-02)",))
    bad = msgspec.structs.replace(found, points=(broken, found.points[1]))
    assert exit_code(bad) == 1
    assert "Violated: effects at 20/s (step-02)" in render(bad, Path("x"))
    assert exit_code(msgspec.structs.replace(bad, interrupted=True)) == 130
