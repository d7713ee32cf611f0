"""A user's own workflows as a scenario: their code on the real SDK, their word on what is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol, cast

from duroxide_stress.errors import UsageError
from duroxide_stress.oracle import Expectation
from duroxide_stress.plan import Cell
from duroxide_stress.plugins import load_object
from duroxide_stress.program import Json, Program
from duroxide_stress.scenarios.base import Order
from duroxide_stress.scenarios.options import Option
from duroxide_stress.scenarios.tree import instance_prefix

GUIDE = "docs/your-own-workflows.md"


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
        self._prefix = instance_prefix(cell, "own")
        self._expected = getattr(workflows, "expected", None)
        self._accepts = getattr(workflows, "accepts", None)

    @property
    def register(self) -> Callable[[Any], None]:
        return self._workflows.register

    def order(self, op: int) -> Order:
        """The user's start, under an id of ours."""
        orchestration, given = self._workflows.start(op)
        json.dumps(given)
        output = None if self._expected is None else self._expected(op)
        expectation = Expectation(
            output=output,
            activities=0,
            events={},
            min_ms=0,
            alike="",
            predicate=self._expected is None,
        )
        instance = f"{self._prefix}-{op:07d}"
        return Order(op, instance, orchestration, given, expectation, self._workflows.name)

    def complaint(self, op: int, status: str, output: Json, error: str | None) -> str | None:
        """What the user's predicate has against an end; None when it has nothing, or is none."""
        if self._accepts is None:
            return None
        try:
            found = self._accepts(op, status, output, error)
        except Exception as raised:  # noqa: BLE001 - a predicate that raises has not accepted
            return f"the predicate raised {type(raised).__name__}: {raised}"
        return None if found is None else str(found)


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
        self.title = str(getattr(found, "title", self._workflows.name))
        self.summary = str(getattr(found, "summary", "Workflows of your own."))

    def workload(self, cell: Cell) -> OwnWorkload:
        """Bind the user's object to a cell; asks it for its first instance, to fail early.

        Raises UsageError when it cannot say what instance 0 is.
        """
        workload = OwnWorkload(self._workflows, cell)
        try:
            workload.order(0)
        except Exception as error:
            raise UsageError(
                f"scenario {self.name!r} cannot say what instance 0 is: "
                f"{type(error).__name__}: {error}; start(i) returns an orchestration's name and a "
                "JSON input"
            ) from error
        return workload
