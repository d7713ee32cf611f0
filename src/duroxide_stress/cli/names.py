"""`list`: what can be named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from duroxide_stress.cli.options import CheckFiles
from duroxide_stress.cli.output import say
from duroxide_stress.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from duroxide_stress.faults.base import Fault
    from duroxide_stress.scenarios.base import Scenario


def list_names(
    kind: Annotated[
        str, typer.Argument(help="scenarios, providers, faults, checks or suites.")
    ] = "all",
    check: CheckFiles = [],  # noqa: B006 - typer's way to say that it may be left out
) -> None:
    """List what can be named."""
    from duroxide_stress.checks.own import load_checks
    from duroxide_stress.checks.registry import CHECKS
    from duroxide_stress.config import SUITES
    from duroxide_stress.faults.registry import FAULTS
    from duroxide_stress.providers.registry import provider_names
    from duroxide_stress.scenarios.registry import SCENARIOS

    kinds: dict[str, dict[str, str]] = {
        "scenarios": {name: _with_options(s) for name, s in SCENARIOS.items()},
        "providers": {name: _label(name) for name in provider_names()},
        "faults": {f.name: _with_settings(f) for f in FAULTS.values()},
        "checks": {c.name: c.promise for c in (*CHECKS.values(), *load_checks(check).values())},
        "suites": {name: s.summary for name, s in SUITES.items()},
    }
    if kind != "all" and kind not in kinds:
        raise UsageError(unknown_name("kind", kind, [*kinds, "all"]))
    lines = []
    for title, names in kinds.items():
        if kind in (title, "all"):
            lines.append(f"{title}:")
            wide = max(map(len, names))
            lines += [f"  {name:<{wide}}  {summary}" for name, summary in names.items()]
    say("\n".join(lines) + "\n")


def _label(name: str) -> str:
    from duroxide_stress.providers.registry import provider_named

    try:
        return provider_named(name).label
    except UsageError as error:  # an installed package's provider may be broken
        return str(error)


def _with_settings(fault: Fault) -> str:
    described = [f"\n      {setting.describe()}" for setting in fault.all_settings]
    why = fault.unavailable()
    return fault.summary + (f" Not available here: {why}." if why else "") + "".join(described)


def _with_options(scenario: Scenario) -> str:
    described = [f"\n      {scenario.name}.{o.describe()}" for o in scenario.options]
    return scenario.summary + "".join(described)
