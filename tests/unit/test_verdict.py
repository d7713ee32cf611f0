"""The worst verdict wins, and nothing looked at is never ok."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.verdict import Verdict, exit_code, worst

OK, VIOLATED, UNKNOWN = Verdict.OK, Verdict.VIOLATED, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], UNKNOWN),
        ([OK], OK),
        ([OK, OK], OK),
        ([OK, UNKNOWN], UNKNOWN),
        ([VIOLATED, UNKNOWN], VIOLATED),
        ([UNKNOWN, VIOLATED, OK], VIOLATED),
    ],
)
def test_worst_wins(verdicts: list[Verdict], expected: Verdict) -> None:
    """Violated beats unknown beats ok; of nothing at all nothing is known."""
    assert worst(verdicts) is expected


@given(st.lists(st.sampled_from(Verdict), min_size=1), st.randoms())
def test_worst_does_not_depend_on_order(verdicts: list[Verdict], rng: Random) -> None:
    """Any order of the same verdicts gives the same worst, and it is one of them."""
    shuffled = list(verdicts)
    rng.shuffle(shuffled)
    assert worst(iter(shuffled)) is worst(verdicts)
    assert worst(verdicts) in verdicts


@pytest.mark.parametrize(
    ("verdict", "missed", "code"),
    [
        (OK, False, 0),
        (OK, True, 4),
        (UNKNOWN, False, 3),
        (UNKNOWN, True, 4),
        (VIOLATED, False, 1),
        (VIOLATED, True, 1),
    ],
)
def test_exit_codes(verdict: Verdict, missed: bool, code: int) -> None:
    """Where several apply, 1 beats 4 beats 3 beats 0."""
    assert exit_code(verdict, target_missed=missed) == code


def test_verdicts_are_written_as_the_spec_words_them() -> None:
    """JSON readers see plain words."""
    assert [str(v) for v in Verdict] == ["ok", "violated", "unknown"]
