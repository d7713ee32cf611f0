"""What a command line asks to be run in turn."""

import pytest

from duroxide_stress.config import Choices, build_plan
from duroxide_stress.errors import UsageError
from duroxide_stress.plan import Plan
from duroxide_stress.versus.sides import read_asked, read_variant


def plan_of(words: list[str], name: str) -> Plan:
    """A cell for every word."""
    return build_plan(Choices(providers=("reference",), configs=tuple(words) or ("2/2",)))


def test_two_engines_share_their_words() -> None:
    """Named by their releases."""
    asked = read_asked(["duroxide==0.1.28", "duroxide == 0.2.2"], [], 4, plan_of)
    assert asked.engines == asked.names == ("duroxide==0.1.28", "duroxide==0.2.2")
    assert asked.plans[0].cells == asked.plans[1].cells
    assert not asked.on_purpose


def test_two_variants_of_one_engine() -> None:
    """Named by themselves; their cells may differ."""
    asked = read_asked([], ["narrow: -1/1", "wide: -4/4"], 2, lambda words, name: plan_of(
        [word[1:] for word in words], name))  # fmt: skip
    assert asked.names == ("narrow", "wide")
    assert asked.engines == ("installed", "installed")
    assert [str(p.cells[0].config.concurrency) for p in asked.plans] == ["1/1", "4/4"]
    assert asked.on_purpose


def test_engines_and_variants_together() -> None:
    """The first engine goes with the first variant."""
    asked = read_asked(
        ["installed", "duroxide==0.2.2"],
        ["a: --x", "b: --y"],
        1,
        lambda words, name: plan_of([], ""),
    )
    assert asked.names == ("installed, a", "duroxide==0.2.2, b")


def test_a_variant_without_a_name_is_called_by_its_words() -> None:
    """A colon within the words is none of ours."""
    assert read_variant("--fault kill:every=2s").name == "--fault kill:every=2s"
    named = read_variant("struck : --fault kill:every=2s --config '4/8'")
    assert (named.name, named.words) == ("struck", ("--fault", "kill:every=2s", "--config", "4/8"))


def test_every_mistake_at_once() -> None:
    """A sentence each."""
    with pytest.raises(UsageError) as caught:
        read_asked(["sqlite==1", "duroxide>=1"], ["x: loose", 'y: --a "'], 0, plan_of)
    assert len(caught.value.problems) == 5
    with pytest.raises(UsageError, match="only one side"):
        read_asked(["duroxide==0.2.2"], [], 4, plan_of)
    with pytest.raises(UsageError, match="given 3 times"):
        read_asked(["duroxide==0.2.2"] * 3, [], 4, plan_of)


def test_sides_of_unlike_size_have_no_pairs() -> None:
    """The n-th cell belongs to the n-th."""
    with pytest.raises(UsageError, match="1 and 2 cells"):
        read_asked([], ["a: -1/1", "b: -1/1 -2/2"], 1, lambda words, name: plan_of(
            [word[1:] for word in words], name))  # fmt: skip
