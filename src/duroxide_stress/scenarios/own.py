"""A user's own workflows as a scenario: their code on the real SDK, their word on what is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol, cast

from duroxide_stress.errors import UsageError, in_words, shown
from duroxide_stress.oracle import ANY, Expectation
from duroxide_stress.plan import Cell
from duroxide_stress.plugins import load_object
from duroxide_stress.program import Json, Program
from duroxide_stress.recording.records import CANARY
from duroxide_stress.scenarios.base import Order
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import instance_prefix
from duroxide_stress.values import UNRECORDED, flaw, has_key, plain, text_flaw

GUIDE = "docs/your-own-workflows.md"
MAX_NAME = 1000
"""Characters of an orchestration's name; an empty one is never picked up by Duroxide."""
MAX_TITLE = 100

_WORD = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Workflows(Protocol):
    """What a user's module offers. Beside these, exactly one of

    - `expected(i) -> value`: the output instance i must have, compared as JSON, or
    - `accepts(i, status, output, error) -> str | None`: what is wrong with an end, None when it is
      right; it also sees failed ends, so that an expected failure can be accepted.
    """

    @property
    def name(self) -> str:
        """A word for the table, lower-case letters and hyphens."""
        ...

    def register(self, runtime: Any) -> None:
        """Register activities and orchestrations, as on a `duroxide.Runtime`."""
        ...

    def start(self, i: int) -> tuple[str, Json]:
        """Orchestration and input of instance i. A pure function: it is asked in two processes."""
        ...


class OwnWorkload:
    """Instances of a user's workflows."""

    limit = None
    release = None

    def __init__(self, workflows: Workflows, cell: Cell) -> None:
        self.programs: dict[str, Program] = {}
        self._workflows = workflows
        self._reference = cell.scenario
        self._prefix = instance_prefix(cell, "own")
        self._expected = getattr(workflows, "expected", None)
        self._accepts = getattr(workflows, "accepts", None)

    def register(self, runtime: Any) -> None:
        """Let the user register. Raises UsageError with what went wrong in their code."""
        self._asked("register", self._workflows.register, runtime)

    def order(self, op: int) -> Order:
        """The user's start, under an id of ours.

        Raises UsageError when it cannot be run, or its end not be verified exactly.
        """
        orchestration, given = self._start(op)
        expected = None
        if self._expected is not None:
            at = f"expected({op})"
            expected = self._value(at, self._asked(at, self._expected, op))
            for key in (ANY, UNRECORDED):
                if has_key(expected, key):
                    self._refuse(f"{at} has the key {key!r}, which has a meaning in recordings")
        expectation = Expectation(
            output=expected,
            activities=0,
            events={},
            min_ms=0,
            alike="",
            predicate=self._expected is None,
        )
        instance = f"{self._prefix}-{op:07d}"
        return Order(op, instance, orchestration, given, expectation, self._workflows.name)

    def complaint(self, op: int, status: str, output: Json, error: str | None) -> str | None:
        """What the user's predicate has against an end; None when it has nothing, or is none.

        Raises UsageError when it answers neither: a mere True or False is easily taken for the
        other.
        """
        if self._accepts is None:
            return None
        try:
            found = self._accepts(op, status, output, error)
        except Exception as raised:  # noqa: BLE001 - a predicate that raises has not accepted
            found = f"the predicate raised {in_words(raised)}"
        if found is None:
            return None
        if not isinstance(found, str):
            self._refuse(
                f"accepts({op}, ...) must return None, or what is wrong as a text, "
                f"found {shown(found)}"
            )
        return found.encode(errors="backslashreplace").decode()

    def _start(self, op: int) -> tuple[str, Json]:
        at = f"start({op})"
        match self._asked(at, self._workflows.start, op):
            case (str() as name, given):
                pass
            case found:
                self._refuse(
                    f"{at} must return an orchestration's name and its input, found {shown(found)}"
                )
        if not 1 <= len(name) <= MAX_NAME:
            self._refuse(
                f"{at} must name an orchestration in 1 to {MAX_NAME} characters, "
                f"found {shown(name)}"
            )
        if wrong := text_flaw(name):
            self._refuse(f"the orchestration's name in {at} cannot be run: {wrong}")
        return name, self._value(f"the input in {at}", given)

    def _value(self, what: str, value: object) -> Json:
        """A value of the user's as JSON, the same for the engine, the recording and the checks."""
        if wrong := flaw(value):
            self._refuse(f"{what} cannot be run and verified: {wrong}")
        return plain(value)

    def _asked(self, what: str, ask: Callable[..., Any], *given: Any) -> Any:
        """What the user's code answers."""
        try:
            return ask(*given)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - their code may raise anything
            self._refuse(f"{what} raised {in_words(error)}", error)

    def _refuse(self, problem: str, cause: BaseException | None = None) -> NoReturn:
        raise UsageError(f"scenario {self._reference!r}: {problem}") from cause


class OwnScenario:
    """`--scenario package.module:Name`."""

    options: tuple[Option, ...] = ()
    lasting = False

    def __init__(self, reference: str) -> None:
        found = load_object("scenario", reference, ("name", "register", "start"), GUIDE)
        given = [name for name in ("expected", "accepts") if hasattr(found, name)]
        if len(given) != 1:
            raise UsageError(
                f"scenario {reference!r} must have either expected(i) or "
                f"accepts(i, status, output, error), found {' and '.join(given) or 'neither'}; "
                f"{GUIDE} shows both"
            )
        self._workflows = cast("Workflows", found)
        self.name = reference
        self.title: str = getattr(found, "title", self._workflows.name)
        self.summary = str(getattr(found, "summary", "Workflows of your own."))
        if wrong := _wrong_words(self._workflows.name, self.title):
            raise UsageError(f"scenario {reference!r}: {wrong}")

    def clash(self, settings: Mapping[str, int]) -> str:
        return ""

    def workload(self, cell: Cell) -> OwnWorkload:
        """Bind the user's object to a cell; asks it for its first instance, to fail early.

        Raises UsageError when instance 0 cannot be run.
        """
        workload = OwnWorkload(self._workflows, cell)
        workload.order(0)
        return workload


def _wrong_words(name: object, title: object) -> str:
    """What is wrong with the words that stand for a scenario in tables; empty when nothing is."""
    if not isinstance(name, str) or not _WORD.fullmatch(name):
        return (
            "its name must be a word of 1 to 40 lower-case letters, digits and hyphens, "
            f"found {shown(name)}"
        )
    if name == CANARY:
        return f"its name must not be {CANARY!r}, which is the part of the canaries beside a load"
    if not isinstance(title, str) or not title.isprintable() or not 1 <= len(title) <= MAX_TITLE:
        return f"its title must be 1 to {MAX_TITLE} printable characters, found {shown(title)}"
    return ""
