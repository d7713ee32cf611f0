"""`self-test`: whether the checks find what is planted, and nothing else."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from duroxide_stress.cli.options import JsonPath
from duroxide_stress.cli.output import put_json
from duroxide_stress.cli.paths import refuse_paths
from duroxide_stress.verdict import EXIT_OK, EXIT_VIOLATED


def self_test(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the released engine and its stores.")
    ] = False,
    json: JsonPath = None,
) -> None:
    """Plant bugs in an engine and in stores, and see that the checks find them and nothing else.

    Exit code 0: every bug was found by the check meant for it, and no clean run alarmed; 1: not so.
    """
    from duroxide_stress.cli.display import Interrupts
    from duroxide_stress.selftest import report
    from duroxide_stress.selftest.running import run_selftest

    refuse_paths(json=json)
    console = Console(stderr=True)
    with Interrupts() as interrupts, console.status("self-test") as status:

        def tell(phase: str, number: int, total: int, name: str) -> None:
            if console.is_terminal:
                status.update(f"{phase} {number}/{total}: {name}")
            elif number == 1:
                console.print(f"{phase}: {total}", highlight=False, markup=False)

        result = run_selftest(quick=quick, interrupted=lambda: interrupts.asked, tell=tell)
    put_json(lambda width: report.render(result, width), lambda: report.document(result), json, "")
    raise typer.Exit(EXIT_OK if result.passed else EXIT_VIOLATED)
