"""Memory: series that leak, and series that only look restless."""

from collections.abc import Callable
from itertools import pairwise
from math import exp
from random import Random

import pytest

from duroxide_stress.providers.sqlite import FileSqlite
from duroxide_stress.units import MIB, NS_PER_SEC
from duroxide_stress.verdict import Verdict
from recordings.make import Recorded, where

from .planted import caught

Series = Callable[[float, Random], float]
"""Seconds since the window opened → MiB."""
START_MIB = 80.0


def watch(
    recorded: Recorded, series: Series, secs: int = 600, mapped: Series = lambda s, rng: 0.0
) -> None:
    """Let the engine have been sampled in a process of its own for `secs`, four times a second; `mapped`
    is what of its memory, in MiB, comes from files and is held on top of the series."""
    rng, begin = Random(7), recorded.mark("window_begin")
    recorded.configure(duration_secs=secs)
    recorded.edit("cell.json", mode="separate", cache_bytes=0)
    recorded.change("ops", where(name="window_end"), at_ns=begin + secs * NS_PER_SEC)
    recorded.add(
        "samples",
        *(
            {
                "at_ns": begin + quarter * NS_PER_SEC // 4,
                "source": "engine",
                "rss_bytes": int(
                    (START_MIB + series(quarter / 4, rng) + mapped(quarter / 4, rng)) * MIB
                ),
                "shared_bytes": int(mapped(quarter / 4, rng) * MIB),
            }
            for quarter in range(4 * secs)
        ),
    )


def _walk(series: Series, secs: int = 600) -> list[float]:
    rng = Random(7)
    return [series(quarter / 4, rng) for quarter in range(4 * secs)]


LEAKS: dict[str, Series] = {
    "2 MiB a minute": lambda s, rng: s / 30,
    "3 MiB a minute under noise": lambda s, rng: s / 20 + rng.gauss(0, 0.5),
    "1 MiB every ten seconds": lambda s, rng: s // 10,
    "a start-up, then a leak": lambda s, rng: min(s, 10) * 3 + s / 10,
    "a leak with a spike": lambda s, rng: s / 10 + (200 if 50 <= s < 52 else 0),
}
RESTLESS: dict[str, Series] = {
    "flat": lambda s, rng: 0.0,
    "flat and noisy": lambda s, rng: rng.gauss(0, 3),
    "falling": lambda s, rng: -s / 10,
    "a saw": lambda s, rng: s % 15,
    "one step up at the start": lambda s, rng: 20.0 if s > 4 else 0.0,
    "filled in a quarter": lambda s, rng: 50 * min(s / 30, 1),
    "filled in the first half": lambda s, rng: 50 * min(s / 60, 1) + rng.gauss(0, 0.3),
    "page caches that fill slowly": lambda s, rng: 5 * (1 - exp(-s / 60)),
    "settling": lambda s, rng: 50 * (1 - exp(-s / 10)),
    "a spike": lambda s, rng: 300.0 if 100 <= s < 104 else 0.0,
    "half a MiB a minute": lambda s, rng: s / 120,
}


@pytest.mark.parametrize("series", LEAKS.values(), ids=LEAKS)
def test_a_leak(recorded: Recorded, series: Series) -> None:
    """Memory that keeps growing over ten minutes is caught, with the interval of its slope."""
    watch(recorded, series)
    found = caught(recorded)
    assert list(found) == ["memory"]
    (finding,) = found["memory"].findings
    assert finding.what == "memory keeps growing"
    assert "MiB/min (99 % interval)" in finding.detail


@pytest.mark.parametrize("series", RESTLESS.values(), ids=RESTLESS)
def test_no_leak(recorded: Recorded, series: Series) -> None:
    """Noise, caches that fill and then stay, and growth below the limit do not alarm."""
    watch(recorded, series)
    check = recorded.checks()["memory"]
    assert (check.verdict, check.asked, check.seen) == (Verdict.OK, True, 2400), check.findings
    assert "99 % interval" in check.note


