"""One seed gives named streams that repeat and do not disturb each other."""

import pytest

from duroxide_stress.seeds import stream


def test_the_same_names_give_the_same_numbers() -> None:
    """A stream can be made again from the seed and its names."""
    one, two = (stream(7, "cell", "inputs") for _ in range(2))
    assert [one.random() for _ in range(20)] == [two.random() for _ in range(20)]


def test_the_numbers_never_change_between_versions() -> None:
    """A plan of last year still makes the same inputs."""
    rng = stream(1, "cell", "inputs")
    assert [rng.randrange(1000) for _ in range(4)] == [819, 176, 834, 208]


@pytest.mark.parametrize(
    "other", [(8, "cell", "inputs"), (7, "cell"), (7, "inputs", "cell"), (7, "cell", "faults")]
)
def test_other_names_give_other_numbers(other: tuple) -> None:
    """Seed, names and their order all matter."""
    here = stream(7, "cell", "inputs")
    there = stream(*other)
    assert [here.random() for _ in range(4)] != [there.random() for _ in range(4)]


def test_drawing_from_one_stream_leaves_the_other_alone() -> None:
    """Streams share no state."""
    untouched = stream(7, "b").random()
    first, second = stream(7, "a"), stream(7, "b")
    for _ in range(100):
        first.random()
    assert second.random() == untouched
