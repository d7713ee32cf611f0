"""A workload as data: what its activities compute, and the words its failures use."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duroxide_stress.program import (
    TIMED_OUT,
    Program,
    Retry,
    chain,
    content,
    digest,
    failure_words,
    merged,
    perform,
    planned_failure,
    token,
    work,
)

from .programs import JSON, PROGRAMS, ROOT


@given(JSON)
def test_work_does_not_depend_on_how_the_value_travelled(value: object) -> None:
    """A value that went through JSON, its keys in another order, gives the same number."""
    travelled = json.loads(json.dumps(value, sort_keys=True))
    assert work(travelled, "0.1") == work(value, "0.1")
    assert 0 <= work(value, "0.1") < 2**48


def test_work_depends_on_the_value_and_the_step() -> None:
    """Mixed-up inputs or steps give another number."""
    assert len({work(v, p) for v in (1, "1", [1], None) for p in ("0", "0.0", "0.1")}) == 12


def test_perform_answers_with_its_token_and_its_work() -> None:
    """The path is the token's last part, also when the instance's name has bars in it."""
    name = token("a|b", 2, "0.4")
    assert perform({"token": name, "value": 5, "delay_ms": 9}) == {
        "token": "a|b|2|0.4",
        "value": work(5, "0.4"),
    }


@given(st.text(max_size=50))
def test_perform_tells_what_it_received_and_sends_as_much_back(payload: str) -> None:
    """The digest is of what came, and the text that goes back is another."""
    result = perform({"token": "i|1|0", "value": 5, "delay_ms": 0, "payload": payload})
    assert result["received"] == digest(payload)
    assert result["payload"] == content(5, "0>", len(payload))


@pytest.mark.parametrize("size", [1, 5, 17, 1_000, 102_400])
def test_content_has_its_size_and_differs_from_step_to_step(size: int) -> None:
    """So many characters, awkward ones among them; no two steps share a long one."""
    texts = [content(value, path, size) for value in (1, 2) for path in ("0", "0>")]
    assert {len(text) for text in texts} == {size}
    if size >= 17:
        assert len(set(texts)) == 4
        assert all(letter in texts[0] for letter in '\n"é✓')
    if size >= 100:
        assert all(letter in texts[0] for letter in "\\'\0\x1b\u2028\U0001f469")
        assert "</script>" in texts[0]


@given(st.lists(st.lists(st.integers(), max_size=2), min_size=2, max_size=4))
def test_a_chain_knows_every_link_and_its_place(results: list) -> None:
    """A lost, doubled or swapped result comes to another digest."""

    def folded(links: list) -> str:
        before = ""
        for link in links:
            before = chain(before, link, "i")
        return before

    others = [results[:-1], [*results, results[-1]]]
    if results[0] != results[1]:
        others.append([results[1], results[0], *results[2:]])
    assert all(folded(other) != folded(results) for other in others)


def test_a_chain_counts_an_instances_own_name_as_any_name() -> None:
    """Twins come to the same digest, although their tokens differ."""
    one, two = (chain("", {"token": f"{name}|1|0"}, name) for name in ("par-1", "par-2"))
    assert one == two


@pytest.mark.parametrize(
    ("before", "result", "together"),
    [
        ({}, {"a": [0]}, {"a": [0]}),
        ({"a": [0]}, {}, {"a": [0]}),
        ({"b": [0], "a": [0]}, {"a": [1], "c": [0]}, {"a": [0, 1], "b": [0], "c": [0]}),
    ],
)
def test_messages_are_merged_per_sender(before: dict, result: dict, together: dict) -> None:
    """The earlier ones first, nobody lost."""
    assert merged(before, result) == together


@pytest.mark.parametrize(
    ("attempts", "pauses"),
    [(1, [0, 0, 0]), (2, [0, 100, 100]), (4, [0, 100, 300, 700, 700])],
)
def test_a_policy_pauses_longer_each_time(attempts: int, pauses: list[int]) -> None:
    """100 ms, then twice as long each time, and none after the last attempt."""
    assert [Retry(attempts).pauses_ms(failures) for failures in range(len(pauses))] == pauses


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (planned_failure("0.1.2"), "planned failure at step 0.1.2"),
        (f"RuntimeError: {planned_failure('0.1')}\n  at host", "planned failure at step 0.1"),
        (f"child failed: {planned_failure('0')}: {TIMED_OUT}", TIMED_OUT),
        ("database is locked", "database is locked"),
        ("", ""),
    ],
)
def test_planned_words_are_found_in_an_engines(text: str, words: str) -> None:
    """The innermost plan speaks; what nobody planned is kept whole."""
    assert failure_words(text) == words


@given(PROGRAMS)
def test_programs_go_through_json(programs: dict[str, Program]) -> None:
    """A program can be written down and read back."""
    written = msgspec.json.encode(programs[ROOT])
    assert msgspec.json.decode(written, type=Program) == programs[ROOT]