def test_what_is_mapped_from_files_is_no_leak_and_hides_none(recorded: Recorded) -> None:
    """An index that grows with the store's log is the page cache's; a heap beside it is not."""
    watch(recorded, lambda s, rng: 0.0, mapped=lambda s, rng: s / 30)
    assert caught(recorded) == {}
    recorded.drop("samples", where(source="engine"))
    watch(recorded, lambda s, rng: s / 30, mapped=lambda s, rng: max(0.0, 20 - s / 30))
    assert list(caught(recorded)) == ["memory"]


def test_growth_by_one_step_is_neither_a_leak_nor_cleared(recorded: Recorded) -> None:
    """Thirty MiB at once, late: caches or the first step of a leak, which a longer run would tell."""
    watch(recorded, lambda s, rng: 30.0 if s > 400 else 0.0)
    check = recorded.checks()["memory"]
    assert (check.verdict, check.asked, check.found) == (Verdict.UNKNOWN, True, 0)
    assert check.note.endswith("a longer run would tell")


def _grow(s: float, rng: Random) -> float:
    return s / 20


@pytest.mark.parametrize(("left_mib", "nodes"), [(31, 1), (16, 2)])
def test_growth_that_reads_of_the_store_explain_is_unknown(
    recorded: Recorded, left_mib: int, nodes: int
) -> None:
    """Thirty MiB in ten minutes, and as much may be left by reads: nobody can tell."""
    watch(recorded, _grow)
    recorded.edit("cell.json", cache_bytes=left_mib * MIB)
    recorded.configure(nodes=nodes)
    check = recorded.checks()["memory"]
    assert (check.verdict, check.asked, check.found) == (Verdict.UNKNOWN, True, 0)
    left = f"reads of the store may leave {left_mib * nodes} MiB"
    assert f"29 MiB since the load began; {left}" in check.note
    assert recorded.judged().verdict is Verdict.UNKNOWN


def test_growth_beyond_what_reads_may_leave_is_a_leak(recorded: Recorded) -> None:
    """With the figure of SQLite on a file too."""
    watch(recorded, _grow)
    recorded.edit("cell.json", cache_bytes=28 * MIB)
    assert list(caught(recorded)) == ["memory"]
    recorded.drop("samples", where(source="engine"))
    watch(recorded, lambda s, rng: s)
    recorded.edit("cell.json", cache_bytes=FileSqlite.cache_bytes)
    (finding,) = caught(recorded)["memory"].findings
    assert "575 MiB since the load began" in finding.detail


def test_flat_memory_is_ok_whatever_reads_may_leave(recorded: Recorded) -> None:
    """They are no excuse where nothing grew: the promise is seen to hold."""
    watch(recorded, lambda s, rng: rng.gauss(0, 1))
    recorded.edit("cell.json", cache_bytes=FileSqlite.cache_bytes)
    check = recorded.checks()["memory"]
    assert (check.verdict, check.asked) == (Verdict.OK, True)


def test_an_old_recording_that_grows_is_unknown(recorded: Recorded) -> None:
    """What reads may leave was not written down then; flat is flat all the same."""
    watch(recorded, _grow)
    recorded.edit("cell.json", cache_bytes=None)
    check = recorded.checks()["memory"]
    assert (check.verdict, check.found) == (Verdict.UNKNOWN, 0)
    assert check.note.endswith("what reads of the store may leave was not recorded")
    recorded.drop("samples", where(source="engine"))
    watch(recorded, lambda s, rng: 0.0)
    recorded.edit("cell.json", cache_bytes=None)
    assert recorded.checks()["memory"].verdict is Verdict.OK


def test_what_the_warm_up_gained_counts(recorded: Recorded) -> None:
    """Ten MiB were taken before the window: what came on top is more than reads may leave."""
    watch(recorded, _grow)
    recorded.edit("cell.json", cache_bytes=35 * MIB)
    assert caught(recorded) == {}
    _sampled_when_the_load_began(recorded, START_MIB - 10)
    assert list(caught(recorded)) == ["memory"]


