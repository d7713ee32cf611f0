"""A workload as data: commands come out of the walk, results go in."""

import json

import msgspec
import pytest
from hypothesis import given

from duroxide_stress.program import (
    Activity,
    JoinAll,
    Parallel,
    Perform,
    Scope,
    Sequence,
    Step,
    perform,
    token,
    walk,
    work,
)

from .programs import JSON, PROGRAMS

SCOPE = Scope("inst-1", 3, "in")


def ask(path: str, delay_ms: int = 0) -> Perform:
    """The command for the activity at `path` of `SCOPE`."""
    return Perform({"token": f"inst-1|3|{path}", "value": "in", "delay_ms": delay_ms})


def test_an_activity_is_one_command_and_its_result_the_programs() -> None:
    """The walk yields the command once and returns what it is sent."""
    walking = walk(Activity(7), SCOPE)
    assert next(walking) == ask("0", 7)
    with pytest.raises(StopIteration) as over:
        walking.send("answer")
    assert over.value.value == "answer"


def test_a_parallel_is_one_join_in_step_order() -> None:
    """All members are asked for at once, and the joined list is the result."""
    walking = walk(Parallel((Activity(1), Activity(2))), SCOPE)
    assert next(walking) == JoinAll((ask("0.0", 1), ask("0.1", 2)))
    with pytest.raises(StopIteration) as over:
        walking.send(["a", "b"])
    assert over.value.value == ["a", "b"]


def test_a_sequence_waits_for_each_step_before_the_next() -> None:
    """Steps come one at a time, and the result is the list of theirs."""
    walking = walk(Sequence((Activity(), Parallel((Activity(),)), Activity())), SCOPE)
    assert next(walking) == ask("0.0")
    assert walking.send("a") == JoinAll((ask("0.1.0"),))
    assert walking.send(["b"]) == ask("0.2")
    with pytest.raises(StopIteration) as over:
        walking.send("c")
    assert over.value.value == ["a", ["b"], "c"]


@pytest.mark.parametrize(
    ("program", "commands"),
    [(Sequence(()), []), (Parallel(()), [JoinAll(())]), (Sequence((Sequence(()),)), [])],
)
def test_empty_programs_end(program: Step, commands: list) -> None:
    """Nothing to do is a program too."""
    walking = walk(program, SCOPE)
    for command in commands:
        assert next(walking) == command
    with pytest.raises(StopIteration):
        walking.send([] if commands else None)


@given(PROGRAMS)
def test_every_step_has_a_token_of_its_own(program: Step) -> None:
    """A token names one step of one execution, so that an effect can be told from any other."""
    names = []
    walking = walk(program, SCOPE)
    try:
        command = next(walking)
        while True:
            several = command.commands if isinstance(command, JoinAll) else (command,)
            names += [c.input["token"] for c in several]
            command = walking.send([None] * len(several))
    except StopIteration:
        pass
    assert len(set(names)) == len(names)
    assert all(name.startswith("inst-1|3|0") for name in names)


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


@given(PROGRAMS)
def test_programs_go_through_json(program: Step) -> None:
    """A program can be written down and read back."""
    assert msgspec.json.decode(msgspec.json.encode(program), type=Step) == program
