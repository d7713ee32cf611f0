"""What a command line asks to be run in turn: two engines, two variants, or both."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from duroxide_stress.errors import UsageError, shown
from duroxide_stress.plan import Cell, Plan
from duroxide_stress.versus.environments import INSTALLED, python_for, read_engine
from duroxide_stress.versus.turns import FORMAT, Turns, TurnSide

MAX_ROUNDS = 100
Read = Callable[[list[str], str], Plan]
"""From plan words and whose they are to a plan, laid over the words that both sides share."""
T = TypeVar("T")


class Variant(msgspec.Struct, frozen=True):
    """A side's own plan words."""

    name: str
    words: tuple[str, ...]


class Asked(msgspec.Struct, frozen=True):
    """Everything a command line says of the sides, understood but not made yet."""

    engines: tuple[str, str]
    names: tuple[str, str]
    plans: tuple[Plan, Plan]
    rounds: int
    on_purpose: bool


def read_variant(text: str) -> Variant:
    """Read `name: --config 4/8`; without a name the words are the name. Raises UsageError."""
    name, colon, rest = text.partition(":")
    if not colon or name.lstrip().startswith("-"):
        name, rest = text, text
    try:
        words = tuple(shlex.split(rest))
    except ValueError as error:
        raise UsageError(f"--variant {shown(text)} cannot be read: {error}") from error
    loose = [word for word in words[:1] if not word.startswith("-")]
    if loose or not name.strip():
        raise UsageError(
            f"--variant {shown(text)} is not of the form `name: options of run`, for example "
            "`wide: --config 4/8`"
        )
    return Variant(name.strip(), words)


def read_asked(engines: Sequence[str], variants: Sequence[str], rounds: int, read: Read) -> Asked:
    """What is to be run in turn. Raises UsageError with everything wrong with it."""
    problems: list[str] = []
    for flag, values in (("--engine", engines), ("--variant", variants)):
        if len(values) > 2:
            problems.append(f"{flag} is given {len(values)} times: a comparison has two sides")
    if len(variants) < 2 and len(engines) < 2:
        problems.append("only one side: give two --engine, two --variant, or both, the base first")
    if not 1 <= rounds <= MAX_ROUNDS:
        problems.append(f"--rounds must be between 1 and {MAX_ROUNDS}, found {shown(rounds)}")
    known = [_kept(problems, read_engine, text) for text in engines[:2]] or [INSTALLED]
    own = [_kept(problems, read_variant, text) for text in variants[:2]]
    if problems:
        raise UsageError(problems)
    requirements = [engine for engine in known if engine is not None]
    chosen = [variant for variant in own if variant is not None] or [Variant("", ())]
    both = (requirements[0], requirements[-1])
    pair = (chosen[0], chosen[-1])
    plans = [_kept(problems, lambda v: read(list(v.words), v.name), variant) for variant in pair]
    made = [plan for plan in plans if plan is not None]
    if len(made) == 2 and len(made[0].cells) != len(made[1].cells):
        problems.append(
            f"the variants have {len(made[0].cells)} and {len(made[1].cells)} cells: the n-th of one "
            "is compared with the n-th of the other, so give both as many"
        )
    if problems:
        raise UsageError(list(dict.fromkeys(problems)))
    names = _names(both, pair)
    return Asked(both, names, (made[0], made[1]), rounds, on_purpose=bool(variants))


def _names(engines: tuple[str, str], variants: tuple[Variant, Variant]) -> tuple[str, str]:
    """As few words as tell the sides apart."""
    parts = [[variant.name] if variant.name else [] for variant in variants]
    if engines[0] != engines[1] or not parts[0]:
        for part, engine in zip(parts, engines, strict=True):
            part.insert(0, Path(engine).name)
    return ", ".join(parts[0]), ", ".join(parts[1])


def make_turns(asked: Asked, cache: Path, command: str, say: Callable[[str], None]) -> Turns:
    """The sides ready to run: their environments are made if need be. Raises UsageError."""
    pythons = {}
    problems: list[str] = []
    for engine in dict.fromkeys(asked.engines):
        if engine != INSTALLED:
            say(f"environment for {engine}")
        python = _kept(problems, lambda wanted: python_for(wanted, cache), engine)
        pythons[engine] = str(python)
    if problems:
        raise UsageError(problems)
    sides = [
        TurnSide(name, pythons[engine], _cells(plan), plan.checks)
        for name, engine, plan in zip(asked.names, asked.engines, asked.plans, strict=True)
    ]
    return Turns(
        format=FORMAT,
        base=sides[0],
        candidate=sides[1],
        rounds=asked.rounds,
        command=command,
        on_purpose=asked.on_purpose,
    )


def _cells(plan: Plan) -> tuple[Cell, ...]:
    return tuple(msgspec.structs.replace(cell, repeat=1) for cell in plan.cells)


A = TypeVar("A")


def _kept(problems: list[str], make: Callable[[A], T], given: A) -> T | None:
    """What is made of it; None, and what is wrong among the problems, when nothing can be."""
    try:
        return make(given)
    except UsageError as error:
        problems.extend(error.problems)
        return None