@pytest.mark.parametrize("left_mib", [0, 20])
def test_a_peak_before_the_leak_excuses_nothing(recorded: Recorded, left_mib: int) -> None:
    """A start-up that took more than the leak has by now is not what the gain is counted from."""
    watch(recorded, _grow)
    recorded.edit("cell.json", cache_bytes=left_mib * MIB)
    _sampled_when_the_load_began(recorded, START_MIB + 100)
    assert list(caught(recorded)) == ["memory"]


def _sampled_when_the_load_began(recorded: Recorded, mib: float) -> None:
    """A minute before the window."""
    began_ns = recorded.mark("window_begin") - 60 * NS_PER_SEC
    recorded.change("ops", where(type="mark", name="begin"), at_ns=began_ns)
    recorded.add("samples", {"at_ns": began_ns, "source": "engine", "rss_bytes": int(mib * MIB)})


def test_the_noisy_series_is_noisy() -> None:
    """The series that must not alarm would alarm a check that compares two samples."""
    noisy = _walk(RESTLESS["flat and noisy"])
    assert max(later - sooner for sooner, later in pairwise(noisy)) > 5


def test_noise_alone_never_alarms(recorded: Recorded) -> None:
    """Eight random walks of an allocator, each a quarter of a MiB wide over ten minutes."""
    for seed in range(8):
        walk = _drift(Random(seed))
        watch(recorded, lambda s, rng, walk=walk: walk[int(s * 4)])
        assert caught(recorded) == {}, f"seed {seed}"
        recorded.drop("samples", where(source="engine"))


def _drift(rng: Random) -> list[float]:
    """Steps that are pulled back to where they came from, as pages are freed again."""
    at, path = 0.0, []
    for _ in range(2400):
        at = 0.95 * at + rng.gauss(0, 0.08)
        path.append(at)
    return path


def test_a_short_run_is_not_asked(recorded: Recorded) -> None:
    """Five seconds can say nothing, even of a steep slope, and are not held against the cell."""
    watch(recorded, lambda s, rng: 100 * s, secs=5)
    check = recorded.checks()["memory"]
    assert (check.verdict, check.asked) == (Verdict.UNKNOWN, False)
    assert check.note == "needs a window of 600 s: until then caches fill"
    assert recorded.judged().verdict is Verdict.OK


def test_a_minute_has_a_slope_that_is_not_judged(recorded: Recorded) -> None:
    """As caches fill, a healthy process has one: it is shown, and no promise is held against it."""
    watch(recorded, lambda s, rng: s / 30, secs=60)
    cell = recorded.judged()
    assert cell.memory_mb.slope_per_min == pytest.approx(2, abs=0.1)
    check = recorded.checks()["memory"]
    assert (check.verdict, check.asked, check.found) == (Verdict.UNKNOWN, False, 0)


def test_a_long_run_that_was_cut_short_is_unknown(recorded: Recorded) -> None:
    """The plan asked for ten minutes; a window of one second leaves the question open."""
    recorded.configure(duration_secs=600)
    recorded.edit("cell.json", mode="separate")
    check = recorded.checks()["memory"]
    assert (check.verdict, check.asked) == (Verdict.UNKNOWN, True)
    assert recorded.judged().verdict is Verdict.UNKNOWN


def test_a_store_in_the_engines_process_is_not_asked(recorded: Recorded) -> None:
    """What is stored there must grow: the steepest slope is no finding."""
    watch(recorded, lambda s, rng: 10 * s)
    recorded.edit("cell.json", mode="embedded")
    check = recorded.checks()["memory"]
    assert (check.verdict, check.asked) == (Verdict.UNKNOWN, False)


def test_only_the_engines_memory_counts(recorded: Recorded) -> None:
    """A driver that grows is its own matter."""
    watch(recorded, lambda s, rng: 0.0)
    begin = recorded.mark("window_begin")
    recorded.add(
        "samples",
        *(
            {"at_ns": begin + s * NS_PER_SEC, "source": "driver", "rss_bytes": s * 10 * MIB}
            for s in range(120)
        ),
    )
    assert caught(recorded) == {}
