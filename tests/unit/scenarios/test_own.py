"""A user's own workflows: what they may give, and the sentence for what they may not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from duroxide_stress.errors import UsageError
from duroxide_stress.scenarios.own import OwnScenario, OwnWorkload

from ..virtual import cell

HERE = f"scenario '{__name__}:{{}}': "


class Echo:
    """Whatever is given is what must come out."""

    name = "echo"
    given: Any = 1

    def register(self, runtime: Any) -> None:
        """Nothing to register."""

    def start(self, i: int) -> Any:
        return "echo", self.given

    def expected(self, i: int) -> Any:
        return self.given


class Judged:
    """The same with a predicate."""

    name = "judged"
    answer: Any = None
    register, start, given = Echo.register, Echo.start, 1

    def accepts(self, i: int, status: str, output: Any, error: str | None) -> Any:
        return self.answer


def refused(kind: type[Any], monkeypatch: pytest.MonkeyPatch, **members: Any) -> str:
    """What is said of a scenario like `kind` with other members, without the words before it."""
    for name, member in members.items():
        monkeypatch.setattr(kind, name, member, raising=False)
    with pytest.raises(UsageError) as caught:
        scenario = OwnScenario(f"{__name__}:{kind.__name__}")
        workload = scenario.workload(cell(scenario.name))
        workload.complaint(0, "Completed", 1, None)
    said = str(caught.value)
    assert said.startswith(HERE.format(kind.__name__))
    return said.removeprefix(HERE.format(kind.__name__))


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (math.nan, "NaN, which is no number of JSON"),
        ("a\ud800", "a lone surrogate at character 1, which UTF-8 cannot hold"),
        ({"a": b""}, 'a value of type bytes, which is none of JSON\'s at ["a"]'),
        ({1: 2}, "a key of type int, where JSON has only texts"),
        (10**5000, "a whole number of more than 4300 digits"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_input_that_cannot_be_carried(
    monkeypatch: pytest.MonkeyPatch, given: Any, wrong: str
) -> None:
    """The instance is named, the limit, and where in the value it is passed."""
    said = refused(Echo, monkeypatch, given=given)
    assert said == f"the input in start(0) cannot be run and verified: {wrong}"


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ([math.inf], "expected(0) cannot be run and verified: Infinity, which is no number of "
                     "JSON at [0]"),
        ({"$any": [1, 2]}, "expected(0) has the key '$any', which has a meaning in recordings"),
        ([{"$unrecorded": 1}], "expected(0) has the key '$unrecorded', which has a meaning in "
                               "recordings"),
    ],
)  # fmt: skip
def test_an_expectation_that_cannot_be_verified(
    monkeypatch: pytest.MonkeyPatch, expected: Any, said: str
) -> None:
    """NaN equals nothing, and a value that reads as a pattern would accept what is wrong."""
    assert refused(Echo, monkeypatch, expected=lambda self, i: expected) == said


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (None, "start(0) must return an orchestration's name and its input, found None"),
        ("echo", "start(0) must return an orchestration's name and its input, found 'echo'"),
        ((7, 1), "start(0) must return an orchestration's name and its input, found (7, 1)"),
        (("", 1), "start(0) must name an orchestration in 1 to 1000 characters, found ''"),
        (("\ud800", 1), "the orchestration's name in start(0) cannot be run: a lone surrogate at "
                        "character 0, which UTF-8 cannot hold"),
    ],
)  # fmt: skip
def test_a_start_that_is_none(monkeypatch: pytest.MonkeyPatch, start: Any, said: str) -> None:
    """Not a name and an input, or a name that the engine would refuse or never pick up."""
    assert refused(Echo, monkeypatch, start=lambda self, i: start) == said


def test_a_very_long_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut in the sentence too."""
    said = refused(Echo, monkeypatch, start=lambda self, i: ("n" * 5_000, 1))
    assert said.startswith(
        "start(0) must name an orchestration in 1 to 1000 characters, found 'nnn"
    )
    assert said.endswith("... (5002 characters)")


@pytest.mark.parametrize("answer", [True, False, 0, ["wrong"]])
def test_a_predicate_that_does_not_say_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    """A mere True is no verdict on the engine."""
    said = refused(Judged, monkeypatch, answer=answer)
    assert said == (
        f"accepts(0, ...) must return None, or what is wrong as a text, found {answer!r}"
    )


def test_a_predicates_words_can_be_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that are no UTF-8, and those of a predicate that raises."""

    def complaint() -> str | None:
        workload = OwnWorkload(Judged(), cell(f"{__name__}:Judged"))
        return workload.complaint(0, "Completed", 1, None)

    assert complaint() is None
    monkeypatch.setattr(Judged, "answer", "bad \ud800")
    assert complaint() == "bad \\ud800"
    monkeypatch.setattr(Judged, "accepts", lambda *given: 1 / 0)
    assert complaint() == "the predicate raised ZeroDivisionError: division by zero"


@pytest.mark.parametrize("member", ["start", "expected"])
def test_code_that_raises(monkeypatch: pytest.MonkeyPatch, member: str) -> None:
    """The user's own words, and no traceback."""
    said = refused(Echo, monkeypatch, **{member: lambda self, i: [][i]})
    assert said == f"{member}(0) raised IndexError: list index out of range"


def test_a_registration_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the user's to mend, not the engine's failure."""
    monkeypatch.setattr(Echo, "register", lambda self, runtime: runtime.nothing)
    workload = OwnWorkload(Echo(), cell(f"{__name__}:Echo"))
    with pytest.raises(UsageError, match=r"register raised AttributeError: .* 'nothing'"):
        workload.register(object())


@pytest.mark.parametrize("name", ["", "A", "two words", "-", "a" * 41, "a\ud800", 7])
def test_a_name_that_is_no_word(monkeypatch: pytest.MonkeyPatch, name: Any) -> None:
    """It stands in tables and records."""
    assert refused(Echo, monkeypatch, name=name) == (
        f"its name must be a word of 1 to 40 lower-case letters, digits and hyphens, found {name!r}"
    )


def test_the_name_of_the_canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver would take the load for canaries, which free no place for another."""
    assert refused(Echo, monkeypatch, name="canary") == (
        "its name must not be 'canary', which is the part of the canaries beside a load"
    )


@pytest.mark.parametrize("title", ["", "two\nlines", "\x1b[31m", "\ud800", "t" * 101, None])
def test_a_title_that_cannot_be_printed(monkeypatch: pytest.MonkeyPatch, title: Any) -> None:
    """It stands above a table."""
    said = refused(Echo, monkeypatch, title=title)
    assert said.startswith("its title must be 1 to 100 printable characters, found ")
